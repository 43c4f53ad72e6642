/**
 * Adj-RIB-In of every peer and the loc-RIB in one table: destinations and paths, as records of 32-bit
 * words outside the heap (`table-store.ts`). A route costs 44 octets as a path, 36 as a destination with
 * its hash bucket, and its NLRI.
 *
 * In: `announce` and `withdraw` with a scanned NLRI; `reconsider` when import policy thinks again. Out:
 * the change log, in which a destination stands when what a peer should be sent of it changed, and reads
 * by number. `pathChanges` is a second log, of every change of any path, kept while somebody wants it
 * (ADD-PATH).
 *
 * A path has two attribute sets: as received, and after import policy. Without the second it is *held*:
 * kept and shown, but no candidate for best path, not sent, not in the FIB.
 *
 * Invariants: a path is in its destination's list and in its source's list; `best` is 0 only when there
 * is no path that is not held; a destination without paths stays (a tombstone) until every reader has
 * passed its log entries, for its NLRI is needed to withdraw it. A path's NLRI octets are its
 * destination's unless it says otherwise (label and ESI are not part of an EVPN key, so copies may
 * differ). The table owns one reference to each of a path's two sets, two when they are the same.
 */
import { equalBytes } from "../../util/bytes.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import type { NlriScan } from "../../fast-bgp-codec/nlri-scan.js";
import type { AttrStore } from "./attr-store.js";
import { BestPath, BestReason } from "./best-path.js";
import { HoldReason } from "./hold.js";
import { LoggedTable } from "./logged-table.js";
import type { PathCounter } from "./path-counter.js";
import type { MembershipSink, PathSink } from "./path-sink.js";
import { SourceList, type SourceWalk } from "./source-list.js";
import type { Sources } from "./sources.js";
import { nlriLength } from "./table-store.js";
import {
  D_BEST,
  D_LENGTH,
  D_META,
  D_NLRI,
  D_PATHS,
  DEST,
  HOLD,
  HOLD_MASK,
  P_ATTR,
  P_CHANGED,
  P_DEST,
  P_NEXT,
  P_NLRI,
  P_RECEIVED,
  P_SOURCE,
  P_TARGET_NEXT,
  P_TARGET_PREVIOUS,
  PATH,
  SLOT_MASK,
} from "./table-words.js";

const MAC_IP = 2;
/**
 * Most paths of a destination from one source (path ids, RFC 7911): twice what is ever sent on. A list of any
 * length would let one peer make every change of the destination as slow as it likes.
 */
export const MOST_PATH_IDS = 64;
/** Destinations decided again in one turn. */
const DECIDE_SLICE = 20_000;

export interface RouteTableStats {
  /** Announcements that changed nothing. */
  duplicates: number;
  /** Withdrawals of routes that were not there. */
  unknownWithdraws: number;
  /** Times a best path changed. */
  changes: number;
  /** Paths beyond the most of a destination that one source may have: not kept. */
  excessPaths: number;
}

export class RouteTable extends LoggedTable {
  readonly attrs: AttrStore;
  readonly sources: Sources;
  readonly stats: RouteTableStats = {
    duplicates: 0,
    unknownWithdraws: 0,
    changes: 0,
    excessPaths: 0,
  };
  /** Coarse wall clock, set by the owner once per turn: seconds. */
  nowSeconds = 0;
  /** Paths that are held. */
  held = 0;
  /** For route-target constraint (RFC 4684): who asks for what. */
  onMembership: MembershipSink = () => {};
  /** Told of every path, while somebody wants to know. */
  onPath: PathSink | undefined;
  /** Jobs of `decideMobility` under way: some best paths are still those of the other rule. */
  deciding = 0;
  /** Counts the paths of some sources, while there are limits that need it. */
  counter: PathCounter | undefined;
  private readonly list: SourceList;
  private readonly best: BestPath;
  private compareMobility: boolean;
  private readonly scratch: number[] = [];
  private readonly ranked: number[] = [];

  /** @param logStart the change log's first position */
  constructor(attrs: AttrStore, sources: Sources, compareMobility: boolean, logStart = 0) {
    super(logStart);
    this.attrs = attrs;
    this.sources = sources;
    this.compareMobility = compareMobility;
    this.list = new SourceList(this.paths, sources);
    this.best = new BestPath(attrs, sources, {
      attrOf: (path) => this.pathAttr(path),
      slotOf: (path) => this.pathSlot(path),
      idOf: (path) => this.pathId(path),
      sameSegment: (a, b) => this.sameSegment(a, b),
    });
  }

  /**
   * Adds or replaces the path of `slot` with the scanned path id. The table takes references of its
   * own to both sets.
   * @param received the attribute set as it came
   * @param effective the set after import policy, the same where nothing changed it; 0 holds the path
   * @param hold why, when it is held
   */
  announce(
    slot: number,
    family: Family,
    bytes: Uint8Array,
    scan: NlriScan,
    received: number,
    effective: number,
    hold: HoldReason = HoldReason.None,
  ): void {
    const hash = this.hashOf(family, bytes, scan);
    let dest = this.lookUp(family, bytes, scan, hash);
    if (dest === 0) dest = this.createDestination(family, bytes, scan, hash);
    const path = this.pathFrom(dest, slot, scan.pathId);
    if (path === 0 && scan.pathId !== 0 && this.isFull(dest, slot)) this.stats.excessPaths++;
    else if (path === 0) this.addPath(dest, slot, family, bytes, scan, received, effective, hold);
    else this.replacePath(dest, path, bytes, scan, received, effective, hold);
  }

  /** Removes the path of `slot` with the scanned path id, if it is there. */
  withdraw(slot: number, family: Family, bytes: Uint8Array, scan: NlriScan): void {
    const dest = this.find(family, bytes, scan);
    const path = dest === 0 ? 0 : this.pathFrom(dest, slot, scan.pathId);
    if (path === 0) this.stats.unknownWithdraws++;
    else this.removePath(path);
  }

  /** Import policy thinks again of a path: its effective set changes in place (0 holds it), what was received stays. */
  reconsider(path: number, effective: number, hold: HoldReason = HoldReason.None): void {
    const dest = this.pathDest(path);
    this.counter?.left(this.pathSlot(path), path);
    const changed = this.setEffective(dest, path, effective);
    this.setHold(path, effective, hold);
    this.counter?.arrived(this.pathSlot(path), path);
    if (!changed) return;
    this.onPath?.pathChanged(this.pathSlot(path), dest, this.pathId(path));
    this.settle(dest, path);
  }

  /** Removes a path by its number. */
  remove(path: number): void {
    this.removePath(path);
  }

  /** Removes up to `most` paths of `slot`; returns how many are left. */
  removePathsOf(slot: number, most: number): number {
    let left = 0;
    let removed = 0;
    for (let family = 0; family < FAMILIES.length; family++) {
      const row = slot * FAMILIES.length + family;
      for (; removed < most && this.sources.firstPath[row] !== 0; removed++) {
        this.removePath(this.sources.firstPath[row]!);
      }
      left += this.sources.count(slot, family);
    }
    return left;
  }

  /** Removes the paths of `slot` in `family`, those that are stale only or all. */
  removeFamilyOf(slot: number, family: Family, staleOnly: boolean): void {
    const row = slot * FAMILIES.length + family;
    if (staleOnly) this.removeOlder(slot, family, this.sources.marks[row]!, Infinity);
    else while (this.sources.firstPath[row] !== 0) this.removePath(this.sources.firstPath[row]!);
  }

  /** Every path of `slot` in `family` is stale until announced again. Returns the mark, for `removeOlder`. */
  markStale(slot: number, family: Family): number {
    return this.list.mark(slot * FAMILIES.length + family);
  }

  /** Removes up to `most` paths of `slot` that were not announced since the mark; whether none is left. */
  removeOlder(slot: number, family: Family, mark: number, most: number): boolean {
    const row = slot * FAMILIES.length + family;
    for (let removed = 0; removed < most; removed++) {
      const path = this.list.oldestBefore(row, mark);
      if (path === 0) return true;
      this.removePath(path);
    }
    return false;
  }

  isStale(path: number): boolean {
    const family = this.family(this.pathDest(path));
    return this.list.isStale(path, this.pathSlot(path) * FAMILIES.length + family);
  }

  /** A walk over the paths that `slot` has in `family` now, good across turns. End it with `endWalk`. */
  walkSource(slot: number, family: Family): SourceWalk {
    return this.list.walk(slot * FAMILIES.length + family);
  }

  /** The next path, 0 at the end. */
  stepWalk(walk: SourceWalk): number {
    return this.list.step(walk);
  }

  endWalk(walk: SourceWalk): void {
    this.list.endWalk(walk);
  }

  /** Compares mobility, or not, from now on: the job, in slices, decides again where that may matter. */
  decideMobility(compare: boolean): SlicedJob {
    this.compareMobility = compare;
    this.deciding++;
    let dest = 1;
    return {
      step: () => {
        const stop = Math.min(this.destinationLimit, dest + DECIDE_SLICE);
        for (; dest < stop; dest++) {
          if (!this.exists(dest) || this.routeType(dest) !== MAC_IP) continue;
          const first = this.firstPath(dest);
          if (first === 0 || this.nextPath(first) === 0) continue;
          if (this.pathChanges?.isActive === true) this.pathChanges.touch(dest, 0, this.nowMs);
          this.decide(dest, 0);
        }
        if (dest < this.destinationLimit) return false;
        this.deciding--;
        return true;
      },
    };
  }

  /**
   * The best path if paths had the attribute sets that `attrOf` says, 0 for a held one; nothing is
   * stored. For previews of policy.
   * @param without paths that do not count
   */
  selectUnder(
    dest: number,
    attrOf: (path: number) => number,
    without: readonly number[] = [],
  ): number {
    const candidates: number[] = [];
    for (let path = this.firstPath(dest); path !== 0; path = this.nextPath(path)) {
      if (attrOf(path) !== 0 && !without.includes(path)) candidates.push(path);
    }
    if (candidates.length === 0) return 0;
    const family = this.family(dest);
    const best = new BestPath(this.attrs, this.sources, {
      attrOf,
      slotOf: (path) => this.pathSlot(path),
      idOf: (path) => this.pathId(path),
      sameSegment: (a, b) => this.sameSegment(a, b),
    });
    const mobility = this.comparesMobility(dest, family);
    return best.select(candidates, mobility, family === Family.RouteTarget);
  }

  /** For tests and `audit`: recomputes the best path without storing it. */
  reselect(dest: number): { readonly path: number; readonly reason: BestReason } {
    const path = this.select(dest);
    return { path, reason: this.best.reason };
  }

  /** Whether the source has all the paths of a destination that it may have; stale ones count apart. */
  private isFull(dest: number, slot: number): boolean {
    let stale = 0;
    let fresh = 0;
    for (let path = this.firstPath(dest); path !== 0; path = this.nextPath(path)) {
      if (this.pathSlot(path) !== slot) continue;
      if (this.isStale(path)) stale++;
      else fresh++;
    }
    return fresh >= MOST_PATH_IDS || stale + fresh >= 2 * MOST_PATH_IDS;
  }

  private addPath(
    dest: number,
    slot: number,
    family: Family,
    bytes: Uint8Array,
    scan: NlriScan,
    received: number,
    effective: number,
    hold: HoldReason,
  ): void {
    const path = this.paths.take();
    if (scan.pathId !== 0) this.setPathId(path, scan.pathId);
    const words = this.paths.words;
    const destWords = this.dests.words;
    const base = path * PATH;
    const first = destWords[dest * DEST + D_PATHS]!;
    const row = slot * FAMILIES.length + family;
    words[base + P_DEST] = dest;
    words[base + P_NEXT] = first;
    words[base + P_SOURCE] = slot;
    words[base + P_RECEIVED] = received;
    words[base + P_ATTR] = effective;
    words[base + P_CHANGED] = this.nowSeconds;
    this.attrs.retain(received);
    if (effective !== 0) this.attrs.retain(effective);
    else this.setHold(path, effective, hold);
    this.list.add(path, row);
    destWords[dest * DEST + D_PATHS] = path;
    if (first === 0) this.tombstones--;
    this.storePathNlri(dest, path, bytes, scan);
    this.onPath?.pathChanged(slot, dest, scan.pathId);
    this.counter?.arrived(slot, path);
    if (effective === 0) {
      this.held++;
      return;
    }
    this.linkTargets(path, this.attrs.targets(effective));
    this.settle(dest, path);
    if (family === Family.RouteTarget) this.tellMembership(slot, path, 1);
  }

  private replacePath(
    dest: number,
    path: number,
    bytes: Uint8Array,
    scan: NlriScan,
    received: number,
    effective: number,
    hold: HoldReason,
  ): void {
    const words = this.paths.words;
    const base = path * PATH;
    const slot = words[base + P_SOURCE]! & SLOT_MASK;
    const row = slot * FAMILIES.length + this.family(dest);
    this.list.renew(path, row);
    this.counter?.left(slot, path);
    const sameNlri =
      this.pathNlriLength(path) === scan.length &&
      equalBytes(this.arena.bytes, this.pathNlri(path), bytes, scan.start, scan.length);
    const before = words[base + P_RECEIVED]!;
    if (sameNlri && before === received && words[base + P_ATTR] === effective) {
      this.stats.duplicates++;
      this.setHold(path, effective, hold);
      this.counter?.arrived(slot, path);
      return;
    }
    if (!sameNlri) this.storePathNlri(dest, path, bytes, scan);
    if (before !== received) {
      this.attrs.retain(received);
      words[base + P_RECEIVED] = received;
      this.attrs.release(before);
    }
    words[base + P_CHANGED] = this.nowSeconds;
    const changed = this.setEffective(dest, path, effective);
    this.setHold(path, effective, hold);
    this.counter?.arrived(slot, path);
    this.onPath?.pathChanged(slot, dest, scan.pathId);
    if (changed || (!sameNlri && effective !== 0)) this.settle(dest, path);
  }

  /** Makes `effective` the set that counts; whether it was another one. The best path is the caller's to choose again. */
  private setEffective(dest: number, path: number, effective: number): boolean {
    const words = this.paths.words;
    const base = path * PATH;
    const before = words[base + P_ATTR]!;
    if (before === effective) return false;
    const { attrs } = this;
    if (effective !== 0) attrs.retain(effective);
    words[base + P_ATTR] = effective;
    const targets = attrs.targets(effective);
    const targetsBefore = attrs.targets(before);
    if (targets !== targetsBefore) {
      this.unlinkTargets(path, targetsBefore);
      this.linkTargets(path, targets);
    }
    if (before !== 0) attrs.release(before);
    if ((before === 0) === (effective === 0)) return true;
    this.held += effective === 0 ? 1 : -1;
    if (this.family(dest) === Family.RouteTarget) {
      this.tellMembership(this.pathSlot(path), path, effective === 0 ? -1 : 1);
    }
    return true;
  }

  private setHold(path: number, effective: number, hold: HoldReason): void {
    const words = this.paths.words;
    const at = path * PATH + P_SOURCE;
    const reason = effective === 0 ? hold : HoldReason.None;
    words[at] = (words[at]! & ~(HOLD_MASK << HOLD)) | (reason << HOLD);
  }

  private setPathId(path: number, id: number): void {
    this.hasPathIds = true;
    this.ids.ensure((path + 1) * 4);
    this.ids.i32[path] = id;
  }

  private tellMembership(slot: number, path: number, change: 1 | -1): void {
    this.onMembership(slot, this.arena.bytes, this.pathNlri(path), change);
  }

  private linkTargets(path: number, set: number): void {
    if (set === 0) return;
    const words = this.paths.words;
    const first = this.attrs.targetSets.firstPath(set);
    words[path * PATH + P_TARGET_NEXT] = first;
    words[path * PATH + P_TARGET_PREVIOUS] = 0;
    if (first !== 0) words[first * PATH + P_TARGET_PREVIOUS] = path;
    this.attrs.targetSets.setFirstPath(set, path);
  }

  private unlinkTargets(path: number, set: number): void {
    if (set === 0) return;
    const words = this.paths.words;
    const next = words[path * PATH + P_TARGET_NEXT]!;
    const previous = words[path * PATH + P_TARGET_PREVIOUS]!;
    if (previous === 0) this.attrs.targetSets.setFirstPath(set, next);
    else words[previous * PATH + P_TARGET_NEXT] = next;
    if (next !== 0) words[next * PATH + P_TARGET_PREVIOUS] = previous;
  }

  /** The path alone at its destination shares the destination's octets; one among several keeps its own when they differ. */
  private storePathNlri(dest: number, path: number, bytes: Uint8Array, scan: NlriScan): void {
    const words = this.paths.words;
    const destWords = this.dests.words;
    const own = words[path * PATH + P_NLRI]!;
    if (own !== 0) {
      this.arena.free(own, nlriLength(this.family(dest), this.arena.bytes, own * 8));
      words[path * PATH + P_NLRI] = 0;
    }
    const same =
      destWords[dest * DEST + D_LENGTH] === scan.length &&
      equalBytes(this.arena.bytes, this.destNlri(dest), bytes, scan.start, scan.length);
    if (same) return;
    const alone = words[path * PATH + P_NEXT] === 0 && destWords[dest * DEST + D_PATHS] === path;
    if (!alone) {
      words[path * PATH + P_NLRI] = this.storeNlri(bytes, scan);
      return;
    }
    this.arena.free(destWords[dest * DEST + D_NLRI]!, destWords[dest * DEST + D_LENGTH]!);
    destWords[dest * DEST + D_NLRI] = this.storeNlri(bytes, scan);
    destWords[dest * DEST + D_LENGTH] = scan.length;
  }

  private removePath(path: number): void {
    const words = this.paths.words;
    const base = path * PATH;
    const dest = words[base + P_DEST]!;
    const slot = words[base + P_SOURCE]! & SLOT_MASK;
    const attr = words[base + P_ATTR]!;
    const received = words[base + P_RECEIVED]!;
    const next = words[base + P_NEXT]!;
    const destWords = this.dests.words;
    this.counter?.left(slot, path);
    if (destWords[dest * DEST + D_PATHS] === path) {
      destWords[dest * DEST + D_PATHS] = next;
    } else {
      let at = destWords[dest * DEST + D_PATHS]!;
      while (words[at * PATH + P_NEXT] !== path) at = words[at * PATH + P_NEXT]!;
      words[at * PATH + P_NEXT] = next;
    }
    this.list.remove(path, slot * FAMILIES.length + this.family(dest));
    this.unlinkTargets(path, this.attrs.targets(attr));
    if (attr === 0) this.held--;
    else if (this.family(dest) === Family.RouteTarget) this.tellMembership(slot, path, -1);
    if (this.onPath !== undefined) this.tellRemoved(this.onPath, slot, dest, path);
    const own = words[base + P_NLRI]!;
    if (own !== 0) this.arena.free(own, nlriLength(this.family(dest), this.arena.bytes, own * 8));
    this.paths.give(path);
    if (this.hasPathIds && path < this.ids.i32.length) this.ids.i32[path] = 0;
    if (attr !== 0) this.settle(dest, path);
    this.pathChanges?.forget(path);
    if (destWords[dest * DEST + D_PATHS] === 0) {
      this.tombstones++;
      // Its log entry is what frees it; a path that was held has made none.
      if (attr === 0) this.touch(dest);
    }
    if (attr !== 0) this.attrs.release(attr);
    this.attrs.release(received);
  }

  private tellRemoved(sink: PathSink, slot: number, dest: number, path: number): void {
    const family = this.family(dest);
    const length = this.pathNlriLength(path);
    sink.pathRemoved(
      slot,
      family,
      this.pathId(path),
      this.arena.bytes,
      this.pathNlri(path),
      length,
    );
  }

  /** What follows from a changed path that is, or was, not held. */
  private settle(dest: number, path: number): void {
    const { pathChanges } = this;
    if (pathChanges?.isActive === true) pathChanges.touch(dest, path, this.nowMs);
    this.decide(dest, path);
  }

  /** Selects again; logs the destination if the winner, or something of the winner, changed. */
  private decide(dest: number, changedPath: number): void {
    const base = dest * DEST;
    const before = this.dests.words[base + D_BEST]!;
    const best = this.select(dest);
    const words = this.dests.words;
    words[base + D_BEST] = best;
    words[base + D_META] = (words[base + D_META]! & 0xffffff) | (this.best.reason << 24);
    if (best === before && best !== changedPath) return;
    this.stats.changes++;
    this.touch(dest);
  }

  private select(dest: number): number {
    const words = this.paths.words;
    const first = this.eligible(this.dests.words[dest * DEST + D_PATHS]!);
    if (first === 0) {
      this.best.reason = BestReason.None;
      return 0;
    }
    const second = this.eligible(words[first * PATH + P_NEXT]!);
    if (second === 0) {
      this.best.reason = BestReason.OnlyPath;
      return first;
    }
    const family = this.family(dest);
    const third = this.eligible(words[second * PATH + P_NEXT]!);
    if (third === 0 && family !== Family.RouteTarget) {
      return this.best.selectPair(first, second, this.comparesMobility(dest, family));
    }
    const candidates = this.scratch;
    candidates.length = 0;
    candidates.push(first, second);
    for (let path = third; path !== 0; path = this.eligible(words[path * PATH + P_NEXT]!)) {
      candidates.push(path);
    }
    const mobility = this.comparesMobility(dest, family);
    return this.best.select(candidates, mobility, family === Family.RouteTarget);
  }

  /** The first path from `path` on that is not held. */
  private eligible(path: number): number {
    const words = this.paths.words;
    let at = path;
    while (at !== 0 && words[at * PATH + P_ATTR] === 0) at = words[at * PATH + P_NEXT]!;
    return at;
  }

  private comparesMobility(dest: number, family: Family): boolean {
    return this.compareMobility && family === Family.Evpn && this.routeType(dest) === MAC_IP;
  }

  /**
   * The best `most` paths of a destination that are not held, best first: each is what best path
   * would be without those before it. `out` is filled.
   */
  rank(dest: number, most: number, out: number[]): void {
    out.length = 0;
    const words = this.paths.words;
    const left = this.ranked;
    left.length = 0;
    for (
      let path = this.eligible(this.dests.words[dest * DEST + D_PATHS]!);
      path !== 0;
      path = this.eligible(words[path * PATH + P_NEXT]!)
    ) {
      left.push(path);
    }
    const family = this.family(dest);
    const mobility = this.comparesMobility(dest, family);
    while (left.length > 0 && out.length < most) {
      const best = left.length === 1 ? left[0]! : this.best.select([...left], mobility);
      out.push(best);
      left.splice(left.indexOf(best), 1);
    }
  }

  /** Both MAC/IP routes carry the same ESI, and it is not zero. */
  private sameSegment(a: number, b: number): boolean {
    const bytes = this.arena.bytes;
    const esiA = this.pathNlri(a) + 10;
    const esiB = this.pathNlri(b) + 10;
    let any = 0;
    for (let i = 0; i < 10; i++) {
      if (bytes[esiA + i] !== bytes[esiB + i]) return false;
      any |= bytes[esiA + i]!;
    }
    return any !== 0;
  }
}
