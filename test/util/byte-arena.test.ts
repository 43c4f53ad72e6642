/** Byte strings beside a map of them, over all sizes; rooms that were freed are used again. */
import { describe, expect, it } from "vitest";
import { ByteArena } from "../../src/util/byte-arena.js";
import { Random } from "../model/lib/random.js";

function fill(arena: ByteArena, reference: number, length: number, mark: number): void {
  arena.bytes.fill(mark, reference * 8, reference * 8 + length);
}

function isFilled(arena: ByteArena, reference: number, length: number, mark: number): boolean {
  const run = arena.bytes.subarray(reference * 8, reference * 8 + length);
  return run.length === length && run.every((octet) => octet === mark);
}

describe("the arena", () => {
  it("gives room that nobody else has, whatever is taken and given back", () => {
    const random = new Random(1);
    const arena = new ByteArena();
    const live: { reference: number; length: number; mark: number }[] = [];
    for (let step = 0; step < 20_000; step++) {
      if (live.length > 0 && random.oneIn(2)) {
        const at = random.below(live.length);
        const { reference, length, mark } = live[at]!;
        if (!isFilled(arena, reference, length, mark)) throw new Error(`step ${step}: overwritten`);
        arena.free(reference, length);
        live[at] = live[live.length - 1]!;
        live.pop();
      } else {
        const length = 1 + random.below(random.pick([8, 60, 600, 5000, 65_536]));
        const reference = arena.allocate(length);
        if (reference <= 0) throw new Error("0 is no reference");
        const mark = random.below(256);
        fill(arena, reference, length, mark);
        live.push({ reference, length, mark });
      }
    }
    for (const one of live) {
      expect(isFilled(arena, one.reference, one.length, one.mark)).toBe(true);
      arena.free(one.reference, one.length);
    }
    expect(arena.usedBytes).toBe(0);
  });

  it("uses what was freed before it grows, class by class", () => {
    const arena = new ByteArena();
    for (const length of [1, 8, 9, 504, 505, 512, 513, 1024, 1025, 65_535, 65_536]) {
      const first = arena.allocate(length);
      arena.free(first, length);
      expect(arena.allocate(length)).toBe(first);
      const second = arena.allocate(length);
      expect(second).not.toBe(first);
      expect((second - first) * 8).toBeGreaterThanOrEqual(length);
      expect((second - first) * 8).toBeLessThan(2 * length + 8);
    }
  });

  it("has room for twice the largest message: what a 2-octet speaker's path may grow to", () => {
    const arena = new ByteArena();
    const length = 2 * 65_535;
    const first = arena.allocate(length);
    const second = arena.allocate(length);
    expect((second - first) * 8).toBeGreaterThanOrEqual(length);
    arena.free(second, length);
    expect(arena.allocate(length)).toBe(second);
    expect(() => arena.allocate(131_073)).toThrow(RangeError);
  });

  it("tells which lengths share a class", () => {
    expect(ByteArena.sameClass(1, 8)).toBe(true);
    expect(ByteArena.sameClass(8, 9)).toBe(false);
    expect(ByteArena.sameClass(505, 512)).toBe(true);
    expect(ByteArena.sameClass(512, 513)).toBe(false);
    expect(ByteArena.sameClass(513, 1024)).toBe(true);
    expect(ByteArena.sameClass(1024, 1025)).toBe(false);
  });
});
