import { describe, expect, test } from "vitest";
import { Ring } from "../../../../src/bgp/feeds/recorder/ring.js";
import { Random } from "../../../model/lib/random.js";

function octets(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_unused, i) => (i * 7 + seed) & 255);
}

describe("the ring", () => {
  test.each([1, 2, 3])("keeps the newest records whole, whatever their sizes (seed %i)", (seed) => {
    const random = new Random(seed);
    const ring = new Ring(16384, () => true);
    const all: { time: number; tag: number; bytes: Uint8Array }[] = [];
    for (let i = 0; i < 1200; i++) {
      const bytes = octets(random.oneIn(20) ? random.below(20_000) : random.below(300), i);
      const kept = ring.push(i, i * 3, bytes, 0, bytes.length);
      expect(kept).toBe(bytes.length <= 16384 - 16);
      if (kept) all.push({ time: i, tag: i * 3, bytes });
      if (i % 200 !== 0) continue;
      const read = [...ring.read()];
      expect(read).toEqual(all.slice(all.length - read.length));
      expect(read).toHaveLength(ring.records);
      expect(ring.oldest).toBe(read[0]?.time);
      expect(ring.usedBytes).toBeLessThanOrEqual(ring.capacity);
    }
    expect(ring.capacity).toBe(16384);
    expect(ring.lost).toBeGreaterThan(0);
  });

  test("takes no more memory than it is granted", () => {
    let granted = 0;
    const ring = new Ring(1 << 20, (octets) => granted + octets <= 8192 && (granted += octets) > 0);
    for (let i = 0; i < 200; i++) ring.push(i, 0, octets(100, i), 0, 100);
    expect(ring.capacity).toBe(8192);
    expect(granted).toBe(8192);
    expect([...ring.read()].at(-1)?.time).toBe(199);
  });

  test("forgets what is older than it is told", () => {
    const ring = new Ring(4096, () => true);
    for (let i = 0; i < 10; i++) ring.push(i, 0, octets(10, i), 0, 10);
    ring.dropBefore(7);
    expect([...ring.read()].map(({ time }) => time)).toEqual([7, 8, 9]);
    ring.dropBefore(100);
    expect([...ring.read()]).toEqual([]);
    expect(ring.oldest).toBeUndefined();
  });
});
