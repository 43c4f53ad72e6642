/** The index beside a map, while it grows bucket by bucket, with hashes that collide in all ways. */
import { describe, expect, it } from "vitest";
import { RecordTable } from "../../src/util/record-table.js";
import { Random } from "../model/lib/random.js";

const WIDTH = 4;
const KEY = 2;

function find(table: RecordTable, hash: number, key: number): number {
  const { words } = table;
  for (let id = table.head(hash); id !== 0; id = words[id * WIDTH + 1]!) {
    if (words[id * WIDTH] === hash && words[id * WIDTH + KEY] === key) return id;
  }
  return 0;
}

const HASHES: Readonly<Record<string, (key: number) => number>> = {
  "of all bits": (key) => Math.imul(key, 0x9e3779b1) | 0,
  "with the sign bit alone apart": (key) => ((key >>> 1) & 0xfff) | (key << 31),
  "that are one": () => 12_345,
  "whose low bits are one": (key) => key << 14,
};

describe.each([1, 2])("the table, with %i buckets for each record", (bucketsEach) => {
  for (const [name, hashOf] of Object.entries(HASHES)) {
    it(`finds what is in it and nothing else, with hashes ${name}`, () => {
      const random = new Random(2);
      const table = new RecordTable(WIDTH, undefined, bucketsEach);
      const model = new Map<number, number>();
      const keys = name === "that are one" ? 300 : 6000;
      for (let step = 0; step < 30_000; step++) {
        const key = random.below(keys);
        const hash = hashOf(key);
        const id = model.get(key) ?? 0;
        if (find(table, hash, key) !== id) throw new Error(`step ${step}: key ${key}`);
        if (id === 0) {
          const fresh = table.allocate(hash);
          table.words[fresh * WIDTH + KEY] = key;
          model.set(key, fresh);
        } else if (random.oneIn(3)) {
          table.release(id);
          model.delete(key);
        }
      }
      expect(table.count).toBe(model.size);
      for (const [key, id] of model) expect(find(table, hashOf(key), key)).toBe(id);
    });
  }

  it("has short chains at any size", () => {
    const table = new RecordTable(WIDTH, undefined, bucketsEach);
    for (let key = 1; key <= 20_000; key++) {
      const hash = Math.imul(key, 0x9e3779b1) | 0;
      table.words[table.allocate(hash) * WIDTH + KEY] = key;
      if (key % 1777 !== 0) continue;
      let longest = 0;
      for (let probe = 1; probe <= key; probe++) {
        let length = 0;
        let id = table.head(Math.imul(probe, 0x9e3779b1) | 0);
        for (; id !== 0; id = table.words[id * WIDTH + 1]!) length++;
        longest = Math.max(longest, length);
      }
      expect(longest).toBeLessThan(12);
    }
  });
});
