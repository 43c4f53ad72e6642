/**
 * All watchers of one evpnd. The hub reads the ring of events a batch at a time, once for all, and shows
 * it to them; each keeps what changed for it, and is asked for items when its client has room for some.
 * So a slow client costs a bounded set of keys, a stopped one nothing more, and a dead one nothing
 * at all: whoever does not pull for `idleMs` is closed.
 *
 * Nothing runs while nobody watches.
 */
import { randomBytes } from "node:crypto";
import type { Clock, TimerHandle } from "../../util/clock.js";
import { FibQueryError } from "../control.js";
import type { FibEvent } from "../event-record.js";
import type { MacView } from "../view.js";
import { parseCursor, queryDigest } from "./cursor.js";
import { EventWatcher } from "./event-watcher.js";
import { WatchFilter } from "./filter.js";
import {
  mark,
  type PeerState,
  type WatchBatch,
  type WatchControl,
  type WatchItem,
  type WatchQuery,
  type WatchStats,
} from "./items.js";
import { MacWatcher, type MacWatchHost } from "./mac-watcher.js";
import { PeerStates, PeerWatcher } from "./peer-watcher.js";
import {
  DEFAULT_LIMITS,
  type HubLimits,
  type NamedEvent,
  type Watcher,
  type WatchSource,
} from "./watcher.js";

/** Between two looks at the ring, events taken from it at once, and how long to go on while there are more. */
const PUMP_MS = 20;
const PUMP_MOST = 500;
const PUMP_BUDGET_MS = 20;
const PEERS_MS = 1000;
const SWEEP_MS = 10_000;
const MOST_ITEMS = 1000;
const MOST_WAIT = 60_000;
/** States kept for the watchers that ask for the same one after the other. */
const MOST_STATES = 4096;

export interface HubOptions {
  /** The FIB that answers now; undefined while it is off. */
  source(): WatchSource | undefined;
  /** All peers, without counters. */
  peers?: (() => Promise<readonly PeerState[]>) | undefined;
  readonly clock: Clock;
  readonly limits?: Partial<HubLimits>;
}

interface Open {
  readonly id: string;
  readonly watcher: Watcher;
  readonly ofFib: boolean;
  pulled: number;
  /** Set while a `next` waits: called when there is something. */
  wake: (() => void) | undefined;
  busy: boolean;
  ended: string | undefined;
}

export class WatchHub implements WatchControl {
  private readonly options: HubOptions;
  private readonly clock: Clock;
  private readonly limits: HubLimits;
  private readonly open_ = new Map<string, Open>();
  private readonly host: MacWatchHost;
  private readonly peerStates = new PeerStates(randomBytes(8).toString("hex"));
  private source: WatchSource | undefined;
  private position = 0;
  private readonly states = new Map<string, Promise<MacView | undefined>>();
  private readonly timers = new Map<string, TimerHandle>();
  private items = 0;
  private lags = 0;

  constructor(options: HubOptions) {
    this.options = options;
    this.clock = options.clock;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.host = this.lend();
  }

  async open(query: WatchQuery): Promise<string> {
    if (this.open_.size >= this.limits.watchers) {
      throw new FibQueryError(
        "busy",
        `${this.limits.watchers} clients watch already, and no more may; close one of them`,
      );
    }
    const filter = new WatchFilter(query);
    const digest = queryDigest([query.topic, filter.parts]);
    const id = randomBytes(12).toString("hex");
    const ofFib = query.topic !== "peers";
    const watcher = ofFib
      ? this.fibWatcher(query, filter, digest)
      : await this.peerWatcher(query, digest);
    const pulled = this.clock.now();
    this.open_.set(id, {
      id,
      watcher,
      ofFib,
      pulled,
      wake: undefined,
      busy: false,
      ended: undefined,
    });
    this.run();
    return id;
  }

  async next(id: string, most: number, waitMs: number): Promise<WatchBatch> {
    const one = this.open_.get(id);
    if (one === undefined) throw closed();
    if (one.busy) throw new FibQueryError("busy", "this watcher is being asked already");
    one.busy = true;
    try {
      this.refresh();
      if (!one.watcher.hasWork && one.ended === undefined) await this.wait(one, waitMs);
      const items = await this.take(one, Math.min(MOST_ITEMS, Math.max(1, most)));
      const ended = one.ended !== undefined && !one.watcher.hasWork;
      if (ended) {
        items.push(mark("end", this.position, { message: one.ended }));
        this.forget(one);
      }
      this.items += items.length;
      return { items, ended };
    } finally {
      one.busy = false;
      one.pulled = this.clock.now();
    }
  }

  close(id: string): Promise<void> {
    const one = this.open_.get(id);
    if (one !== undefined) this.forget(one);
    return Promise.resolve();
  }

  stats(): Promise<WatchStats> {
    let pending = 0;
    for (const { watcher } of this.open_.values()) pending += watcher.pending;
    const { items, lags: lagged } = this;
    return Promise.resolve({ watchers: this.open_.size, pending, items, lagged });
  }

  /** Ends all watches and every timer. */
  stop(): void {
    for (const one of [...this.open_.values()]) this.forget(one);
  }

  private lend(): MacWatchHost {
    const source = (): WatchSource => this.source!;
    const position = (): number => this.position;
    const { changes, snapshotMs } = this.limits;
    return {
      get source() {
        return source();
      },
      get position() {
        return position();
      },
      changes,
      snapshotMs,
      now: () => this.clock.now(),
      state: (domain, mac) => this.state(domain, mac),
      named: (events) => this.named(events),
      countLag: () => {
        this.lags++;
      },
    };
  }

  private fibWatcher(query: WatchQuery, filter: WatchFilter, digest: string): Watcher {
    this.refresh();
    const { source } = this;
    if (source === undefined) {
      throw new FibQueryError(
        "off",
        "the MAC FIB is off: set fib.enabled: true in the configuration and reload, or start evpnd with --fib",
      );
    }
    const resumed = this.resume(query, digest, source.instance);
    const from = resumed?.position;
    const known = from !== undefined && from >= source.events.oldest && from <= source.events.next;
    const lost = from === undefined || known ? 0 : Math.max(0, source.events.oldest - from);
    if (query.topic === "events") {
      const watcher = new EventWatcher(this.host, filter, digest, known ? from : undefined);
      if (query.cursor !== undefined && !known) watcher.lag(WHY_LAGGED, lost);
      return watcher;
    }
    const watcher = new MacWatcher(this.host, filter, {
      query: digest,
      expand: query.expand === true,
      ...(known && { from }),
    });
    if (query.cursor !== undefined && !known) watcher.lag(WHY_LAGGED, lost);
    else if (query.cursor === undefined && query.snapshot !== false) watcher.snapshot("snapshot");
    else if (query.cursor === undefined) watcher.changesOnly();
    return watcher;
  }

  private async peerWatcher(query: WatchQuery, digest: string): Promise<Watcher> {
    const { peers } = this.options;
    if (peers === undefined) throw new FibQueryError("invalid", "peers cannot be watched here");
    const { peerStates } = this;
    // While nobody watches nobody looks: what changed meanwhile counts now.
    if (!peerStates.watched) peerStates.update(await peers());
    const resumed = this.resume(query, digest, peerStates.instance);
    const lost = query.cursor !== undefined;
    const watcher = new PeerWatcher(peerStates, digest, lost);
    if (resumed?.position === peerStates.revision || query.snapshot === false) {
      watcher.skipSnapshot();
    }
    peerStates.add(watcher);
    return watcher;
  }

  /** The query's cursor, if it is of this instance and filter. Throws for what is no cursor. */
  private resume(
    { cursor }: WatchQuery,
    digest: string,
    instance: string,
  ): { readonly position: number } | undefined {
    if (cursor === undefined) return undefined;
    const parsed = parseCursor(cursor);
    if (parsed === undefined) {
      throw new FibQueryError(
        "invalid",
        "cursor is not from a watch; leave it out to begin with a snapshot",
      );
    }
    return parsed.instance === instance && parsed.query === digest ? parsed : undefined;
  }

  private async take(one: Open, most: number): Promise<WatchItem[]> {
    if (one.ofFib && this.source === undefined) return [];
    const items = await one.watcher.take(most);
    const last = items.at(-1);
    const cursor = last && one.watcher.cursor();
    if (last !== undefined && cursor !== undefined) items[items.length - 1] = { ...last, cursor };
    return items;
  }

  private wait(one: Open, waitMs: number): Promise<void> {
    if (waitMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const name = `wait ${one.id}`;
      const done = (): void => {
        this.cancel(name);
        one.wake = undefined;
        resolve();
      };
      one.wake = done;
      this.arm(name, Math.min(MOST_WAIT, waitMs), done);
    });
  }

  private forget(one: Open): void {
    this.open_.delete(one.id);
    if (one.watcher instanceof PeerWatcher) this.peerStates.remove(one.watcher);
    one.ended ??= "the watch was closed";
    one.wake?.();
    if (this.open_.size > 0) return;
    for (const name of ["pump", "sweep"]) this.cancel(name);
    if (!this.peerStates.watched) this.cancel("peers");
    this.states.clear();
    this.source = undefined;
  }

  private run(): void {
    this.arm("pump", PUMP_MS, () => this.pump());
    this.arm("sweep", SWEEP_MS, () => this.sweep());
    if (this.peerStates.watched) this.arm("peers", PEERS_MS, () => void this.pollPeers());
  }

  /** Takes note of another FIB. */
  private refresh(): void {
    const source = this.options.source();
    if (source?.instance === this.source?.instance) {
      // The same FIB, perhaps through another door.
      this.source = source;
      return;
    }
    const first = this.source === undefined;
    this.source = source;
    this.position = source?.events.next ?? 0;
    this.states.clear();
    if (first) return;
    for (const one of this.open_.values()) {
      if (!one.ofFib) continue;
      if (source === undefined) one.ended = "the MAC FIB was turned off; watch again when it is on";
      else (one.watcher as MacWatcher | EventWatcher).lag("the FIB was made anew", 0);
    }
  }

  private pump(): void {
    this.refresh();
    // The ring does not wait: it is read before watchers that are behind are served.
    const until = this.clock.now() + PUMP_BUDGET_MS;
    let more = true;
    while (more) {
      more = this.source !== undefined && this.readOn(this.source);
      if (this.clock.now() >= until) break;
    }
    this.wakeAll();
    if (this.open_.size > 0) this.arm("pump", more ? 1 : PUMP_MS, () => this.pump());
  }

  private readOn(source: WatchSource): boolean {
    const before = this.position;
    if (source.events.next <= before) return false;
    const { events, lost, next } = source.events.read(before, PUMP_MOST);
    const named = this.named(events);
    this.position = next;
    this.states.clear();
    for (const { watcher } of this.open_.values()) {
      if (!(watcher instanceof MacWatcher) || watcher.position !== before) continue;
      if (lost > 0) watcher.lag("more changed than evpnd keeps", lost);
      else watcher.show(named, next);
    }
    return source.events.next > next;
  }

  private named(events: readonly FibEvent[]): readonly NamedEvent[] {
    const { source } = this;
    return events.map((event) => ({
      event,
      domain: event.domain === undefined ? undefined : source?.domain(event.domain),
    }));
  }

  /** One answer for all who ask until something changes. */
  private state(domain: string, mac: string): Promise<MacView | undefined> {
    const key = `${domain} ${mac}`;
    const known = this.states.get(key);
    if (known !== undefined) return known;
    const asked = this.ask(domain, mac);
    if (this.states.size >= MOST_STATES) this.states.clear();
    this.states.set(key, asked);
    return asked;
  }

  private async ask(domain: string, mac: string): Promise<MacView | undefined> {
    try {
      const page = await this.source?.macs({ domain, mac, limit: 1 });
      return page?.rows[0];
    } catch (error) {
      // No such domain any more.
      if (error instanceof FibQueryError && error.code === "not-found") return undefined;
      throw error;
    }
  }

  private wakeAll(): void {
    for (const one of this.open_.values()) {
      if (one.ended !== undefined || one.watcher.hasWork) one.wake?.();
    }
  }

  private async pollPeers(): Promise<void> {
    try {
      this.peerStates.update((await this.options.peers?.()) ?? []);
    } catch {
      // Asked again in a second.
    }
    this.wakeAll();
    if (this.peerStates.watched) this.arm("peers", PEERS_MS, () => void this.pollPeers());
  }

  private sweep(): void {
    const before = this.clock.now() - this.limits.idleMs;
    for (const one of [...this.open_.values()]) {
      if (!one.busy && one.pulled < before) this.forget(one);
    }
    if (this.open_.size > 0) this.arm("sweep", SWEEP_MS, () => this.sweep());
  }

  private arm(name: string, milliseconds: number, run: () => void): void {
    if (this.timers.has(name)) return;
    const timer = this.clock.setTimer(milliseconds, () => {
      this.timers.delete(name);
      run();
    });
    this.timers.set(name, timer);
  }

  private cancel(name: string): void {
    this.timers.get(name)?.cancel();
    this.timers.delete(name);
  }
}

const WHY_LAGGED = "the changes since the cursor are no longer kept";

function closed(): FibQueryError {
  return new FibQueryError(
    "not-found",
    "there is no such watcher: it was closed, or nobody asked for its items for minutes; open another",
  );
}
