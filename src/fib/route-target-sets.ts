/**
 * The route targets of an attribute set, interned: one id for one list of eight-octet communities.
 * A set remembers the bridge domains that its last route led to (`bridge-domain.ts` fills that in), so
 * that the next route of the same kind costs no search.
 *
 * Route targets are extended communities of type 0, 1 or 2 and sub-type 2 (RFC 4360 section 4). Those
 * of 20 octets (RFC 5701) make no domains.
 */
import type { ByteArena } from "../util/byte-arena.js";
import { copyBytes, equalBytes, readU16, readU32, readU8 } from "../util/bytes.js";
import { finishHash, hashBytes, HASH_START } from "../util/hash.js";
import type { RecordTable } from "../util/record-table.js";
import { SharedTables } from "../util/shared-tables.js";

export const SET_WIDTH = 16;
const REFERENCES = 2;
const BYTES = 3;
const COUNT = 4;
/** From here on the record is the cache of `BridgeDomains.resolve`. */
export const SET_CACHE = 5;
/** Communities of one attribute: a set that is read while it is written has no more, whatever it says. */
const MOST_TARGETS = 8192;

export class RouteTargetSets {
  private readonly table: RecordTable;
  private readonly arena: ByteArena;

  constructor(shared = new SharedTables()) {
    this.table = shared.table("target-sets", SET_WIDTH);
    this.arena = shared.arena("target-sets");
  }

  get count(): number {
    return this.table.count;
  }

  /** The records, for the cache words behind `SET_CACHE`. */
  get words(): Int32Array {
    return this.table.words;
  }

  /** Where `at` points into; do not keep across `intern`. */
  get bytes(): Uint8Array {
    return this.arena.bytes;
  }

  /** Id of the list in `bytes[0, 8 * count)`; adds a reference. The empty list is 0. */
  intern(bytes: Uint8Array, count: number): number {
    if (count === 0) return 0;
    const length = count * 8;
    const hash = finishHash(hashBytes(HASH_START, bytes, 0, length));
    const { table } = this;
    let words = table.words;
    for (let id = table.head(hash); id !== 0; id = words[id * SET_WIDTH + 1]!) {
      const base = id * SET_WIDTH;
      if (
        words[base] === hash &&
        words[base + COUNT] === count &&
        equalBytes(this.arena.bytes, words[base + BYTES]! * 8, bytes, 0, length)
      ) {
        words[base + REFERENCES] = words[base + REFERENCES]! + 1;
        return id;
      }
    }
    const id = table.allocate(hash);
    const reference = this.arena.allocate(length);
    copyBytes(bytes, 0, length, this.arena.bytes, reference * 8);
    words = table.words;
    const base = id * SET_WIDTH;
    words[base + REFERENCES] = 1;
    words[base + BYTES] = reference;
    words[base + COUNT] = count;
    return id;
  }

  release(id: number): void {
    if (id === 0) return;
    const words = this.table.words;
    const base = id * SET_WIDTH;
    const left = words[base + REFERENCES]! - 1;
    words[base + REFERENCES] = left;
    if (left > 0) return;
    this.arena.free(words[base + BYTES]!, words[base + COUNT]! * 8);
    this.table.release(id);
  }

  /** Route targets in the set. */
  size(id: number): number {
    return id === 0 ? 0 : Math.min(MOST_TARGETS, this.table.words[id * SET_WIDTH + COUNT]!);
  }

  /** Offset of the `index`th route target in `bytes`. */
  at(id: number, index: number): number {
    return this.table.words[id * SET_WIDTH + BYTES]! * 8 + index * 8;
  }

  has(id: number, target: Uint8Array, at: number): boolean {
    const size = this.size(id);
    for (let i = 0; i < size; i++) {
      if (equalBytes(this.arena.bytes, this.at(id, i), target, at, 8)) return true;
    }
    return false;
  }
}

/** Whether the number of a route target is `label`: `AS:VNI`, or RFC 8365 section 5.1.2.1 with the VNI in its low 24 bits. */
export function targetNames(bytes: Uint8Array, at: number, label: number): boolean {
  return readU8(bytes, at) === 0
    ? (readU32(bytes, at + 4) & 0xffffff) === label
    : readU16(bytes, at + 6) === label;
}
