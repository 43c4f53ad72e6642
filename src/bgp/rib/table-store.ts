/**
 * The records behind the table: destinations (one per family and NLRI key), paths (one per destination,
 * source and path id), NLRI octets; how a key is found, and everything that can be read by number.
 * What changes them is `route-table.ts`.
 */
import { ByteArena } from "../../util/byte-arena.js";
import { copyBytes, equalBytes, readU8 } from "../../util/bytes.js";
import { FlatMemory } from "../../util/flat-memory.js";
import { finishHash, hashBytes, HASH_START } from "../../util/hash.js";
import { RecordPool } from "../../util/record-pool.js";
import { RecordTable } from "../../util/record-table.js";
import { Family, isVpn } from "../../fast-bgp-codec/family.js";
import type { NlriScan } from "../../fast-bgp-codec/nlri-scan.js";
import type { BestReason } from "./best-path.js";
import type { HoldReason } from "./hold.js";
import {
  D_BEST,
  D_LENGTH,
  D_LOG,
  D_META,
  D_NLRI,
  D_PATHS,
  DEST,
  HOLD,
  HOLD_MASK,
  META_KEY,
  P_ATTR,
  P_CHANGED,
  P_DEST,
  P_NEXT,
  P_NLRI,
  P_RECEIVED,
  P_SOURCE,
  P_SOURCE_NEXT,
  P_SOURCE_PREVIOUS,
  P_TARGET_NEXT,
  P_TARGET_PREVIOUS,
  PATH,
  SLOT_MASK,
} from "./table-words.js";

export class TableStore {
  /** Destinations without a path that still wait for their withdrawals. */
  tombstones = 0;
  protected readonly dests = new RecordTable(DEST);
  protected readonly paths = new RecordPool(PATH);
  protected readonly arena = new ByteArena();
  /** Path ids by path: apart from the records, as few tables have any. */
  protected readonly ids = new FlatMemory();
  protected hasPathIds = false;

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

  /** Every path id in use is below this; a free one has no destination. */
  get pathLimit(): number {
    return this.paths.limit;
  }

  /** Where NLRI offsets point into; do not keep across `announce`. */
  get nlriBytes(): Uint8Array {
    return this.arena.bytes;
  }

  /** The destination of a scanned NLRI, 0 if there is none. */
  find(family: Family, bytes: Uint8Array, scan: NlriScan): number {
    return this.lookUp(family, bytes, scan, this.hashOf(family, bytes, scan));
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

  /** Low 32 bits of the newest log position. */
  newestEntry(dest: number): number {
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

  /** Its attribute set after import policy; 0 = it is held: kept, shown, without effect. */
  pathAttr(path: number): number {
    return this.paths.words[path * PATH + P_ATTR]!;
  }

  /** Its attribute set as received. */
  pathReceived(path: number): number {
    return this.paths.words[path * PATH + P_RECEIVED]!;
  }

  /** Why it is held, `HoldReason.None` when it is not. */
  pathHold(path: number): HoldReason {
    return ((this.paths.words[path * PATH + P_SOURCE]! >>> HOLD) & HOLD_MASK) as HoldReason;
  }

  /** Path id as received (RFC 7911), unsigned; 0 without ADD-PATH. */
  pathId(path: number): number {
    return this.hasPathIds ? (this.ids.i32[path] ?? 0) >>> 0 : 0;
  }

  /** Wall-clock seconds. */
  pathChanged(path: number): number {
    return this.paths.words[path * PATH + P_CHANGED]! >>> 0;
  }

  /** The next path with the same combination of route targets (`TargetSets.firstPath`). */
  nextPathOfTargets(path: number): number {
    return this.paths.words[path * PATH + P_TARGET_NEXT]!;
  }

  /** The neighbours before it in the two lists, 0 for the first; for audits. */
  previousPathOfTargets(path: number): number {
    return this.paths.words[path * PATH + P_TARGET_PREVIOUS]!;
  }

  previousPathOfSource(path: number): number {
    return this.paths.words[path * PATH + P_SOURCE_PREVIOUS]!;
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

  /** The path of `slot` with this path id (0 without ADD-PATH), 0 for none. */
  pathFrom(dest: number, slot: number, pathId = 0): number {
    const words = this.paths.words;
    let path = this.dests.words[dest * DEST + D_PATHS]!;
    while (path !== 0) {
      if (
        (words[path * PATH + P_SOURCE]! & SLOT_MASK) === slot &&
        ((pathId === 0 && !this.hasPathIds) || this.pathId(path) === pathId)
      ) {
        return path;
      }
      path = words[path * PATH + P_NEXT]!;
    }
    return 0;
  }
  protected hashOf(family: Family, bytes: Uint8Array, scan: NlriScan): number {
    let hash = hashBytes(HASH_START ^ keyMeta(family, scan), bytes, scan.keyStart, scan.keyLength);
    if (scan.tailLength > 0) hash = hashBytes(hash, bytes, scan.tailStart, scan.tailLength);
    return finishHash(hash);
  }

  protected lookUp(family: Family, bytes: Uint8Array, scan: NlriScan, hash: number): number {
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

  protected createDestination(
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

  protected storeNlri(bytes: Uint8Array, scan: NlriScan): number {
    const reference = this.arena.allocate(scan.length);
    copyBytes(bytes, scan.start, scan.start + scan.length, this.arena.bytes, reference * 8);
    return reference;
  }
}

function keyMeta(family: Family, scan: NlriScan): number {
  return family | (scan.routeType << 4) | ((scan.keyLength + scan.tailLength) << 12);
}

/** Octets of the NLRI at `at`, without path id. */
export function nlriLength(family: Family, bytes: Uint8Array, at: number): number {
  return family === Family.Evpn ? 2 + readU8(bytes, at + 1) : 1 + ((readU8(bytes, at) + 7) >>> 3);
}
