/** Chains, and a spread that a table can rely on. */
import { describe, expect, it } from "vitest";
import { finishHash, hashBytes, HASH_START } from "../../src/util/hash.js";

const BUCKETS = 1024;

/** The fullest of 1024 buckets when 16 a bucket are expected. */
function fullest(keyOf: (n: number) => Uint8Array): number {
  const buckets = new Uint32Array(BUCKETS);
  for (let n = 0; n < BUCKETS * 16; n++) {
    const key = keyOf(n);
    const bucket = finishHash(hashBytes(HASH_START, key, 0, key.length)) & (BUCKETS - 1);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  return Math.max(...buckets);
}

describe("the hash", () => {
  it("depends on every octet, the length and what the chain began with", () => {
    const key = Uint8Array.from({ length: 11 }, (_, i) => i);
    const hash = (bytes: Uint8Array, start = HASH_START): number =>
      hashBytes(start, bytes, 0, bytes.length);
    const all = new Set([hash(key), hash(key, HASH_START ^ 1), hash(key.subarray(0, 10))]);
    for (let i = 0; i < key.length; i++) {
      const other = key.slice();
      other[i] = other[i]! ^ 0x80;
      all.add(hash(other));
    }
    expect(all.size).toBe(3 + key.length);
    expect(hash(key)).toBe(hash(key.slice()));
    expect(hash(Uint8Array.from([0, 0]))).not.toBe(hash(Uint8Array.from([0, 0, 0])));
  });

  it("reads its range only", () => {
    const one = Uint8Array.from([9, 1, 2, 3, 4, 5, 9]);
    const other = Uint8Array.from([1, 2, 3, 4, 5]);
    expect(hashBytes(7, one, 1, 5)).toBe(hashBytes(7, other, 0, 5));
  });

  it("spreads counters, wherever they stand in the key, and text", () => {
    for (const at of [0, 1, 3, 5, 8]) {
      const key = new Uint8Array(10);
      const counting = (n: number): Uint8Array => {
        key[at] = n >>> 8;
        key[at + 1] = n;
        return key;
      };
      // 16 expected; 60 would be eleven standard deviations above.
      expect(fullest(counting)).toBeLessThan(60);
    }
    expect(fullest((n) => Buffer.from(`52:54:00:${n}`))).toBeLessThan(60);
  });
});
