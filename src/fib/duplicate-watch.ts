/**
 * Duplicate detection over the MAC entries: a record of the state machine for each MAC that moved lately,
 * none for the others. A MAC that becomes a duplicate, or is one no more, is an event; what is done about
 * it is not decided here.
 *
 * Not counted: moves inside one segment (they are no moves), MACs and domains that the settings exempt,
 * and MACs that are meant to be in many places: default gateways (RFC 7432 section 10.1) and those of
 * VRRP (RFC 9568 section 7.3).
 */
import { parseMac } from "../fast-bgp-codec/index.js";
import { readU16, readU32 } from "../util/bytes.js";
import { RecordPool } from "../util/record-pool.js";
import type { BridgeDomains } from "./bridge-domain.js";
import {
  stepWatch,
  WatchInput,
  WatchOutput,
  WatchState,
  type Watch,
  type WatchRule,
} from "./duplicates.js";
import { FibEventKind, type FibEvents } from "./events.js";
import type { MoveSink } from "./mac-fib.js";
import type { MacEntries } from "./mac-entries.js";
import type { DomainSettings, DuplicateSettings } from "./settings.js";

const WIDTH = 6;
const ENTRY = 0;
const STATE = 2;
const SINCE = 3;
const LAST = 4;
const MOVES = 5;

/** 00-00-5E-00-01-xx for IPv4, 00-00-5E-00-02-xx for IPv6, without the last octet. */
const VRRP_HIGH = 0x0000;
const VRRP_LOW = [0x5e0001, 0x5e0002];

export interface WatchedEntries {
  readonly entries: MacEntries;
  /** Whether the winner is a default gateway's route. */
  isGateway(entry: number): boolean;
  /** PE of the winner. */
  pe(entry: number): number;
}

/** A duplicate as plain data; times are wall-clock milliseconds. */
export interface DuplicateView {
  readonly since: number;
  readonly lastMove: number;
  readonly moves: number;
}

export class DuplicateWatch implements MoveSink {
  /** Monotonic milliseconds; set by the owner before each batch. */
  now = 0;
  /** MACs that are duplicates now. */
  duplicates = 0;
  private readonly pool = new RecordPool(WIDTH);
  private readonly settings: DuplicateSettings;
  private readonly domains: BridgeDomains;
  private readonly events: FibEvents;
  /** Of the domains that have thresholds of their own. */
  private readonly domainRules = new Map<DomainSettings, WatchRule>();
  private readonly exemptMacs = new Set<number>();
  private readonly exemptOuis = new Set<number>();
  private readonly watch: Watch = { state: WatchState.Quiet, since: 0, last: 0, moves: 0 };
  private watched: WatchedEntries | undefined;
  private at = 1;

  constructor(
    settings: DuplicateSettings,
    named: readonly DomainSettings[],
    domains: BridgeDomains,
    events: FibEvents,
  ) {
    this.settings = settings;
    for (const domain of named) {
      const { duplicates } = domain;
      if (duplicates === undefined || duplicates === false) continue;
      const { releaseSeconds } = settings;
      this.domainRules.set(domain, { ...duplicates, releaseSeconds });
    }
    this.domains = domains;
    this.events = events;
    for (const text of settings.exemptMacs) {
      const mac = parseMac(text);
      if (mac === undefined) throw new RangeError(`${text} is no MAC address`);
      this.exemptMacs.add(readU16(mac, 0) * 0x1_0000_0000 + readU32(mac, 2));
    }
    for (const text of settings.exemptOuis) {
      const oui = parseMac(`${text}:00:00:00`);
      if (oui === undefined) throw new RangeError(`${text} is no OUI`);
      this.exemptOuis.add(readU32(oui, 0) >>> 8);
    }
  }

  /** The entries it watches; once, before the first move. */
  attach(watched: WatchedEntries): void {
    this.watched = watched;
  }

  /** MACs remembered. */
  get count(): number {
    return this.pool.count;
  }

  moved(entry: number): void {
    const { entries } = this.watched!;
    const rule = this.ruleOf(entry);
    if (rule === undefined) return;
    let id = entries.watch(entry);
    if (id === 0) {
      id = this.pool.take();
      this.pool.words[id * WIDTH + ENTRY] = entry;
      entries.setWatch(entry, id);
    }
    this.step(id, WatchInput.Move, rule);
  }

  gone(entry: number): void {
    const id = this.watched!.entries.watch(entry);
    if (id !== 0) this.step(id, WatchInput.Clear, this.settings);
  }

  /** Ends the duplicate by hand; false when the MAC is none. */
  clear(entry: number): boolean {
    const id = this.watched!.entries.watch(entry);
    if (id === 0 || this.pool.words[id * WIDTH + STATE] !== WatchState.Duplicate) return false;
    this.step(id, WatchInput.Clear, this.settings);
    return true;
  }

  /** Looks at up to `most` records for what time alone changes; whether the round over all is complete. */
  expire(most: number): boolean {
    const { pool } = this;
    for (let n = 0; n < most; n++) {
      if (this.at >= pool.limit) {
        this.at = 1;
        return true;
      }
      const id = this.at++;
      if (pool.words[id * WIDTH + STATE] === WatchState.Quiet) continue;
      const entry = pool.words[id * WIDTH + ENTRY]!;
      this.step(id, WatchInput.Time, this.ruleOf(entry) ?? this.settings);
    }
    return false;
  }

  /** Undefined when the MAC is no duplicate. */
  view(entry: number): DuplicateView | undefined {
    const id = this.watched!.entries.watch(entry);
    const words = this.pool.words;
    const base = id * WIDTH;
    if (id === 0 || words[base + STATE] !== WatchState.Duplicate) return undefined;
    const wall = (at: number): number => this.events.now - ((this.now - at) >>> 0);
    return {
      since: wall(words[base + SINCE]!),
      lastMove: wall(words[base + LAST]!),
      moves: words[base + MOVES]!,
    };
  }

  /** Entries of duplicates among the records from `from` on, at most `most` records; `next` is 0 at the end. */
  page(from: number, most: number): { readonly entries: number[]; readonly next: number } {
    const entries: number[] = [];
    const end = Math.min(this.pool.limit, from + most);
    for (let id = Math.max(1, from); id < end; id++) {
      const base = id * WIDTH;
      if (this.pool.words[base + STATE] === WatchState.Duplicate) {
        entries.push(this.pool.words[base + ENTRY]!);
      }
    }
    return { entries, next: end < this.pool.limit ? end : 0 };
  }

  /** What counts for the entry; undefined = exempt. */
  private ruleOf(entry: number): WatchRule | undefined {
    const watched = this.watched!;
    const { entries } = watched;
    const high = entries.macHigh(entry);
    const low = entries.macLow(entry) >>> 0;
    if (high === VRRP_HIGH && VRRP_LOW.includes(low >>> 8)) return undefined;
    if (this.exemptOuis.size > 0 && this.exemptOuis.has(high * 0x100 + (low >>> 24))) {
      return undefined;
    }
    if (this.exemptMacs.size > 0 && this.exemptMacs.has(high * 0x1_0000_0000 + low)) {
      return undefined;
    }
    if (watched.isGateway(entry)) return undefined;
    const domain = this.domains.settingsOf(entries.domain(entry));
    if (domain?.duplicates === false) return undefined;
    return (domain && this.domainRules.get(domain)) ?? this.settings;
  }

  private step(id: number, input: WatchInput, rule: WatchRule): void {
    const { watch } = this;
    const { words } = this.pool;
    const base = id * WIDTH;
    const entry = words[base + ENTRY]!;
    watch.state = words[base + STATE]! as WatchState;
    watch.since = words[base + SINCE]!;
    watch.last = words[base + LAST]!;
    watch.moves = words[base + MOVES]!;
    const output = stepWatch(watch, input, this.now | 0, rule);
    words[base + STATE] = watch.state;
    words[base + SINCE] = watch.since;
    words[base + LAST] = watch.last;
    words[base + MOVES] = watch.moves;
    if (output === WatchOutput.Alarm) {
      this.duplicates++;
      this.tell(FibEventKind.Duplicate, entry);
    } else if (output === WatchOutput.Cleared) {
      this.duplicates--;
      this.tell(FibEventKind.DuplicateCleared, entry);
    }
    if (watch.state !== WatchState.Quiet) return;
    this.watched!.entries.setWatch(entry, 0);
    this.pool.give(id);
  }

  private tell(kind: FibEventKind, entry: number): void {
    const { entries } = this.watched!;
    this.events
      .begin(kind)
      .mac(entries.domain(entry), entries.macHigh(entry), entries.macLow(entry))
      .to(this.watched!.pe(entry))
      .count(this.watch.moves);
  }
}
