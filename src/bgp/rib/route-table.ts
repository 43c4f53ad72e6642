/**
 * Adj-RIB-In of every peer and the loc-RIB in one table: destinations (one per family and NLRI key)
 * and paths (one per destination and source). Both are records of 32-bit words outside the heap; a
 * route costs 40 octets as a path, 36 as a destination with its hash bucket, and its NLRI.
 *
 * In: `announce` and `withdraw` with a scanned NLRI. Out: the change log, in which a destination
 * stands when what a peer should be sent of it changed, and reads by number.
 *
 * Invariants: a path is in its destination's list and in its source's list; `best` is 0 only when
 * there is no path; a destination without paths stays (a tombstone) until every reader has passed its
 * log entry, for its NLRI is needed to withdraw it. A path's NLRI octets are its destination's unless
 * it says otherwise (label and ESI are not part of an EVPN key, so copies may differ).
 */
import { ByteArena } from "../../util/byte-arena.js";
import { copyBytes, equalBytes, readU8 } from "../../util/bytes.js";
import { finishHash, hashBytes, HASH_START } from "../../util/hash.js";
import { RecordPool } from "../../util/record-pool.js";
import { RecordTable } from "../../util/record-table.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import { FAMILIES, Family, isVpn } from "../../fast-bgp-codec/family.js";
import type { NlriScan } from "../../fast-bgp-codec/nlri-scan.js";
import type { AttrStore } from "./attr-store.js";
import { BestPath, type BestReason } from "./best-path.js";
import { ChangeLog } from "./change-log.js";
import type { Sources } from "./sources.js";

const DEST = 8;
/** Words of a destination; 0 and 1 are the table's own. */
const D_NLRI = 2;
/** Family bits 0-3, route type (bits of a VPN prefix) 4-11, octets of key 12-20, best-path reason 24-31. */
const D_META = 3;
const D_PATHS = 4;
const D_BEST = 5;
/** Low 32 bits of the newest log position. */
const D_LOG = 6;
/** Octets of the stored NLRI. */
const D_LENGTH = 7;
const META_KEY = 0x1fffff;

const PATH = 10;
const P_DEST = 0;
const P_NEXT = 1;
const P_SOURCE_NEXT = 2;
const P_SOURCE_PREVIOUS = 3;
/** Slot bits 0-23, refresh round (`Sources.refreshRound`) bits 24-31. */
const P_SOURCE = 4;
const P_ATTR = 5;
/** Own NLRI octets, 0 = the destination's. */
const P_NLRI = 6;
/** Wall-clock seconds of the last change. */
const P_CHANGED = 7;
/** The paths with the same combination of route targets. */
const P_TARGET_NEXT = 8;
const P_TARGET_PREVIOUS = 9;
const SLOT_MASK = 0xffffff;
const ROUND = 24;
const LAST_ROUND = 254;
/** No round: stale in all of them. */
const STALE = 255;

const MAC_IP = 2;
/** Destinations decided again in one turn. */
const DECIDE_SLICE = 20_000;

/** Told of every membership that comes (1) or goes (-1); the NLRI is at `start` in `bytes`. */
export type MembershipSink = (
  slot: number,
  bytes: Uint8Array,
  start: number,
  change: 1 | -1,
) => void;

export interface RouteTableStats {
  /** Announcements that changed nothing. */
  duplicates: number;
  /** Withdrawals of routes that were not there. */
  unknownWithdraws: number;
  /** Times a best path changed. */
  changes: number;
}

export class RouteTable {
  readonly attrs: AttrStore;
  readonly sources: Sources;
  readonly log: ChangeLog;
  readonly stats: RouteTableStats = { duplicates: 0, unknownWithdraws: 0, changes: 0 };
  /** Destinations without a path that still wait for their withdrawals. */
  tombstones = 0;
  /** Coarse clocks, set by the owner once per turn: monotonic milliseconds and wall-clock seconds. */
  nowMs = 0;
  nowSeconds = 0;
  /** The furthest any reader has read: an entry from here on has been seen by nobody. */
  furthestReader: number;
  /** For route-target constraint (RFC 4684): who asks for what. */
  onMembership: MembershipSink = () => {};
  private readonly dests = new RecordTable(DEST);
  private readonly paths = new RecordPool(PATH);
  private readonly arena = new ByteArena();
  private readonly best: BestPath;
  private compareMobility: boolean;
  private readonly scratch: number[] = [];

  /** @param logStart the change log's first position */
  constructor(attrs: AttrStore, sources: Sources, compareMobility: boolean, logStart = 0) {
    this.attrs = attrs;
    this.sources = sources;
    this.compareMobility = compareMobility;
    this.log = new ChangeLog(logStart);
    this.furthestReader = logStart;
    this.best = new BestPath(attrs, sources, {
      attrOf: (path) => this.pathAttr(path),
      slotOf: (path) => this.pathSlot(path),
      sameSegment: (a, b) => this.sameSegment(a, b),
    });
  }

  /** Destinations that have a path. */
  get destinationCount(): number {
    return this.dests.count - this.tombstones;
  }

  get pathCount(): number {
    return this.paths.count;
  }

  /** Every destination id in use is below this. */
  get destinationLimit(): number {
    return this.dests.limit;
  }

  get usedBytes(): number {
    return (
      this.dests.count * DEST * 4 +
      this.paths.count * PATH * 4 +
      this.arena.usedBytes +
      this.log.usedBytes
    );
  }

  /** Where NLRI offsets point into; do not keep across `announce`. */
  get nlriBytes(): Uint8Array {
    return this.arena.bytes;
  }

  /** The destination of a scanned NLRI, 0 if there is none. */
  find(family: Family, bytes: Uint8Array, scan: NlriScan): number {
    return this.lookUp(family, bytes, scan, this.hashOf(family, bytes, scan));
  }

  /** Adds or replaces the path of `slot`. The table takes a reference of its own to `attr`. */
  announce(slot: number, family: Family, bytes: Uint8Array, scan: NlriScan, attr: number): void {
    const hash = this.hashOf(family, bytes, scan);
    let dest = this.lookUp(family, bytes, scan, hash);
    if (dest === 0) dest = this.createDestination(family, bytes, scan, hash);
    const path = this.pathFrom(dest, slot);
    if (path === 0) this.addPath(dest, slot, family, bytes, scan, attr);
    else this.replacePath(dest, path, bytes, scan, attr);
  }

  /** Removes the path of `slot`, if it is there. */
  withdraw(slot: number, family: Family, bytes: Uint8Array, scan: NlriScan): void {
    const dest = this.find(family, bytes, scan);
    const path = dest === 0 ? 0 : this.pathFrom(dest, slot);
    if (path === 0) this.stats.unknownWithdraws++;
    else this.removePath(path);
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
    const round = this.sources.refreshRound[row]!;
    let path = this.sources.firstPath[row]!;
    while (path !== 0) {
      const words = this.paths.words;
      const next = words[path * PATH + P_SOURCE_NEXT]!;
      const stale = words[path * PATH + P_SOURCE]! >>> ROUND !== round;
      if (stale || !staleOnly) this.removePath(path);
      path = next;
    }
  }

  /**
   * Every path of `slot` in `family` is stale until it is announced again (RFC 7313 section 4). Costs
   * a walk once in 255 times only: a peer may say it as often as it likes.
   */
  markStale(slot: number, family: Family): void {
    const row = slot * FAMILIES.length + family;
    const round = this.sources.refreshRound[row]!;
    if (round < LAST_ROUND) {
      this.sources.refreshRound[row] = round + 1;
      return;
    }
    const words = this.paths.words;
    let path = this.sources.firstPath[row]!;
    for (; path !== 0; path = words[path * PATH + P_SOURCE_NEXT]!) {
      words[path * PATH + P_SOURCE] = slot | (STALE << ROUND);
    }
    this.sources.refreshRound[row] = 0;
  }

  /** Frees what every reader is past: called as positions before `position` are dropped from the log. */
  releaseUpTo(position: number): void {
    const log = this.log;
    const words = this.dests.words;
    for (let at = log.head; at < position; at++) {
      const dest = log.at(at);
      const base = dest * DEST;
      if (
        words[base + D_META] !== 0 &&
        words[base + D_LOG] === (at | 0) &&
        words[base + D_PATHS] === 0
      ) {
        this.arena.free(words[base + D_NLRI]!, words[base + D_LENGTH]!);
        this.dests.release(dest);
        this.tombstones--;
      }
    }
    log.trim(position);
  }

  // Reading a destination. An id that is not in use has no NLRI: `exists` is false.

  exists(dest: number): boolean {
    return this.dests.words[dest * DEST + D_LENGTH] !== 0;
  }

  family(dest: number): Family {
    return (this.dests.words[dest * DEST + D_META]! & 0xf) as Family;
  }

  /** EVPN route type; bits of the prefix in VPN families; 0 in the others. */
  routeType(dest: number): number {
    return (this.dests.words[dest * DEST + D_META]! >>> 4) & 0xff;
  }

  /** Best path, 0 for none. */
  bestPath(dest: number): number {
    return this.dests.words[dest * DEST + D_BEST]!;
  }

  bestReason(dest: number): BestReason {
    return (this.dests.words[dest * DEST + D_META]! >>> 24) as BestReason;
  }

  firstPath(dest: number): number {
    return this.dests.words[dest * DEST + D_PATHS]!;
  }

  nextPath(path: number): number {
    return this.paths.words[path * PATH + P_NEXT]!;
  }

  /** Whether the log entry at `position` is this destination's newest. */
  isNewest(dest: number, position: number): boolean {
    return this.dests.words[dest * DEST + D_LOG] === (position | 0);
  }

  /** Low 32 bits of the newest position. */
  newestPosition(dest: number): number {
    return this.dests.words[dest * DEST + D_LOG]!;
  }

  /** Offset of the destination's own NLRI in `nlriBytes`: enough for a withdrawal. */
  destNlri(dest: number): number {
    return this.dests.words[dest * DEST + D_NLRI]! * 8;
  }

  destNlriLength(dest: number): number {
    return this.dests.words[dest * DEST + D_LENGTH]!;
  }

  // Reading a path.

  pathDest(path: number): number {
    return this.paths.words[path * PATH + P_DEST]!;
  }

  pathSlot(path: number): number {
    return this.paths.words[path * PATH + P_SOURCE]! & SLOT_MASK;
  }

  pathAttr(path: number): number {
    return this.paths.words[path * PATH + P_ATTR]!;
  }

  /** Wall-clock seconds. */
  pathChanged(path: number): number {
    return this.paths.words[path * PATH + P_CHANGED]! >>> 0;
  }

  /** The next path with the same combination of route targets (`TargetSets.firstPath`). */
  nextPathOfTargets(path: number): number {
    return this.paths.words[path * PATH + P_TARGET_NEXT]!;
  }

  /** The next path of the same source and family (`Sources.firstPath`). */
  nextPathOfSource(path: number): number {
    return this.paths.words[path * PATH + P_SOURCE_NEXT]!;
  }

  /** Offset of the path's NLRI, as its source sent it, in `nlriBytes`. */
  pathNlri(path: number): number {
    const own = this.paths.words[path * PATH + P_NLRI]!;
    return own !== 0 ? own * 8 : this.destNlri(this.pathDest(path));
  }

  pathNlriLength(path: number): number {
    const own = this.paths.words[path * PATH + P_NLRI]!;
    const dest = this.pathDest(path);
    return own === 0
      ? this.destNlriLength(dest)
      : nlriLength(this.family(dest), this.arena.bytes, own * 8);
  }

  pathFrom(dest: number, slot: number): number {
    const words = this.paths.words;
    let path = this.dests.words[dest * DEST + D_PATHS]!;
    while (path !== 0 && (words[path * PATH + P_SOURCE]! & SLOT_MASK) !== slot) {
      path = words[path * PATH + P_NEXT]!;
    }
    return path;
  }

  /** Compares mobility, or not, from now on: the job, in slices, decides again where that may matter. */
  decideMobility(compare: boolean): SlicedJob {
    this.compareMobility = compare;
    let dest = 1;
    return {
      step: () => {
        const stop = Math.min(this.destinationLimit, dest + DECIDE_SLICE);
        for (; dest < stop; dest++) {
          if (!this.exists(dest) || this.routeType(dest) !== MAC_IP) continue;
          const first = this.firstPath(dest);
          if (first === 0 || this.nextPath(first) === 0) continue;
          this.decide(dest, 0);
        }
        return dest >= this.destinationLimit;
      },
    };
  }

  /** For tests and `audit`: recomputes the best path without storing it. */
  reselect(dest: number): { readonly path: number; readonly reason: BestReason } {
    const path = this.select(dest);
    return { path, reason: this.best.reason };
  }

  private hashOf(family: Family, bytes: Uint8Array, scan: NlriScan): number {
    let hash = hashBytes(HASH_START ^ keyMeta(family, scan), bytes, scan.keyStart, scan.keyLength);
    if (scan.tailLength > 0) hash = hashBytes(hash, bytes, scan.tailStart, scan.tailLength);
    return finishHash(hash);
  }

  private lookUp(family: Family, bytes: Uint8Array, scan: NlriScan, hash: number): number {
    const meta = keyMeta(family, scan);
    const words = this.dests.words;
    const stored = this.arena.bytes;
    for (let id = this.dests.head(hash); id !== 0; id = words[id * DEST + 1]!) {
      const base = id * DEST;
      if (words[base] !== hash || (words[base + D_META]! & META_KEY) !== meta) continue;
      let nlri = words[base + D_NLRI]! * 8;
      // A VPN route's key is at its end: behind as many labels as there are.
      if (isVpn(family)) nlri += words[base + D_LENGTH]! - scan.length;
      if (
        equalBytes(
          stored,
          nlri + (scan.keyStart - scan.start),
          bytes,
          scan.keyStart,
          scan.keyLength,
        ) &&
        equalBytes(
          stored,
          nlri + (scan.tailStart - scan.start),
          bytes,
          scan.tailStart,
          scan.tailLength,
        )
      ) {
        return id;
      }
    }
    return 0;
  }

  private createDestination(
    family: Family,
    bytes: Uint8Array,
    scan: NlriScan,
    hash: number,
  ): number {
    const dest = this.dests.allocate(hash);
    const reference = this.storeNlri(bytes, scan);
    const words = this.dests.words;
    const base = dest * DEST;
    words[base + D_NLRI] = reference;
    words[base + D_LENGTH] = scan.length;
    words[base + D_META] = keyMeta(family, scan);
    this.tombstones++;
    return dest;
  }

  private storeNlri(bytes: Uint8Array, scan: NlriScan): number {
    const reference = this.arena.allocate(scan.length);
    copyBytes(bytes, scan.start, scan.start + scan.length, this.arena.bytes, reference * 8);
    return reference;
  }

  private addPath(
    dest: number,
    slot: number,
    family: Family,
    bytes: Uint8Array,
    scan: NlriScan,
    attr: number,
  ): void {
    const path = this.paths.take();
    const words = this.paths.words;
    const destWords = this.dests.words;
    const base = path * PATH;
    const first = destWords[dest * DEST + D_PATHS]!;
    const row = slot * FAMILIES.length + family;
    words[base + P_DEST] = dest;
    words[base + P_NEXT] = first;
    words[base + P_SOURCE] = slot | (this.sources.refreshRound[row]! << ROUND);
    words[base + P_ATTR] = attr;
    words[base + P_CHANGED] = this.nowSeconds;
    this.attrs.retain(attr);
    const sourceFirst = this.sources.firstPath[row]!;
    words[base + P_SOURCE_NEXT] = sourceFirst;
    if (sourceFirst !== 0) words[sourceFirst * PATH + P_SOURCE_PREVIOUS] = path;
    this.sources.firstPath[row] = path;
    this.sources.pathCounts[row]!++;
    destWords[dest * DEST + D_PATHS] = path;
    if (first === 0) this.tombstones--;
    this.linkTargets(path, this.attrs.targets(attr));
    this.storePathNlri(dest, path, bytes, scan);
    this.decide(dest, path);
    if (family === Family.RouteTarget) this.onMembership(slot, bytes, scan.start, 1);
  }

  private replacePath(
    dest: number,
    path: number,
    bytes: Uint8Array,
    scan: NlriScan,
    attr: number,
  ): void {
    const words = this.paths.words;
    const base = path * PATH;
    const slot = words[base + P_SOURCE]! & SLOT_MASK;
    const row = slot * FAMILIES.length + this.family(dest);
    words[base + P_SOURCE] = slot | (this.sources.refreshRound[row]! << ROUND);
    const sameNlri =
      this.pathNlriLength(path) === scan.length &&
      equalBytes(this.arena.bytes, this.pathNlri(path), bytes, scan.start, scan.length);
    const old = words[base + P_ATTR]!;
    if (sameNlri && old === attr) {
      this.stats.duplicates++;
      return;
    }
    if (!sameNlri) this.storePathNlri(dest, path, bytes, scan);
    if (old !== attr) {
      this.attrs.retain(attr);
      words[base + P_ATTR] = attr;
      const targets = this.attrs.targets(attr);
      if (targets !== this.attrs.targets(old)) {
        this.unlinkTargets(path, this.attrs.targets(old));
        this.linkTargets(path, targets);
      }
    }
    words[base + P_CHANGED] = this.nowSeconds;
    this.decide(dest, path);
    if (old !== attr) this.attrs.release(old);
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
    const next = words[base + P_NEXT]!;
    const destWords = this.dests.words;
    if (destWords[dest * DEST + D_PATHS] === path) {
      destWords[dest * DEST + D_PATHS] = next;
    } else {
      let at = destWords[dest * DEST + D_PATHS]!;
      while (words[at * PATH + P_NEXT] !== path) at = words[at * PATH + P_NEXT]!;
      words[at * PATH + P_NEXT] = next;
    }
    const sourceNext = words[base + P_SOURCE_NEXT]!;
    const sourcePrevious = words[base + P_SOURCE_PREVIOUS]!;
    const row = slot * FAMILIES.length + this.family(dest);
    if (sourcePrevious === 0) this.sources.firstPath[row] = sourceNext;
    else words[sourcePrevious * PATH + P_SOURCE_NEXT] = sourceNext;
    if (sourceNext !== 0) words[sourceNext * PATH + P_SOURCE_PREVIOUS] = sourcePrevious;
    this.sources.pathCounts[row]!--;
    this.unlinkTargets(path, this.attrs.targets(attr));
    if (this.family(dest) === Family.RouteTarget) {
      this.onMembership(slot, this.arena.bytes, this.pathNlri(path), -1);
    }
    const own = words[base + P_NLRI]!;
    if (own !== 0) this.arena.free(own, nlriLength(this.family(dest), this.arena.bytes, own * 8));
    this.paths.give(path);
    if (destWords[dest * DEST + D_PATHS] === 0) this.tombstones++;
    this.decide(dest, path);
    this.attrs.release(attr);
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

  /** Puts the destination at the end of the log, unless its entry there has not been read by anybody. */
  touch(dest: number): void {
    const words = this.dests.words;
    const log = this.log;
    const last = words[dest * DEST + D_LOG]!;
    const unread = log.tail - this.furthestReader;
    const behind = (log.tail - last) | 0;
    if (behind > 0 && behind <= unread && log.at(log.tail - behind) === dest) return;
    words[dest * DEST + D_LOG] = log.append(dest, this.nowMs) | 0;
  }

  private select(dest: number): number {
    const first = this.dests.words[dest * DEST + D_PATHS]!;
    if (first === 0) {
      this.best.reason = 0;
      return 0;
    }
    const words = this.paths.words;
    const second = words[first * PATH + P_NEXT]!;
    if (second === 0) {
      this.best.reason = 1;
      return first;
    }
    const family = this.family(dest);
    const mobility =
      this.compareMobility && family === Family.Evpn && this.routeType(dest) === MAC_IP;
    if (words[second * PATH + P_NEXT] === 0 && family !== Family.RouteTarget) {
      return this.best.selectPair(first, second, mobility);
    }
    const candidates = this.scratch;
    candidates.length = 0;
    for (let path = first; path !== 0; path = words[path * PATH + P_NEXT]!) candidates.push(path);
    return this.best.select(candidates, mobility, family === Family.RouteTarget);
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

function keyMeta(family: Family, scan: NlriScan): number {
  return family | (scan.routeType << 4) | ((scan.keyLength + scan.tailLength) << 12);
}

/** Octets of the NLRI at `at`, without path id. */
function nlriLength(family: Family, bytes: Uint8Array, at: number): number {
  return family === Family.Evpn ? 2 + readU8(bytes, at + 1) : 1 + ((readU8(bytes, at) + 7) >>> 3);
}
