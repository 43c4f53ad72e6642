/**
 * Hash of byte runs, chained: murmur3's mixing over 4-octet words, with multipliers drawn at start.
 * Murmur3's own constants are public, so that anyone can make keys that collide whatever the seed;
 * with secret ones a peer cannot choose keys that pile up in one bucket. All threads of a process have
 * the same, as one reads the tables of another.
 */
import { randomBytes } from "node:crypto";
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import { readI32 } from "./bytes.js";

/** Threads started from now on inherit what is kept by this name. */
const SECRET = "evpnd hash";

const secret = inherited() ?? drawn();
const FIRST = secret[0]! | 1;
const SECOND = secret[1]! | 1;
/** Where a chain starts. */
export const HASH_START = secret[2]!;

function inherited(): Int32Array | undefined {
  const known = getEnvironmentData(SECRET) as unknown;
  return known instanceof Int32Array ? known : undefined;
}

function drawn(): Int32Array {
  const fresh = new Int32Array(Uint8Array.from(randomBytes(12)).buffer);
  // Node.js takes any value here; its types know those that need no cloning.
  (setEnvironmentData as (name: string, value: unknown) => void)(SECRET, fresh);
  return fresh;
}

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
