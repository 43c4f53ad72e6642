/** Growing without losing anything, up to the maximum and not beyond. */
import { describe, expect, it } from "vitest";
import { FlatMemory } from "../../src/util/flat-memory.js";

const PAGE = 65536;

describe("flat memory", () => {
  it("keeps its content as it grows, and is zero where it is new", () => {
    const memory = new FlatMemory(100);
    expect(memory.byteLength).toBe(PAGE);
    memory.i32[16_383] = -7;
    memory.ensure(PAGE + 1);
    expect(memory.byteLength).toBeGreaterThan(PAGE);
    expect(memory.u8.length).toBe(memory.i32.length * 4);
    expect([memory.i32[16_383], memory.i32[16_384]]).toEqual([-7, 0]);
    const before = memory.u8;
    memory.ensure(PAGE);
    expect(memory.u8).toBe(before);
    expect(memory.u8[65_532]).toBe(0xf9);
  });

  it("gives all of a maximum that is no multiple of its steps", () => {
    const memory = new FlatMemory(PAGE, 3 * PAGE);
    memory.ensure(2 * PAGE);
    memory.ensure(3 * PAGE);
    expect(memory.byteLength).toBe(3 * PAGE);
    expect(() => memory.ensure(3 * PAGE + 1)).toThrow(RangeError);
    expect(memory.byteLength).toBe(3 * PAGE);
  });
});
