/**
 * Large communities without repetitions (RFC 8092 section 3: duplicates are removed silently), the
 * first of each kept in place. A table of offsets finds repetitions in one pass however long the
 * list; its hash starts from a random number, so that nobody can choose communities that collide.
 */
import { copyBytes, equalBytes, readI32, readU8 } from "../util/bytes.js";

/** Twice what fits in 65535 octets (5461), rounded up to a power of two. */
const SLOTS = 16384;
/** Offset of the community in the slot; valid when `slotRound` says so. */
const slots = new Int32Array(SLOTS);
const slotRound = new Int32Array(SLOTS);
let round = 0;
const seed = (Math.random() * 0x7fffffff) | 1;

/** Up to this many, comparing each with each is faster than the table. */
const FEW = 8;

export function writeUniqueLargeCommunities(
  bytes: Uint8Array,
  start: number,
  stop: number,
  target: Uint8Array,
  at: number,
): number {
  const count = (stop - start) / 12;
  let end = at;
  if (count <= FEW) {
    for (let from = start; from < stop; from += 12) {
      if (!isAmong(bytes, start, from)) end = copyBytes(bytes, from, from + 12, target, end);
    }
    return end;
  }
  round = (round + 1) | 0;
  if (round === 0) {
    slotRound.fill(0);
    round = 1;
  }
  for (let from = start; from < stop; from += 12) {
    if (isNew(bytes, from)) end = copyBytes(bytes, from, from + 12, target, end);
  }
  return end;
}

function isAmong(bytes: Uint8Array, start: number, at: number): boolean {
  for (let other = start; other < at; other += 12) {
    if (equalBytes(bytes, other, bytes, at, 12)) return true;
  }
  return false;
}

function isNew(bytes: Uint8Array, at: number): boolean {
  let hash = seed;
  for (let i = 0; i < 12; i++) {
    hash = Math.imul(hash ^ readU8(bytes, at + i), 0x01000193);
    hash ^= hash >>> 15;
  }
  for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
    if (slotRound[slot] !== round) {
      slotRound[slot] = round;
      slots[slot] = at;
      return true;
    }
    const other = slots[slot]!;
    if (readI32(bytes, other) === readI32(bytes, at) && equalBytes(bytes, other, bytes, at, 12)) {
      return false;
    }
  }
}
