/**
 * One watcher of MACs. It holds keys that changed, never states: a state is asked for when it is told, so
 * a watcher that is slow gets the last state instead of a queue of them. Beyond a number of keys it has
 * lagged: the keys are dropped and a snapshot tells everything anew.
 *
 * A *scan* goes over the list page by page: of all MACs that are in (snapshot), or of the MACs of one
 * segment, whose routes may have gone without events of their own (`SegmentDrained`). Changes are told
 * between its pages, so that a long scan does not make the watcher lag.
 *
 * `position` is that of the events this watcher has been shown. The hub shows new ones to all who have seen
 * the rest; who has not (it resumed with a cursor) reads on by itself.
 */
import { FibQueryError, type FibPage } from "../control.js";
import { FIB_EVENT_NAMES, FibEventKind, type FibEvent } from "../event-record.js";
import type { MacView } from "../view.js";
import { formatCursor } from "./cursor.js";
import type { WatchFilter } from "./filter.js";
import { mark, type WatchChange, type WatchItem } from "./items.js";
import { ToldKeys } from "./told-keys.js";
import type { NamedEvent, Watcher, WatchSource } from "./watcher.js";

/** What the hub lends its watchers. */
export interface MacWatchHost {
  readonly source: WatchSource;
  /** Events below this one have been read. */
  readonly position: number;
  readonly changes: number;
  readonly snapshotMs: number;
  now(): number;
  state(domain: string, mac: string): Promise<MacView | undefined>;
  named(events: readonly FibEvent[]): readonly NamedEvent[];
  countLag(): void;
}

interface PendingMac {
  readonly domain: string;
  readonly mac: string;
  /** Of the first event that is not told. */
  readonly first: number;
  change: WatchChange;
}

interface PendingSegment {
  readonly first: number;
  readonly esi: string;
  state: string;
  change: WatchChange;
}

interface Scan {
  /** Undefined: everything. */
  readonly esi: string | undefined;
  readonly reason: string;
  /** Of the event that asked for it. */
  readonly position: number;
  begun: boolean;
  cursor: string | undefined;
}

/** Scans of segments in waiting; beyond, everything is scanned. */
const MOST_SCANS = 64;
const PAGE = 200;
/** A snapshot that took long is not begun again for as long, at most. */
const MOST_REST_MS = 30_000;
/** Events read at once by a watcher that catches up. */
const CATCH_UP = 500;

const SEGMENT_STATES: Readonly<Record<number, string>> = {
  [FibEventKind.SegmentUp]: "up",
  [FibEventKind.SegmentDown]: "down",
  [FibEventKind.SegmentDrained]: "drained",
  [FibEventKind.SegmentUpdate]: "changed",
};

export class MacWatcher implements Watcher {
  position: number;
  private readonly host: MacWatchHost;
  private readonly filter: WatchFilter;
  private readonly query: string;
  private readonly expand: boolean;
  private readonly macs = new Map<string, PendingMac>();
  private readonly segments = new Map<string, PendingSegment>();
  private scans: Scan[] = [];
  private readonly told = new ToldKeys();
  private lagged: { readonly message: string; readonly lost: number } | undefined;
  /** When the last snapshot began and was complete. */
  private lastBegin = Number.NEGATIVE_INFINITY;
  private lastSync = Number.NEGATIVE_INFINITY;
  /** It goes on without a snapshot, and is to be told when it is up to date. */
  private greet = false;

  /** @param from where to go on; undefined = at the hub's position */
  constructor(
    host: MacWatchHost,
    filter: WatchFilter,
    options: { readonly query: string; readonly expand: boolean; readonly from?: number },
  ) {
    this.host = host;
    this.filter = filter;
    this.query = options.query;
    this.expand = options.expand;
    this.position = options.from ?? host.position;
    if (options.from !== undefined) this.changesOnly();
  }

  get pending(): number {
    return this.macs.size + this.segments.size;
  }

  get hasWork(): boolean {
    if (this.lagged !== undefined) return this.mayScan;
    if (this.pending > 0 || this.scans.length > 0 || this.greet) return true;
    return this.position < this.host.position;
  }

  cursor(): string | undefined {
    if (this.lagged !== undefined) return undefined;
    let position = this.position;
    for (const scan of this.scans) {
      if (scan.esi === undefined) return undefined;
      position = Math.min(position, scan.position);
    }
    const mac = this.macs.values().next().value;
    const segment = this.segments.values().next().value;
    position = Math.min(position, mac?.first ?? position, segment?.first ?? position);
    return formatCursor({ instance: this.host.source.instance, query: this.query, position });
  }

  /** The watcher has what was there until now, or does not want it. */
  changesOnly(): void {
    this.told.addAll();
    this.greet = true;
  }

  /** Begins with everything there is. */
  snapshot(reason: string): void {
    const { position } = this;
    this.scans = [{ esi: undefined, reason, position, begun: false, cursor: undefined }];
    this.lastBegin = this.host.now();
    this.lastSync = this.lastBegin;
  }

  /** What is held back is lost: a snapshot comes as soon as one may. */
  lag(message: string, lost: number): void {
    if (this.lagged === undefined) this.host.countLag();
    this.macs.clear();
    this.segments.clear();
    this.scans = [];
    this.position = this.host.position;
    this.lagged = { message, lost: (this.lagged?.lost ?? 0) + lost };
  }

  /** The events from the hub's position on; for a watcher that has seen all before. */
  show(events: readonly NamedEvent[], next: number): void {
    this.position = next;
    if (this.lagged !== undefined) return;
    for (const one of events) this.note(one);
    if (this.pending > this.host.changes) {
      this.lag("more changed than evpnd keeps for a watcher that is slow", this.pending);
    }
  }

  async take(most: number): Promise<WatchItem[]> {
    const items: WatchItem[] = [];
    if (this.position < this.host.position) this.catchUp();
    if (this.lagged !== undefined) {
      if (!this.mayScan) return items;
      const { message, lost } = this.lagged;
      this.lagged = undefined;
      const sentence = `${message}; everything is told anew`;
      items.push(mark("lagged", this.position, { message: sentence, lost }));
      this.snapshot("lagged");
    }
    for (const [key, one] of this.segments) {
      if (items.length >= most) break;
      this.segments.delete(key);
      const { state, change, esi } = one;
      items.push({ type: "segment", key, revision: this.position, state, esi, change });
    }
    for (const [key, one] of this.macs) {
      if (items.length >= most) break;
      this.macs.delete(key);
      await this.tell(key, one, items);
    }
    const [scan] = this.scans;
    if (this.greet && this.position === this.host.position && this.pending === 0) {
      this.greet = false;
      if (scan === undefined) items.push(mark("sync", this.position));
    }
    if (scan !== undefined && items.length < most) {
      await this.scanOn(scan, Math.min(PAGE, most - items.length), items);
    }
    return items;
  }

  private get mayScan(): boolean {
    // Who lags although it was told everything just now would only lag again.
    const rest = Math.min(MOST_REST_MS, this.lastSync - this.lastBegin || 0);
    return this.host.now() - this.lastSync >= Math.max(this.host.snapshotMs, rest);
  }

  private catchUp(): void {
    const { host } = this;
    const { events, lost } = host.source.events.read(
      this.position,
      Math.min(CATCH_UP, host.position - this.position),
    );
    if (lost > 0) {
      this.lag("the changes since the cursor are no longer kept", lost);
      return;
    }
    const last = events.at(-1);
    this.show(host.named(events), last === undefined ? host.position : last.position + 1);
  }

  private note({ event, domain }: NamedEvent): void {
    const state = SEGMENT_STATES[event.kind];
    if (state !== undefined) this.noteSegment(event, domain, state);
    if (domain === undefined || event.mac === "" || !this.filter.hasKind(event.kind)) return;
    this.noteMac(event, domain, event.mac, event.from);
    if (event.kind === FibEventKind.IpMove) this.noteMac(event, domain, event.from, "");
  }

  private noteMac(event: FibEvent, domain: string, mac: string, from: string): void {
    if (!this.filter.hasKey(domain, mac)) return;
    const key = `${domain} ${mac}`;
    const before = this.macs.get(key);
    if (before !== undefined) before.change = changeOf(event, from, before.change);
    else {
      const change = changeOf(event, from);
      this.macs.set(key, { domain, mac, first: event.position, change });
    }
  }

  private noteSegment(event: FibEvent, domain: string | undefined, state: string): void {
    const { esi } = event;
    if (!this.filter.hasSegment(esi, domain)) return;
    const pe = event.to === "" ? event.from : event.to;
    const key = `${esi} ${pe}`;
    const before = this.segments.get(key);
    // An up or a down says more than what happens beside it.
    if (before !== undefined && state === "changed")
      before.change = changeOf(event, pe, before.change);
    else {
      const first = before?.first ?? event.position;
      this.segments.set(key, { first, esi, state, change: changeOf(event, pe, before?.change) });
    }
    if (this.expand) this.scanSegment(esi, event.position);
  }

  private scanSegment(esi: string, position: number): void {
    const waiting = (scan: Scan): boolean =>
      !scan.begun && (scan.esi === undefined || scan.esi === esi);
    if (this.scans.some(waiting)) return;
    if (this.scans.length >= MOST_SCANS) {
      this.lag("more segments changed than evpnd keeps for a watcher that is slow", 0);
      return;
    }
    this.scans.push({ esi, reason: "segment", position, begun: false, cursor: undefined });
  }

  private async tell(key: string, one: PendingMac, items: WatchItem[]): Promise<void> {
    const revision = this.host.position;
    const view = await this.host.state(one.domain, one.mac);
    const item = this.item(key, view, revision, one.change);
    if (item !== undefined) items.push(item);
  }

  /** undefined: the watcher neither has the MAC nor should. */
  private item(
    key: string,
    view: MacView | undefined,
    revision: number,
    change?: WatchChange,
  ): WatchItem | undefined {
    if (view !== undefined && this.filter.hasState(view)) {
      this.told.add(key);
      return { type: "mac", key, revision, state: "present", mac: view, ...(change && { change }) };
    }
    if (!this.told.mayHave(key)) return undefined;
    return { type: "mac", key, revision, state: "gone", ...(change && { change }) };
  }

  private async page(scan: Scan, most: number): Promise<FibPage<MacView>> {
    const { host, filter } = this;
    try {
      return await host.source.macs({
        ...(scan.esi === undefined ? filter.list : filter.listOf(scan.esi)),
        cursor: scan.cursor,
        limit: most,
      });
    } catch (error) {
      if (!(error instanceof FibQueryError)) throw error;
      if (error.code === "rebuilt") this.lag("the FIB was made anew", 0);
      // Otherwise the filter's domain is not there: it may come.
      else if (error.code !== "not-found") throw error;
      return { rows: [], next: undefined };
    }
  }

  private async scanOn(scan: Scan, most: number, items: WatchItem[]): Promise<void> {
    const { host, filter } = this;
    const { esi, reason } = scan;
    const revision = host.position;
    if (!scan.begun) {
      scan.begun = true;
      items.push(mark("begin", revision, { message: reason, ...(esi !== undefined && { esi }) }));
    }
    const { rows, next } = await this.page(scan, most);
    for (const view of rows) {
      const item = filter.hasKey(view.domain, view.mac)
        ? this.item(`${view.domain} ${view.mac}`, view, revision)
        : undefined;
      if (item !== undefined) items.push(item);
    }
    scan.cursor = next;
    // A lag in the meantime has put another scan in its place.
    if (next !== undefined || this.scans[0] !== scan) return;
    this.scans.shift();
    if (esi === undefined) this.lastSync = host.now();
    items.push(mark("sync", revision, esi === undefined ? {} : { esi }));
  }
}

/** Of several events the one that says most, the latest of its kind. */
const WEIGHTS: Readonly<Record<number, number>> = {
  [FibEventKind.Learn]: 3,
  [FibEventKind.Withdraw]: 3,
  [FibEventKind.Duplicate]: 3,
  [FibEventKind.DuplicateCleared]: 3,
  [FibEventKind.Move]: 2,
  [FibEventKind.IpMove]: 1,
};

function changeOf(event: FibEvent, from: string, before?: WatchChange): WatchChange {
  const kind = FIB_EVENT_NAMES[event.kind] ?? "";
  const weight = WEIGHTS[event.kind] ?? 0;
  const lesser = before !== undefined && weight < (WEIGHTS[kindOf(before.kind)] ?? 0);
  return {
    kind: lesser ? before.kind : kind,
    time: event.time,
    from: before === undefined ? from : before.from,
    to: event.to,
    events: (before?.events ?? 0) + 1,
    count: event.count,
  };
}

function kindOf(name: string): number {
  return FIB_EVENT_NAMES.indexOf(name);
}
