/**
 * The FIB as a reader of the change log: every changed EVPN destination goes to where its route type
 * belongs. A destination is read as the table holds it when its turn comes, so changes that came
 * faster than they were read count once.
 *
 * `position` and `read` are all that the log's owner needs (its readers' interface). A *sweep* goes over
 * all destinations beside the log: when the FIB joins a table that has routes, and when the answer to
 * "which route target is a bridge domain's" changed (`bridge-domain.ts`).
 */
import { randomInt } from "node:crypto";
import type { RouteTable } from "../bgp/rib/index.js";
import { Family } from "../fast-bgp-codec/index.js";
import type { Clock, TimerHandle } from "../util/clock.js";
import { FlatMemory } from "../util/flat-memory.js";
import { SharedTables } from "../util/shared-tables.js";
import { AdRoutes } from "./ad-routes.js";
import { BridgeDomains } from "./bridge-domain.js";
import { EthernetSegments } from "./ethernet-segment.js";
import { FibEvents } from "./events.js";
import { Explainer } from "./explain.js";
import { MacFib, type FibTables } from "./mac-fib.js";
import { NextHops } from "./next-hops.js";
import { FibPages } from "./pages.js";
import { QuarantineDesk } from "./quarantine/desk.js";
import { Quarantines } from "./quarantine/effects.js";
import { MoveWatch } from "./quarantine/move-watch.js";
import { RemotePes } from "./remote-pes.js";
import { RouteFacts } from "./route-facts.js";
import { RouteTargetSets } from "./route-target-sets.js";
import { FibSegments } from "./segment-view.js";
import type { FibSettings } from "./settings.js";
import type { FindingSource } from "./subscribers/finding.js";
import { CLOCK_WORDS, writeClock } from "./shared-clock.js";
import { FibView } from "./view.js";
import { watchedEntries } from "./watched-entries.js";

/** Destinations between two looks at the clock. */
const STRETCH = 64;
/** Least time that a read may take: so that turns without anything to reflect are well used. */
const LEAST_MS = 0.5;
/** The same after a turn that brought more entries than these: turns may be as short as this is. */
const BUSY_ENTRIES = 256;
const LEAST_BUSY_MS = 0.1;
/** Share of the time since the last read, by log entries to read; beyond the last row all of it. */
const SHARES = [
  { below: 200_000, share: 0.05 },
  { below: 1_000_000, share: 0.1 },
  { below: 4_000_000, share: 0.5 },
] as const;
/** How often the duplicate detection looks whether time is up, and at how many MACs at once. */
const EXPIRE_MS = 1000;
const EXPIRE_SLICE = 10_000;

const ETHERNET_AD = 1;
const MAC_IP = 2;
const INCLUSIVE = 3;
const ETHERNET_SEGMENT = 4;

export interface FibOptions {
  readonly table: RouteTable;
  readonly settings: FibSettings;
  readonly clock: Clock;
  /** It reads nothing by itself: it holds what `applyAs` is told. */
  readonly isFork?: boolean;
}

export class Fib {
  /** Of the next log entry to read. */
  position: number;
  readonly tables: FibTables;
  readonly macs: MacFib;
  readonly ads: AdRoutes;
  readonly hops: NextHops;
  readonly view: FibView;
  readonly pages: FibPages;
  readonly explainer: Explainer;
  readonly segments: FibSegments;
  readonly duplicates: MoveWatch;
  readonly quarantines: Quarantines;
  readonly desk: QuarantineDesk;
  /** Who compares MACs with subscribers' sessions, if anybody does; for the fabric check. */
  subscribers: FindingSource | undefined;
  private readonly table: RouteTable;
  private readonly clock: Clock;
  /** All that other threads may read: changed inside `begin` and `end` only. */
  readonly shared = new SharedTables();
  private readonly clockWords = this.shared.numbers("clock", CLOCK_WORDS);
  private readonly incarnationWord = this.shared.numbers("incarnation", 1);
  readonly sets = new RouteTargetSets(this.shared);
  /** What the FIB holds of each destination: its first candidate or link. */
  private readonly held = new FlatMemory();
  /** Next destination of the sweep under way, 0 for none, and where it ends. */
  private sweepAt = 0;
  private sweepEnd = 0;
  private ambiguousSeen = 0;
  private lastRead: number;
  /** Where the log ended at the last read. */
  private tailRead: number;
  private expiry: TimerHandle | undefined;

  constructor(options: FibOptions) {
    const { table, settings, clock, isFork } = options;
    this.table = table;
    this.clock = clock;
    this.incarnationWord[0] = randomInt(1, 0x7fffffff);
    this.position = table.log.tail;
    this.tailRead = this.position;
    this.lastRead = clock.now();
    const pes = new RemotePes(this.shared);
    const vniByDefault = settings.defaultEncapsulation === "vxlan";
    const facts = new RouteFacts(table.attrs, pes, this.sets, vniByDefault, this.shared);
    const domains = new BridgeDomains(this.sets, settings.domains, this.shared);
    const segments = new EthernetSegments(domains, pes, this.shared);
    const events = new FibEvents(settings.eventRing, pes, domains, segments, table.sources.address);
    this.tables = { routes: table, pes, facts, domains, segments, events };
    this.duplicates = new MoveWatch(
      settings.duplicates,
      settings.domains,
      this.tables,
      this.shared,
    );
    this.macs = new MacFib(this.tables, this.duplicates, this.shared);
    this.duplicates.attach(watchedEntries(this.tables, this.macs));
    this.quarantines = new Quarantines(this.duplicates, this.tables, this.macs, settings);
    this.duplicates.effects = this.quarantines;
    this.desk = new QuarantineDesk(
      this.duplicates,
      this.quarantines,
      this.tables,
      this.macs,
      settings,
    );
    this.ads = new AdRoutes(this.tables, this.shared);
    this.hops = new NextHops(this.tables, this.macs, this.ads.links);
    this.view = new FibView(this.tables, this.macs, this.hops, this.duplicates, this.ads.links);
    this.segments = new FibSegments(this.tables, this.ads.links, this.hops, this.view);
    this.pages = new FibPages(this.tables, this.macs, this.hops, this.view, this.segments);
    this.explainer = new Explainer(this.tables, this.macs, this.hops, this.view, (entry, most) =>
      this.quarantines.heldRoutes(this.macs.entries.watch(entry), most),
    );
    if (isFork !== true) this.sweep();
  }

  /**
   * Reads on in the log, then in the sweep, for `budgetMs` at most; whether something is left.
   *
   * While the reflector is busy the FIB takes a small share of the time and lags; it catches up when
   * there is nothing to reflect, for then turns come one after the other. A long backlog takes more.
   */
  read(budgetMs: number): boolean {
    const { clock, table } = this;
    const { log } = table;
    const start = clock.now();
    const backlog = log.tail - this.position;
    const share = SHARES.find(({ below }) => backlog < below)?.share ?? 1;
    const mine = share * (start - this.lastRead);
    const least = log.tail - this.tailRead > BUSY_ENTRIES ? LEAST_BUSY_MS : LEAST_MS;
    this.tailRead = log.tail;
    const until = start + Math.min(budgetMs, Math.max(least, mine));
    this.begin();
    this.held.ensure(table.destinationLimit * 4);
    while (this.position < log.tail) {
      const stop = Math.min(log.tail, this.position + STRETCH);
      for (; this.position < stop; this.position++) {
        const dest = log.at(this.position);
        if (table.isNewest(dest, this.position)) this.apply(dest);
      }
      if (clock.now() >= until || this.shared.isWanted()) break;
    }
    if (this.tables.domains.ambiguous !== this.ambiguousSeen) {
      this.ambiguousSeen = this.tables.domains.ambiguous;
      this.sweep();
    }
    if (this.sweepAt !== 0) this.sweepOn(until);
    this.macs.settleAll();
    this.end();
    this.lastRead = clock.now();
    if (!this.duplicates.isIdle && this.expiry === undefined) this.armExpiry(EXPIRE_MS);
    return this.isBehind;
  }

  /** The table has what it has not read, or has to be gone over: a sweep may give reason for another. */
  get isBehind(): boolean {
    return (
      this.position < this.table.log.tail ||
      this.sweepAt !== 0 ||
      this.tables.domains.ambiguous !== this.ambiguousSeen
    );
  }

  /** It holds what the log said before this position. */
  hasRead(position: number): boolean {
    const { domains } = this.tables;
    const swept = this.sweepAt === 0 && domains.ambiguous === this.ambiguousSeen;
    return swept && this.position >= position;
  }

  /** Tells this FIB from any other, those of earlier lives too. */
  get incarnation(): number {
    return this.incarnationWord[0]!;
  }

  /** Lists of route targets in use. */
  get targetSets(): number {
    return this.sets.count;
  }

  /** Goes over all destinations once more, from the first. */
  sweep(): void {
    this.sweepEnd = this.table.destinationLimit;
    this.sweepAt = this.sweepEnd > 1 ? 1 : 0;
  }

  /** Other thresholds and actions, the domains as they were: nothing is read again. */
  configure(settings: FibSettings): void {
    this.change(() => this.duplicates.configure(settings.duplicates, settings.domains));
  }

  /** Changes something beside the log, between two batches: what is done by hand, and settings. */
  change<T>(run: () => T): T {
    this.begin();
    try {
      return run();
    } finally {
      this.end();
      if (!this.duplicates.isIdle) this.armExpiry(1);
    }
  }

  /** Ends the timer that duplicate detection may have running, and every quarantine with it. */
  close(): void {
    this.quarantines.close();
    this.expiry?.cancel();
    this.expiry = undefined;
  }

  private armExpiry(milliseconds: number): void {
    this.expiry?.cancel();
    this.expiry = this.clock.setTimer(milliseconds, () => {
      this.expiry = undefined;
      this.begin();
      const complete = this.duplicates.expire(EXPIRE_SLICE);
      this.end();
      if (!this.duplicates.isIdle) this.armExpiry(complete ? EXPIRE_MS : 1);
    });
  }

  /** A stretch of the sweep at least, more while there is time. */
  private sweepOn(until: number): void {
    do {
      const stop = Math.min(this.sweepEnd, this.sweepAt + STRETCH);
      for (; this.sweepAt < stop; this.sweepAt++) {
        if (this.table.exists(this.sweepAt)) this.apply(this.sweepAt);
      }
      if (this.sweepAt === this.sweepEnd) {
        this.sweepAt = 0;
        return;
      }
    } while (this.clock.now() < until && !this.shared.isWanted());
  }

  /** Changes begin: from here to `end` nobody else reads. */
  private begin(): void {
    this.shared.begin();
    const wall = this.clock.wall();
    this.tables.events.now = wall;
    this.duplicates.begin(this.clock.now());
    this.quarantines.drain();
    this.macs.nowSeconds = Math.floor(wall / 1000);
  }

  private end(): void {
    const { events } = this.tables;
    events.publish();
    writeClock(this.clockWords, {
      wall: events.now,
      now: this.duplicates.now,
      duplicates: this.duplicates.duplicates,
    });
    this.shared.end();
  }

  /** Makes what the FIB holds of a destination equal to what the table holds now. */
  private apply(dest: number): void {
    const { table } = this;
    if (table.family(dest) !== Family.Evpn) return;
    const type = table.routeType(dest);
    if (type < ETHERNET_AD || type > ETHERNET_SEGMENT) return;
    const path = table.bestPath(dest);
    this.hold(dest, type, path, path === 0 ? 0 : table.pathAttr(path));
  }

  /** The same for a path and a set that the caller thinks of; 0 = gone. For forks. */
  applyAs(dest: number, type: number, path: number, attr: number): void {
    this.held.ensure((dest + 1) * 4);
    this.hold(dest, type, path, attr);
  }

  private hold(dest: number, type: number, path: number, attr: number): void {
    const { held } = this;
    const first = held.i32[dest]!;
    let now: number;
    switch (type) {
      case MAC_IP:
        now = this.macs.apply(dest, path, attr, first);
        break;
      case ETHERNET_AD:
        now = this.ads.applyEthernetAd(dest, path, attr, first);
        break;
      case INCLUSIVE:
        now = this.ads.applyInclusive(dest, path, attr, first);
        break;
      default:
        now = this.ads.applySegmentRoute(dest, path, attr, first);
    }
    held.i32[dest] = now;
  }
}
