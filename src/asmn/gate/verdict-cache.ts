/**
 * What is known of instances, from all Sec-EMs, for the one question of a gate: who speaks from this address?
 * Lives end on the monotonic clock since receipt. No I/O, no timers: events and times go in, what changed
 * comes out as addresses.
 */
import type { GateEntry, GateEvent, GlassEntry } from "./entry.js";
import { Source, type SourceTimes, type SourceView } from "./sources.js";

export interface CachedEntry extends GateEntry {
  readonly source: Source;
  /** Monotonic milliseconds. */
  readonly expiresAt: number;
}

export interface CachedGlass extends GlassEntry {
  readonly endsAt: number;
}

/** Instances remembered; a Sec-EM that names more is told to stop by forgetting the rest. */
const MOST_ENTRIES = 100_000;
const MOST_GLASS = 256;
const NOBODY: ReadonlySet<string> = new Set();

export class VerdictCache {
  times: SourceTimes;
  /** Entries beyond what is remembered. */
  overflow = 0;
  private readonly sources = new Map<string, Source>();
  private readonly byId = new Map<string, CachedEntry>();
  private readonly byAddress = new Map<string, Set<string>>();
  /** Not named by the snapshot under way, by source. */
  private readonly unnamed = new Map<string, Set<string>>();
  private readonly glass = new Map<string, CachedGlass>();

  constructor(times: SourceTimes) {
    this.times = times;
  }

  /** Which Sec-EMs there are; what another one has said is forgotten. Returns the addresses concerned. */
  setSources(names: readonly string[]): Set<string> {
    const touched = new Set<string>();
    const wanted = new Set(names);
    for (const name of this.sources.keys()) {
      if (wanted.has(name)) continue;
      this.sources.delete(name);
      this.unnamed.delete(name);
      for (const entry of [...this.byId.values()]) {
        if (entry.source.name === name) this.drop(entry, touched);
      }
    }
    for (const name of names) {
      if (!this.sources.has(name)) this.sources.set(name, new Source(name));
    }
    return touched;
  }

  /** @returns addresses for which the answer may be another one now */
  apply(event: GateEvent, now: number): Set<string> {
    const touched = new Set<string>();
    if (event.kind === "glass") {
      const { entry } = event;
      this.addGlass({ ...entry, endsAt: now + entry.remainingMs }, touched);
      return touched;
    }
    if (event.kind === "glass-ended") {
      const ended = this.glass.get(event.key);
      this.glass.delete(event.key);
      if (ended !== undefined) this.touchGlass(ended, touched);
      return touched;
    }
    const source = this.sources.get(event.source);
    if (source === undefined) return touched;
    switch (event.kind) {
      case "alive":
        this.alive(source, now - event.lagMs, now, touched);
        break;
      case "begin":
        this.unnamed.set(source.name, new Set(this.idsOf(source)));
        source.synchronized = false;
        break;
      case "entries":
        for (const entry of event.entries) this.put(source, entry, now, touched);
        break;
      case "gone": {
        const known = this.byId.get(event.id);
        if (known?.source === source) this.drop(known, touched);
        break;
      }
      case "sync":
        this.sync(source, touched);
        break;
      case "suspect":
        source.suspectAt ??= now;
        source.why = event.why;
        for (const id of this.idsOf(source)) this.touch(this.byId.get(id)!, touched);
        break;
      case "link":
        source.link = event.state;
        source.why = event.why;
        break;
      case "refused":
        source.refused++;
        source.lastRefusal = `${event.reason}: ${event.sentence}`;
    }
    return touched;
  }

  /** Who is known at an address. */
  at(address: string): CachedEntry[] {
    return [...(this.byAddress.get(address) ?? NOBODY)].map((id) => this.byId.get(id)!);
  }

  instance(id: string): CachedEntry | undefined {
    return this.byId.get(id);
  }

  addresses(): Iterable<string> {
    return this.byAddress.keys();
  }

  entries(): Iterable<CachedEntry> {
    return this.byId.values();
  }

  get size(): number {
    return this.byId.size;
  }

  /** Ways in that are open now. */
  openGlass(now: number): CachedGlass[] {
    return [...this.glass.values()].filter(({ endsAt }) => endsAt > now);
  }

  /** Addresses whose answer changed by the mere passing of time since `from`, up to `now`. */
  passed(from: number, now: number): Set<string> {
    const touched = new Set<string>();
    const isPast = (at: number): boolean => at > from && at <= now;
    const turned = new Set<Source>();
    for (const source of this.sources.values()) {
      if (isPast(source.staleAt(this.times)) || isPast(source.graceUntil(this.times))) {
        turned.add(source);
      }
    }
    for (const entry of this.byId.values()) {
      if (isPast(entry.expiresAt) || turned.has(entry.source)) this.touch(entry, touched);
    }
    for (const glass of [...this.glass.values()]) {
      if (glass.endsAt > now) continue;
      this.glass.delete(glass.key);
      this.touchGlass(glass, touched);
    }
    return touched;
  }

  /** When `passed` has something to say next; Infinity for never. */
  nextDeadline(now: number): number {
    let next = Infinity;
    const look = (at: number): void => {
      if (at > now && at < next) next = at;
    };
    for (const source of this.sources.values()) {
      look(source.staleAt(this.times));
      look(source.graceUntil(this.times));
    }
    for (const { expiresAt } of this.byId.values()) look(expiresAt);
    for (const { endsAt } of this.glass.values()) look(endsAt);
    return next;
  }

  views(now: number): SourceView[] {
    const counts = new Map<Source, number>();
    for (const { source } of this.byId.values()) counts.set(source, (counts.get(source) ?? 0) + 1);
    return [...this.sources.values()].map((source) =>
      source.view(this.times, now, counts.get(source) ?? 0),
    );
  }

  private alive(source: Source, at: number, now: number, touched: Set<string>): void {
    const wasStale = now >= source.staleAt(this.times);
    source.aliveAt = Math.max(at, source.aliveAt ?? -Infinity);
    if (!wasStale || source.suspectAt !== undefined) return;
    for (const id of this.idsOf(source)) this.touch(this.byId.get(id)!, touched);
  }

  private sync(source: Source, touched: Set<string>): void {
    for (const id of this.unnamed.get(source.name) ?? NOBODY) {
      const entry = this.byId.get(id);
      if (entry?.source === source) this.drop(entry, touched);
    }
    this.unnamed.delete(source.name);
    source.synchronized = true;
    if (source.suspectAt === undefined) return;
    source.suspectAt = undefined;
    for (const id of this.idsOf(source)) this.touch(this.byId.get(id)!, touched);
  }

  private put(source: Source, entry: GateEntry, now: number, touched: Set<string>): void {
    this.unnamed.get(source.name)?.delete(entry.id);
    const before = this.byId.get(entry.id);
    // Of two writers the one with the higher epoch; of one, its last word.
    if (before !== undefined && before.source !== source && before.epoch >= entry.epoch) return;
    if (before === undefined && this.byId.size >= MOST_ENTRIES) {
      this.overflow++;
      return;
    }
    if (before !== undefined) this.drop(before, touched);
    this.byId.set(entry.id, { ...entry, source, expiresAt: now + entry.remainingMs });
    for (const address of entry.addresses) {
      const there = this.byAddress.get(address) ?? new Set();
      there.add(entry.id);
      this.byAddress.set(address, there);
      touched.add(address);
    }
  }

  private drop(entry: CachedEntry, touched: Set<string>): void {
    this.byId.delete(entry.id);
    this.touch(entry, touched);
    for (const address of entry.addresses) {
      const there = this.byAddress.get(address);
      there?.delete(entry.id);
      if (there?.size === 0) this.byAddress.delete(address);
    }
  }

  private touch({ addresses }: CachedEntry, touched: Set<string>): void {
    for (const address of addresses) touched.add(address);
  }

  private addGlass(glass: CachedGlass, touched: Set<string>): void {
    if (this.glass.size >= MOST_GLASS && !this.glass.has(glass.key)) {
      // Told, as whatever ends: nobody stays in by what is forgotten.
      const oldest = this.glass.values().next().value!;
      this.glass.delete(oldest.key);
      this.touchGlass(oldest, touched);
    }
    this.glass.set(glass.key, glass);
    this.touchGlass(glass, touched);
  }

  private touchGlass({ address, tenant, vnf, instance }: CachedGlass, touched: Set<string>): void {
    if (address !== undefined) touched.add(address);
    for (const entry of this.byId.values()) {
      if (entry.tenant !== tenant) continue;
      if (vnf !== undefined && vnf !== entry.vnf) continue;
      if (instance === undefined || instance === entry.instance) this.touch(entry, touched);
    }
  }

  private idsOf(source: Source): string[] {
    return [...this.byId.values()].filter((entry) => entry.source === source).map(({ id }) => id);
  }
}
