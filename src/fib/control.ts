/**
 * The FIB's door outward, as `bgp/control.ts` is the speaker's: text in, plain data out, by pages. What
 * crosses it can be copied between threads, so every answer is a promise although this one is at hand.
 */
import { parseEsi } from "../fast-bgp-codec/index.js";
import type { EventShare } from "./event-ring.js";
import type { Explanation } from "./explain.js";
import type { Fib } from "./fib.js";
import {
  FibLookups,
  FibQueryError,
  pageOf,
  type FibPage,
  type FibSummary,
  type MacQuery,
  type PageQuery,
} from "./lookups.js";
import type { SegmentView } from "./segment-view.js";
import type { DomainSettings } from "./settings.js";
import type { DomainView, MacView } from "./view.js";

export {
  FibQueryError,
  type FibPage,
  type FibSummary,
  type MacQuery,
  type PageQuery,
} from "./lookups.js";

export interface SegmentQuery extends PageQuery {
  /** This segment alone; rejects with `not-found` when no route is on it. */
  readonly esi?: string | undefined;
}

export interface FibControl {
  summary(): Promise<FibSummary>;
  macs(query: MacQuery): Promise<FibPage<MacView>>;
  domains(query: PageQuery): Promise<FibPage<DomainView>>;
  segments(query: SegmentQuery): Promise<FibPage<SegmentView>>;
  /** What an `EventReader` of any thread reads: the same memory, not a copy. */
  events(): Promise<EventShare>;
  /** Of every domain that has the MAC, at most `MOST_EXPLAINED`. Rejects with `not-found` when none has. */
  explain(mac: string, domain?: string): Promise<readonly Explanation[]>;
}

export const MOST_EXPLAINED = 16;
/** A segment's view holds an election for each of its domains. */
const SEGMENTS_MAX = 50;

export class LocalFibControl implements FibControl {
  private readonly fib: Fib;
  private readonly lookups: FibLookups;
  private readonly configured: readonly DomainSettings[];

  /** @param configured the domains of the settings that `fib` was made with */
  constructor(fib: Fib, configured: readonly DomainSettings[]) {
    this.fib = fib;
    this.configured = configured;
    this.lookups = new FibLookups(fib, configured);
  }

  summary(): Promise<FibSummary> {
    return attempt(() => this.lookups.summary());
  }

  macs(query: MacQuery): Promise<FibPage<MacView>> {
    return attempt(() => this.lookups.macs(query));
  }

  domains(query: PageQuery): Promise<FibPage<DomainView>> {
    return attempt(() => this.lookups.domains(query));
  }

  segments(query: SegmentQuery): Promise<FibPage<SegmentView>> {
    return attempt(() =>
      query.esi === undefined
        ? pageOf(query, this.fib.incarnation, (from, most) =>
            this.fib.pages.segments(from, Math.min(SEGMENTS_MAX, most)),
          )
        : this.segment(query.esi),
    );
  }

  private segment(text: string): FibPage<SegmentView> {
    const esi = parseEsi(text);
    if (esi === undefined) {
      throw new FibQueryError(
        "invalid",
        `esi "${text}" is no ESI; write its ten octets, for example 00:11:22:33:44:55:66:77:88:99`,
      );
    }
    const view = this.fib.segments.segment(this.fib.tables.segments.find(esi));
    if (view !== undefined) return { rows: [view], next: undefined };
    throw new FibQueryError(
      "not-found",
      `no route is on the segment ${text}; evpnctl show es lists the segments`,
    );
  }

  events(): Promise<EventShare> {
    const named = this.configured.map(({ name, ethernetTag }) => ({
      name,
      fixedTag: ethernetTag !== undefined,
    }));
    return attempt(() => this.fib.tables.events.share(named));
  }

  explain(mac: string, domain?: string): Promise<readonly Explanation[]> {
    return attempt(() => {
      const filter = this.lookups.filter({ mac, domain });
      if (filter.mask !== undefined) {
        throw new FibQueryError(
          "invalid",
          `"${mac}" is the beginning of a MAC; give all of it, for example 52:54:00:00:00:01`,
        );
      }
      const out: Explanation[] = [];
      let from = 0;
      do {
        const { rows, next } = this.fib.pages.list(filter, from, MOST_EXPLAINED - out.length);
        for (const { id } of rows) {
          const one = this.fib.explainer.explain(id);
          if (one !== undefined) out.push(one);
        }
        from = next;
      } while (from !== 0 && out.length < MOST_EXPLAINED);
      if (out.length > 0) return out;
      const where = domain === undefined ? "no domain has" : `domain ${domain} does not have`;
      throw new FibQueryError(
        "not-found",
        `${where} the MAC ${mac}; evpnctl show routes --all --mac tells whether any PE announces it`,
      );
    });
  }
}

/** What `run` throws becomes a rejection. */
function attempt<T>(run: () => T): Promise<T> {
  return new Promise((resolve) => resolve(run()));
}
