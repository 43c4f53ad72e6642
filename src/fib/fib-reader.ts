/**
 * The FIB of another thread, read in its own memory: the classes of `fib.ts` that look, over tables that
 * the other thread writes. Nothing here may be asked outside of `attempt`.
 *
 * It has no routes: what needs them throws `NotShared`, and is the other thread's to answer.
 */
import { SharedTables, type SharedHandles, type TORN } from "../util/shared-tables.js";
import { BridgeDomains } from "./bridge-domain.js";
import { EthernetSegments } from "./ethernet-segment.js";
import type { FibEvents } from "./events.js";
import { Links } from "./links.js";
import { FibLookups } from "./lookups.js";
import { MacFib, type FibTables } from "./mac-fib.js";
import { NextHops } from "./next-hops.js";
import { FibPages } from "./pages.js";
import { MoveWatch } from "./quarantine/move-watch.js";
import { RemotePes } from "./remote-pes.js";
import { RouteFacts } from "./route-facts.js";
import { RouteTargetSets } from "./route-target-sets.js";
import type { FibSettings } from "./settings.js";
import { CLOCK_WORDS, readClock } from "./shared-clock.js";
import { FibView } from "./view.js";
import { watchedEntries } from "./watched-entries.js";

/** Records looked at in one piece of a list. */
const WORK = 2000;

/** What another thread needs to read a FIB; can be posted to it. */
export interface FibHandles {
  readonly shared: SharedHandles;
  readonly settings: FibSettings;
}

/** The answer needs what is not shared: routes. */
export class NotShared extends Error {
  constructor() {
    super("routes are not shared with this thread");
  }
}

/** The tables themselves, for who reads them inside `FibReader.look`. */
export interface ReadFib {
  readonly tables: FibTables;
  readonly macs: MacFib;
  readonly view: FibView;
  /** The domain of this name; 0 for none. */
  domain(name: string): number;
}

export class FibReader {
  private readonly shared: SharedTables;
  private readonly clock: Int32Array;
  private readonly duplicates: MoveWatch;
  /** All of the events that lookups have to do with. */
  private readonly events = { now: 0 };
  private readonly lookups: FibLookups;
  private readonly all: ReadFib;

  constructor({ shared: handles, settings }: FibHandles) {
    const shared = new SharedTables(handles);
    this.shared = shared;
    this.clock = shared.numbers("clock", CLOCK_WORDS);
    const pes = new RemotePes(shared);
    const sets = new RouteTargetSets(shared);
    const vniByDefault = settings.defaultEncapsulation === "vxlan";
    const facts = new RouteFacts(undefined, pes, sets, vniByDefault, shared);
    const domains = new BridgeDomains(sets, settings.domains, shared);
    const segments = new EthernetSegments(domains, pes, shared);
    const events = this.events as FibEvents;
    const tables: FibTables = {
      pes,
      facts,
      domains,
      segments,
      events,
      get routes(): never {
        throw new NotShared();
      },
    };
    const watch = new MoveWatch(settings.duplicates, settings.domains, tables, shared);
    this.duplicates = watch;
    const macs = new MacFib(tables, watch, shared);
    watch.attach(watchedEntries(tables, macs));
    const links = new Links(shared);
    const hops = new NextHops(tables, macs, links);
    const view = new FibView(tables, macs, hops, watch, links);
    const segmentViews = {
      segment(): never {
        throw new NotShared();
      },
    };
    const pages = new FibPages(tables, macs, hops, view, segmentViews, WORK);
    const incarnation = shared.numbers("incarnation", 1)[0]!;
    const fib = { incarnation, tables, macs, pages, duplicates: watch };
    this.lookups = new FibLookups(fib, settings.domains);
    this.all = { tables, macs, view, domain: (name) => this.lookups.domainNumber(name) };
  }

  /**
   * A piece of reading: one MAC, some rows of a list. `TORN` when the other thread was writing; throws what
   * the lookups throw, and `NotShared`.
   */
  attempt<T>(run: (lookups: FibLookups) => T): T | typeof TORN {
    return this.shared.attempt(() => {
      const { wall, now, duplicates } = readClock(this.clock);
      this.events.now = wall;
      this.duplicates.now = now;
      this.duplicates.duplicates = duplicates;
      return run(this.lookups);
    });
  }

  /** The same, of the tables themselves: nothing that needs routes, or the time. */
  look<T>(run: (fib: ReadFib) => T): T | typeof TORN {
    return this.shared.attempt(() => run(this.all));
  }

  /** This reader has tried in vain for a while. */
  wantPause(): void {
    this.shared.wantPause();
  }
}
