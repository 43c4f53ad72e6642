/** Messages in slabs: who gets which slices, what is joined, what is never written again. */
import { beforeEach, describe, expect, it } from "vitest";
import { Batch } from "../../../src/bgp/adj-rib-out/batch.js";
import { Segments } from "../../../src/bgp/adj-rib-out/segments.js";
import { Random } from "../../model/lib/random.js";

let batch: Batch;
let segments: Segments;

beforeEach(() => {
  batch = new Batch();
  batch.clear(2);
  segments = new Segments(batch);
});

function mask(low: number, high = 0): number {
  const at = batch.takeMask();
  batch.masks[at] = low;
  batch.masks[at + 1] = high;
  return at;
}

function write(length: number, fill: number, receivers: number, room = 4096): void {
  const { bytes, at } = segments.room(room);
  bytes.fill(fill, at, at + length);
  segments.finish(at, at + length, receivers);
}

function collect(slot: number): { slices: Uint8Array[]; messages: number; octets: number[] } {
  const slices: Uint8Array[] = [];
  const messages = segments.collect(slot, slices);
  return { slices, messages, octets: slices.flatMap((slice) => [...slice]) };
}

describe("segments", () => {
  it("that touch and have the same receivers are one slice of common memory", () => {
    write(10, 1, mask(3));
    write(20, 2, mask(3));
    const a = collect(0);
    const b = collect(1);
    expect([a.messages, a.slices.length, a.slices[0]?.length]).toEqual([2, 1, 30]);
    expect(b.slices[0]?.buffer).toBe(a.slices[0]?.buffer);
    expect(collect(2)).toEqual({ slices: [], messages: 0, octets: [] });
  });

  it("that touch are one slice for who gets both, whoever else gets one", () => {
    write(1, 1, mask(1));
    write(1, 2, mask(3));
    write(1, 3, mask(2, 1));
    write(1, 4, mask(3));
    expect(collect(0).octets).toEqual([1, 2, 4]);
    expect(collect(0).slices.map((slice) => slice.length)).toEqual([2, 1]);
    expect(collect(1).slices.map((slice) => slice.length)).toEqual([3]);
    expect(collect(32).octets).toEqual([3]);
  });

  it("go on in the same slab after `clear`, behind what was given away", () => {
    write(100, 7, mask(1));
    const [given] = collect(0).slices;
    segments.clear();
    expect(segments.isEmpty).toBe(true);
    write(100, 8, mask(1));
    const after = collect(0);
    expect(after.messages).toBe(1);
    expect(after.slices[0]?.buffer).toBe(given?.buffer);
    expect(given?.every((octet) => octet === 7)).toBe(true);
    expect(after.octets.every((octet) => octet === 8)).toBe(true);
  });

  it("are whole, in order and complete over many slabs and receivers", () => {
    const random = new Random(1);
    const expected: number[][] = Array.from({ length: 40 }, () => []);
    for (let n = 0; n < 600; n++) {
      const low = random.next() | 0;
      const high = random.below(256);
      const length = 1 + random.below(random.oneIn(20) ? 65_535 : 3000);
      write(length, n & 255, mask(low, high), length > 4096 ? 65_535 : 4096);
      for (let slot = 0; slot < 40; slot++) {
        const bits = slot < 32 ? low >>> slot : high >>> (slot - 32);
        if ((bits & 1) === 1) expected[slot]!.push(n & 255, length);
      }
    }
    for (let slot = 0; slot < 40; slot++) {
      const { slices, messages } = collect(slot);
      const all = Buffer.concat(slices);
      expect(messages).toBe(expected[slot]!.length / 2);
      let at = 0;
      for (let i = 0; i < expected[slot]!.length; i += 2) {
        const [fill, length] = [expected[slot]![i]!, expected[slot]![i + 1]!];
        if (all[at] !== fill || all[at + length - 1] !== fill) throw new Error(`slot ${slot}`);
        at += length;
      }
      expect(at).toBe(all.length);
    }
  });
});
