/**
 * Lists of the FIB, by pages: bounded work each, whatever the filter. A page resumes where the last one
 * ended by a record's number, and records keep their numbers: so what is there from the first page to
 * the last is listed exactly once, though the table changes in between.
 */
import { readI32, readU16 } from "../util/bytes.js";
import type { FibTables, MacFib } from "./mac-fib.js";
import type { NextHops } from "./next-hops.js";
import { FactFlag } from "./route-facts.js";
import type { FibSegments, SegmentView } from "./segment-view.js";
import type { DomainView, FibView, MacView } from "./view.js";

export interface Page<T> {
  readonly rows: readonly T[];
  /** Where to go on; 0 at the end. A page may be short, or empty, and not the last. */
  readonly next: number;
}

/** All that is given must hold. Addresses in octets. */
export interface MacFilter {
  readonly domain?: number | undefined;
  readonly mac?: Uint8Array | undefined;
  /** Which bits of `mac` count; all of them unless given. */
  readonly mask?: Uint8Array | undefined;
  /** Some route binds the address to the MAC. */
  readonly ip?: Uint8Array | undefined;
  readonly vni?: number | undefined;
  /** A PE that is a next hop of the MAC, or that its winner is from. */
  readonly pe?: Uint8Array | undefined;
  readonly esi?: Uint8Array | undefined;
  /** A segment on which some route, not only the winner, has the MAC. */
  readonly claimed?: Uint8Array | undefined;
}

/** Elections worked out for one page of segments, about. */
const ELECTIONS = 256;
/** Records looked at for one page. */
const WORK = 20_000;
/** A domain of up to so many MACs is listed by itself, a larger one by going over all entries. */
const SMALL_DOMAIN = 4096;
/** Candidates of a MAC looked at for `claimed`. */
const MOST_CANDIDATES = 4096;

/** A filter with addresses looked up. */
interface Wanted {
  readonly domain: number;
  readonly high: number;
  readonly low: number;
  readonly highMask: number;
  readonly lowMask: number;
  readonly vni: number | undefined;
  readonly pe: number;
  readonly segment: number;
  readonly claimed: number;
}

export class FibPages {
  private readonly tables: FibTables;
  private readonly macs: MacFib;
  private readonly hops: NextHops;
  private readonly view: FibView;
  private readonly segmentViews: Pick<FibSegments, "segment">;
  private readonly work: number;

  /** @param work records looked at for one page */
  constructor(
    tables: FibTables,
    macs: MacFib,
    hops: NextHops,
    view: FibView,
    segmentViews: Pick<FibSegments, "segment">,
    work = WORK,
  ) {
    this.tables = tables;
    this.macs = macs;
    this.hops = hops;
    this.view = view;
    this.segmentViews = segmentViews;
    this.work = work;
  }

  /** Domains that have routes, and configured ones. */
  domains(from: number, most: number): Page<DomainView> {
    return this.walk(from, this.tables.domains.limit, most, (id) => this.view.domain(id));
  }

  segments(from: number, most: number): Page<SegmentView> {
    let elections = 0;
    const row = (id: number): SegmentView | undefined => {
      const view = this.segmentViews.segment(id);
      elections += view?.forwarders.length ?? 0;
      return view;
    };
    return this.walk(from, this.tables.segments.limit, most, row, () => elections >= ELECTIONS);
  }

  list(filter: MacFilter, from: number, most: number): Page<MacView> {
    const wanted = this.look(filter);
    if (wanted === undefined) return { rows: [], next: 0 };
    const { domains } = this.tables;
    if (filter.ip !== undefined) {
      return this.byDomain(wanted, from, most, (domain) => this.ofIp(domain, filter.ip!));
    }
    if (filter.mac !== undefined && filter.mask === undefined) {
      const entries = wanted.domain === 0 ? this.macs.entries.ofMac(filter.mac, 0) : undefined;
      if (entries !== undefined) return this.ofMac(entries, wanted, from, most);
      return this.byDomain(wanted, from, most, (domain) => {
        const entry = this.macs.entries.find(domain, filter.mac!, 0);
        return entry === 0 ? [] : [entry];
      });
    }
    if (wanted.domain !== 0 && domains.macs(wanted.domain) <= SMALL_DOMAIN) {
      return this.ofDomain(wanted, from, most);
    }
    return this.walk(from, this.macs.entries.limit, most, (id) => this.row(id, wanted));
  }

  private walk<T>(
    from: number,
    limit: number,
    most: number,
    row: (id: number) => T | undefined,
    isEnough: () => boolean = () => false,
  ): Page<T> {
    const rows: T[] = [];
    const start = Math.max(1, from);
    const end = Math.min(limit, start + this.work);
    for (let id = start; id < end; id++) {
      const one = row(id);
      if (one === undefined) continue;
      rows.push(one);
      if (rows.length === most || isEnough()) return { rows, next: id + 1 < limit ? id + 1 : 0 };
    }
    return { rows, next: end < limit ? end : 0 };
  }

  /** Asks one domain after the other; a domain's rows stay together, so a page may be longer than `most`. */
  private byDomain(
    wanted: Wanted,
    from: number,
    most: number,
    find: (domain: number) => readonly number[],
  ): Page<MacView> {
    const { domains } = this.tables;
    const only = wanted.domain;
    const rows: MacView[] = [];
    const start = only !== 0 ? only : Math.max(1, from);
    const limit = only !== 0 ? only + 1 : domains.limit;
    const end = Math.min(limit, start + this.work);
    for (let id = start; id < end; id++) {
      if (!domains.exists(id)) continue;
      for (const entry of find(id)) {
        const row = this.row(entry, wanted);
        if (row !== undefined) rows.push(row);
      }
      if (rows.length >= most) return { rows, next: id + 1 < limit ? id + 1 : 0 };
    }
    return { rows, next: end < limit ? end : 0 };
  }

  /** By domain, as `byDomain` has them: the answers go on where that one's do. */
  private ofMac(entries: number[], wanted: Wanted, from: number, most: number): Page<MacView> {
    const domain = (entry: number): number => this.macs.entries.domain(entry);
    if (entries.length > 1) entries.sort((a, b) => domain(a) - domain(b));
    const rows: MacView[] = [];
    for (const [index, entry] of entries.entries()) {
      const row = domain(entry) < from ? undefined : this.row(entry, wanted);
      if (row === undefined) continue;
      rows.push(row);
      const after = entries[index + 1];
      if (rows.length === most && after !== undefined) return { rows, next: domain(after) };
    }
    return { rows, next: 0 };
  }

  /** The MAC that has the address first, then the others that carry it. */
  private ofIp(domain: number, ip: Uint8Array): number[] {
    const { bindings, candidates, ofBinding } = this.macs;
    const binding = bindings.find(domain, ip, 0, ip.length);
    if (binding === 0) return [];
    const entries = new Set<number>();
    const head = bindings.head(binding);
    let at = head;
    do {
      entries.add(candidates.entry(at));
      at = ofBinding.next(at);
    } while (at !== head && entries.size < SMALL_DOMAIN);
    return [...entries];
  }

  private ofDomain(wanted: Wanted, from: number, most: number): Page<MacView> {
    const { entries } = this.macs;
    const ids: number[] = [];
    let at = this.tables.domains.firstEntry(wanted.domain);
    for (; at !== 0; at = entries.nextOfDomain(at)) if (at >= from) ids.push(at);
    ids.sort((a, b) => a - b);
    const rows: MacView[] = [];
    for (const [index, id] of ids.entries()) {
      const row = this.row(id, wanted);
      if (row !== undefined) rows.push(row);
      if (rows.length === most) return { rows, next: ids[index + 1] ?? 0 };
    }
    return { rows, next: 0 };
  }

  /** Undefined when nothing can match. */
  private look(filter: MacFilter): Wanted | undefined {
    const { domains, pes, segments } = this.tables;
    const domain = filter.domain ?? 0;
    if (domain !== 0 && (domain >= domains.limit || !domains.exists(domain))) return undefined;
    const pe = filter.pe === undefined ? 0 : pes.find(filter.pe);
    const segment = filter.esi === undefined ? 0 : segments.find(filter.esi);
    if ((filter.pe !== undefined && pe === 0) || (filter.esi !== undefined && segment === 0)) {
      return undefined;
    }
    const claimed = filter.claimed === undefined ? 0 : segments.find(filter.claimed);
    if (filter.claimed !== undefined && claimed === 0) return undefined;
    const [high, low] = macWords(filter.mac);
    const [highMask, lowMask] =
      filter.mac === undefined
        ? [0, 0]
        : filter.mask === undefined
          ? [0xffff, -1]
          : macWords(filter.mask);
    return { domain, high, low, highMask, lowMask, vni: filter.vni, pe, segment, claimed };
  }

  private row(id: number, wanted: Wanted): MacView | undefined {
    const { entries } = this.macs;
    if (!entries.exists(id)) return undefined;
    if (wanted.domain !== 0 && entries.domain(id) !== wanted.domain) return undefined;
    if (((entries.macHigh(id) ^ wanted.high) & wanted.highMask) !== 0) return undefined;
    if (((entries.macLow(id) ^ wanted.low) & wanted.lowMask) !== 0) return undefined;
    if (wanted.segment !== 0 && this.segmentOf(id) !== wanted.segment) return undefined;
    if (wanted.claimed !== 0 && !this.isClaimed(id, wanted.claimed)) return undefined;
    if (wanted.vni !== undefined && !this.hasVni(id, wanted.vni)) return undefined;
    if (wanted.pe !== 0 && !this.goesTo(id, wanted.pe)) return undefined;
    return this.view.mac(id);
  }

  private segmentOf(entry: number): number {
    const attachment = this.macs.candidates.attachment(this.macs.entries.head(entry));
    return attachment === 0 ? 0 : this.tables.segments.segmentOf(attachment);
  }

  private isClaimed(entry: number, segment: number): boolean {
    const { candidates, entries, ofEntry } = this.macs;
    const { segments } = this.tables;
    const head = entries.head(entry);
    let at = head;
    let looked = 0;
    do {
      const attachment = candidates.attachment(at);
      if (attachment !== 0 && segments.segmentOf(attachment) === segment) return true;
      at = ofEntry.next(at);
    } while (at !== head && ++looked < MOST_CANDIDATES);
    return at !== head;
  }

  private hasVni(entry: number, vni: number): boolean {
    const { candidates, entries } = this.macs;
    const head = entries.head(entry);
    const { facts } = this.tables;
    const isVni = (facts.flags(candidates.factsOf(head)) & FactFlag.Vni) !== 0;
    return isVni && candidates.label(head) === vni;
  }

  private goesTo(entry: number, pe: number): boolean {
    const head = this.macs.entries.head(entry);
    if (this.macs.candidates.pe(head) === pe) return true;
    if (this.macs.candidates.attachment(head) === 0) return false;
    if (this.macs.candidates.pe(this.hops.resolve(entry)) === pe) return true;
    return this.hops.pes.lastIndexOf(pe, this.hops.count - 1) >= 0 && this.hops.count > 0;
  }
}

/** The first two octets and the other four. */
function macWords(mac: Uint8Array | undefined): [high: number, low: number] {
  return mac === undefined ? [0, 0] : [readU16(mac, 0), readI32(mac, 2)];
}
