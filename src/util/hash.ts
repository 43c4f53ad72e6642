/**
 * Hash of byte runs, chained: murmur3's mixing over 4-octet words, with multipliers drawn at start.
 * Murmur3's own constants are public, so that anyone can make keys that collide whatever the seed;
 * with secret ones a peer cannot choose keys that pile up in one bucket.
 */
import { randomBytes } from "node:crypto";
import { readI32 } from "./bytes.js";

const secret = randomBytes(12);
const FIRST = secret.readInt32BE(0) | 1;
const SECOND = secret.readInt32BE(4) | 1;
/** Where a chain starts. */
export const HASH_START = secret.readInt32BE(8);

export function hashBytes(chain: number, bytes: Uint8Array, start: number, length: number): number {
  let h = chain ^ length;
  let at = start;
  const last = start + length;
  for (; at + 4 <= last; at += 4) {
    let k = Math.imul(readI32(bytes, at), FIRST);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, SECOND);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  if (at < last) {
    let k = 0;
    for (; at < last; at++) k = (k << 8) | bytes[at]!;
    k = Math.imul(k, SECOND);
    h ^= Math.imul((k << 16) | (k >>> 16), FIRST);
  }
  return h;
}

/** Spreads every bit over the word; call once at the end of a chain. */
export function finishHash(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
