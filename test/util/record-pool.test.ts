/** Records are zero when taken, nobody else's while held, and used again when given back. */
import { describe, expect, it } from "vitest";
import { RecordPool } from "../../src/util/record-pool.js";
import { Random } from "../model/lib/random.js";

describe("the pool", () => {
  for (const width of [2, 6, 10, 16]) {
    it(`keeps records of ${width} words apart`, () => {
      const random = new Random(width);
      const pool = new RecordPool(width);
      const live = new Map<number, number>();
      for (let step = 0; step < 20_000; step++) {
        const [oldest] = live.keys();
        if (oldest !== undefined && random.below(3) === 0) {
          const mark = live.get(oldest)!;
          const words = pool.words.subarray(oldest * width, (oldest + 1) * width);
          if (!words.every((word) => word === mark)) throw new Error(`step ${step}: overwritten`);
          pool.give(oldest);
          live.delete(oldest);
        } else {
          const id = pool.take();
          if (id <= 0 || id >= pool.limit || live.has(id)) throw new Error(`bad id ${id}`);
          const words = pool.words.subarray(id * width, (id + 1) * width);
          if (words.some((word) => word !== 0)) throw new Error(`step ${step}: not zero`);
          const mark = step + 1;
          words.fill(mark);
          live.set(id, mark);
        }
      }
      expect(pool.count).toBe(live.size);
      expect(pool.limit).toBeLessThanOrEqual(20_000);
      for (const id of live.keys()) pool.give(id);
      const { limit } = pool;
      for (let n = 0; n < live.size; n++) pool.take();
      expect(pool.limit).toBe(limit);
    });
  }
});
