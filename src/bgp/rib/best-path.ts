/**
 * Which path of a destination wins, and at which step (RFC 4271 section 9.1.2, RFC 4456 section 9,
 * RFC 9494 section 4.4; mobility RFC 7432 section 15).
 *
 * The choice is a pure function of the set of candidates: each step keeps those that are best by it,
 * until one is left. So it cannot depend on the order of arrival, though the MED rule, which
 * compares only within one neighbouring AS, is not transitive.
 *
 * Mobility stands before LOCAL_PREF, for EVPN MAC/IP routes of one key, and compares only different
 * originators (ORIGINATOR_ID, else the source's BGP identifier): copies of one PE's word that came
 * through several reflectors are first reduced to one by the ordinary steps, lest a stale copy with
 * a higher sequence beat the PE's own newest word. Paths that share one non-zero ESI are one
 * multihomed MAC and are not compared either.
 */
import { AttrFlag } from "./attr-facts.js";
import type { AttrStore } from "./attr-store.js";
import { SourceKind, type Sources } from "./sources.js";

/** The step that left one path, as a value. */
export const BestReason = {
  None: 0,
  OnlyPath: 1,
  LlgrStale: 2,
  MacSticky: 3,
  MacSequence: 4,
  LocalPref: 5,
  AsPathLength: 6,
  Origin: 7,
  Med: 8,
  EbgpOverIbgp: 9,
  RouterId: 10,
  ClusterListLength: 11,
  PeerAddress: 12,
  ClientPath: 13,
  PathId: 14,
} as const;
export type BestReason = (typeof BestReason)[keyof typeof BestReason];

/** Indexed by `BestReason`: the sentence for people. */
export const BEST_REASONS: readonly string[] = [
  "no path",
  "only path",
  "not LLGR-stale",
  "sticky MAC",
  "higher MAC mobility sequence",
  "higher LOCAL_PREF",
  "shorter AS_PATH",
  "lower ORIGIN",
  "lower MED",
  "eBGP over iBGP",
  "lower originator or router id",
  "shorter CLUSTER_LIST",
  "lower peer address",
  "from a client",
  "lower path id",
];

/** How the selection reads a candidate. */
export interface Candidates {
  attrOf(path: number): number;
  slotOf(path: number): number;
  /** Path id as received (RFC 7911): tells paths of one source apart. */
  idOf(path: number): number;
  /** Whether both routes carry the same non-zero ESI. */
  sameSegment(a: number, b: number): boolean;
}

/** RFC 7432 leaves the wrap open: numbers from here up are old when small ones are about. */
const WRAP_HIGH = 0xffff0000;
const WRAP_LOW = 0xffff;
const WRAP = 0x1_0000_0000;

export class BestPath {
  /** Of the last `select`. */
  reason: BestReason = BestReason.None;
  private readonly attrs: AttrStore;
  private readonly sources: Sources;
  private readonly candidates: Candidates;
  private set: number[] = [];

  constructor(attrs: AttrStore, sources: Sources, candidates: Candidates) {
    this.attrs = attrs;
    this.sources = sources;
    this.candidates = candidates;
  }

  /**
   * The best of `paths` (not empty; the array is used up).
   * @param mobility MAC/IP routes with the comparison switched on
   * @param clientsFirst memberships: a client's path, or our own, is what other reflectors must be told (RFC 4684 section 3.2 ii)
   */
  select(paths: number[], mobility: boolean, clientsFirst = false): number {
    this.set = paths;
    this.reason = BestReason.OnlyPath;
    if (paths.length === 1) return paths[0]!;
    this.keepLowest(BestReason.LlgrStale, (path) => this.flags(path) & AttrFlag.LlgrStale);
    if (clientsFirst) {
      this.keepLowest(BestReason.ClientPath, (path) =>
        this.sources.kind[this.candidates.slotOf(path)] === SourceKind.NonClient ? 1 : 0,
      );
    }
    if (mobility && this.set.length > 1) this.byMobility();
    this.ordinarySteps();
    return this.set[0]!;
  }

  /** `select` for two paths, much the commonest number: the same steps, and nothing is allocated. */
  selectPair(a: number, b: number, mobility: boolean): number {
    const { attrs, sources, candidates } = this;
    const attrA = candidates.attrOf(a);
    const attrB = candidates.attrOf(b);
    const slotA = candidates.slotOf(a);
    const slotB = candidates.slotOf(b);
    this.reason = BestReason.LlgrStale;
    let order =
      (attrs.flags(attrA) & AttrFlag.LlgrStale) - (attrs.flags(attrB) & AttrFlag.LlgrStale);
    if (order === 0 && mobility) order = this.pairByMobility(a, b);
    if (order !== 0) return order < 0 ? a : b;
    this.reason = BestReason.LocalPref;
    order = attrs.localPref(attrB) - attrs.localPref(attrA);
    if (order !== 0) return order < 0 ? a : b;
    this.reason = BestReason.AsPathLength;
    order = attrs.asPathLength(attrA) - attrs.asPathLength(attrB);
    if (order !== 0) return order < 0 ? a : b;
    this.reason = BestReason.Origin;
    order = attrs.origin(attrA) - attrs.origin(attrB);
    if (order !== 0) return order < 0 ? a : b;
    this.reason = BestReason.Med;
    if (attrs.neighborAs(attrA) === attrs.neighborAs(attrB)) {
      order = attrs.med(attrA) - attrs.med(attrB);
      if (order !== 0) return order < 0 ? a : b;
    }
    this.reason = BestReason.EbgpOverIbgp;
    order =
      Number(sources.kind[slotB] === SourceKind.Ebgp) -
      Number(sources.kind[slotA] === SourceKind.Ebgp);
    if (order !== 0) return order < 0 ? a : b;
    this.reason = BestReason.RouterId;
    order = this.originator(a) - this.originator(b);
    if (order !== 0) return order < 0 ? a : b;
    this.reason = BestReason.ClusterListLength;
    order = attrs.clusterListLength(attrA) - attrs.clusterListLength(attrB);
    if (order !== 0) return order < 0 ? a : b;
    this.reason = BestReason.PeerAddress;
    const keyA = sources.addressKey[slotA]!;
    const keyB = sources.addressKey[slotB]!;
    if (keyA !== keyB) return keyA < keyB ? a : b;
    if (slotA !== slotB) return slotA < slotB ? a : b;
    this.reason = BestReason.PathId;
    return candidates.idOf(a) < candidates.idOf(b) ? a : b;
  }

  /** Below 0 when mobility decides for `a`, above for `b`. */
  private pairByMobility(a: number, b: number): number {
    const { attrs } = this;
    const flagsA = this.flags(a);
    const flagsB = this.flags(b);
    if (((flagsA | flagsB) & AttrFlag.Mobility) === 0) return 0;
    if (this.originator(a) === this.originator(b) || this.candidates.sameSegment(a, b)) return 0;
    this.reason = BestReason.MacSticky;
    const sticky = (flagsB & AttrFlag.Sticky) - (flagsA & AttrFlag.Sticky);
    if (sticky !== 0) return sticky;
    this.reason = BestReason.MacSequence;
    const sequenceA = attrs.sequence(this.attr(a));
    const sequenceB = attrs.sequence(this.attr(b));
    const wrapped =
      (sequenceA >= WRAP_HIGH && isAfterWrap(sequenceB)) ||
      (sequenceB >= WRAP_HIGH && isAfterWrap(sequenceA));
    return wrapped ? sequenceA - sequenceB : sequenceB - sequenceA;
  }

  private attr(path: number): number {
    return this.candidates.attrOf(path);
  }

  private flags(path: number): number {
    return this.attrs.flags(this.attr(path));
  }

  private originator(path: number): number {
    const originator = this.attrs.originatorId(this.attr(path));
    return originator !== 0 ? originator : this.sources.routerId[this.candidates.slotOf(path)]!;
  }

  private ordinarySteps(): void {
    const { attrs, sources, candidates } = this;
    // 1: LOCAL_PREF
    this.keepLowest(BestReason.LocalPref, (path) => -attrs.localPref(this.attr(path)));
    // 2 (a): AS_PATH length
    this.keepLowest(BestReason.AsPathLength, (path) => attrs.asPathLength(this.attr(path)));
    // 3 (b): ORIGIN
    this.keepLowest(BestReason.Origin, (path) => attrs.origin(this.attr(path)));
    // 4 (c): MED, within one neighbouring AS
    this.keepLowestMed();
    // 5 (d): eBGP over iBGP
    this.keepLowest(BestReason.EbgpOverIbgp, (path) =>
      sources.kind[candidates.slotOf(path)] === SourceKind.Ebgp ? 0 : 1,
    );
    // 6 (e): IGP cost is unknown to a reflector
    // 7 (f): originator or router id
    this.keepLowest(BestReason.RouterId, (path) => this.originator(path));
    // 8: CLUSTER_LIST length
    this.keepLowest(BestReason.ClusterListLength, (path) =>
      attrs.clusterListLength(this.attr(path)),
    );
    // 9 (g): peer address; two sessions of one address (one is being cleaned up): the newer slot's order does not matter, but must be stable
    this.keepLowestAddress();
  }

  private keepLowest(reason: BestReason, value: (path: number) => number): void {
    if (this.set.length === 1) return;
    let lowest = Infinity;
    for (const path of this.set) lowest = Math.min(lowest, value(path));
    this.keep(reason, (path) => value(path) === lowest);
  }

  private keep(reason: BestReason, wanted: (path: number) => boolean): void {
    const kept = this.set.filter(wanted);
    if (kept.length < this.set.length) this.reason = reason;
    this.set = kept;
  }

  private keepLowestMed(): void {
    if (this.set.length === 1) return;
    const { attrs } = this;
    const lowest = new Map<number, number>();
    for (const path of this.set) {
      const attr = this.attr(path);
      const as = attrs.neighborAs(attr);
      lowest.set(as, Math.min(lowest.get(as) ?? Infinity, attrs.med(attr)));
    }
    this.keep(BestReason.Med, (path) => {
      const attr = this.attr(path);
      return attrs.med(attr) === lowest.get(attrs.neighborAs(attr));
    });
  }

  private keepLowestAddress(): void {
    if (this.set.length === 1) return;
    const key = (path: number): string => this.sources.addressKey[this.candidates.slotOf(path)]!;
    let best = this.set[0]!;
    for (const path of this.set) {
      const order = key(path) < key(best) ? -1 : key(path) > key(best) ? 1 : 0;
      if (order < 0 || (order === 0 && this.candidates.slotOf(path) < this.candidates.slotOf(best)))
        best = path;
    }
    const slot = this.candidates.slotOf(best);
    this.keep(BestReason.PeerAddress, (path) => this.candidates.slotOf(path) === slot);
    // 10: paths of one source (RFC 7911)
    this.keepLowest(BestReason.PathId, (path) => this.candidates.idOf(path));
  }

  /** Leaves the copies of every originator that no other originator's word outranks. */
  private byMobility(): void {
    const all = this.set;
    const { attrs } = this;
    if (!all.some((path) => (this.flags(path) & AttrFlag.Mobility) !== 0)) return;
    const sequences = all.map((path) => attrs.sequence(this.attr(path)));
    const wrapped =
      sequences.some((sequence) => sequence >= WRAP_HIGH) && sequences.some(isAfterWrap);
    const rank = (path: number): number => {
      const sequence = attrs.sequence(this.attr(path));
      return wrapped && isAfterWrap(sequence) ? sequence + WRAP : sequence;
    };
    const sticky = (path: number): boolean => (this.flags(path) & AttrFlag.Sticky) !== 0;
    const outranks = (a: number, b: number): boolean =>
      sticky(a) !== sticky(b) ? sticky(a) : rank(a) > rank(b);
    const words = this.wordOfEachOriginator(all);
    if (words.length === 1) return;
    // Against the best word, or for those of its segment against the best of the others.
    const highest = (list: readonly number[]): number =>
      list.reduce((best, path) => (outranks(path, best) ? path : best));
    const top = highest(words);
    const others = words.filter((path) => path !== top && !this.candidates.sameSegment(path, top));
    const second = others.length === 0 ? undefined : highest(others);
    const outranked = (path: number): boolean => {
      const rival = path === top || this.candidates.sameSegment(path, top) ? second : top;
      return rival !== undefined && outranks(rival, path);
    };
    const losers = words.filter(outranked);
    if (losers.length === 0) return;
    const bySticky = losers.some((path) => !sticky(path) && words.some((other) => sticky(other)));
    const gone = new Set(losers.map((path) => this.originator(path)));
    this.set = all.filter((path) => !gone.has(this.originator(path)));
    this.reason = bySticky ? BestReason.MacSticky : BestReason.MacSequence;
  }

  /** One path per originator, the best of its copies by the ordinary steps. */
  private wordOfEachOriginator(all: readonly number[]): number[] {
    const copies = new Map<number, number[]>();
    for (const path of all) {
      const originator = this.originator(path);
      const list = copies.get(originator);
      if (list === undefined) copies.set(originator, [path]);
      else list.push(path);
    }
    const words: number[] = [];
    for (const list of copies.values()) {
      this.set = list;
      if (list.length > 1) this.ordinarySteps();
      words.push(this.set[0]!);
    }
    this.set = [...all];
    this.reason = BestReason.OnlyPath;
    return words;
  }
}

function isAfterWrap(sequence: number): boolean {
  return sequence >= 1 && sequence <= WRAP_LOW;
}
