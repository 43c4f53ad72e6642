/** Data in pieces: the same again, in its order, and others have their turns meanwhile. */
import { deserialize } from "node:v8";
import { expect, test } from "vitest";
import { sameSettings } from "../../src/util/applier.js";
import { fromPieces, toPieces } from "../../src/util/pieces.js";
import { Random } from "../model/lib/random.js";

function some(random: Random, depth: number): unknown {
  const kind = random.below(depth > 0 ? 8 : 4);
  if (kind === 0) return undefined;
  if (kind === 1) return null;
  if (kind === 2) return random.below(1000) - 500;
  if (kind === 3) return `text ${random.below(1000)}`;
  const list = Array.from({ length: random.below(kind === 4 ? 30 : 5) }, () =>
    some(random, depth - 1),
  );
  if (kind < 6) return list;
  return Object.fromEntries(list.map((value) => [`k${random.below(100)}`, value]));
}

test.each([1, 2, 3, 7, 50, 100_000])("whatever it is, in pieces of %i values", async (most) => {
  const random = new Random(most);
  for (let n = 0; n < 60; n++) {
    const data = some(random, 6);
    const again = await fromPieces<unknown>(toPieces(data, most));
    expect(again).toStrictEqual(data);
    // Members in their order count.
    expect(JSON.stringify(again)).toBe(JSON.stringify(data));
    expect(sameSettings({ data }, { data: again })).toBe(true);
  }
});

test("no piece is large, and each value is finished once all of it is there", async () => {
  const rows = Array.from({ length: 500 }, (_, n) => ({ n, list: [n, n + 1], more: { a: "x" } }));
  const data = { rows, nested: { rows, also: { rows } } };
  const pieces = toPieces(data, 100);
  expect(pieces.length).toBeGreaterThan(25);
  for (const piece of pieces) {
    const { entries } = deserialize(piece) as { entries: unknown[] };
    expect(entries.length).toBeLessThanOrEqual(100);
    expect(piece.length).toBeLessThan(4000);
  }
  const frozen = await fromPieces<typeof data>(pieces, freeze);
  expect(frozen).toStrictEqual(data);
  for (const one of [frozen, frozen.rows, frozen.rows[499], frozen.rows[3]?.list, frozen.nested]) {
    expect(Object.isFrozen(one)).toBe(true);
  }
  // What is large and stands in three places is sent once.
  expect(frozen.nested.rows).toBe(frozen.rows);
});

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
}

test("a key that would be a prototype is a key", async () => {
  const data = JSON.parse('{"__proto__": {"polluted": [1, 2, 3]}, "b": 1}') as object;
  const again = await fromPieces<object>(toPieces(data, 2));
  expect(Object.keys(again)).toEqual(["__proto__", "b"]);
  expect(JSON.stringify(again)).toBe(JSON.stringify(data));
  expect(Object.getPrototypeOf(again)).toBe(Object.prototype);
});

test("octets and maps go as they are", async () => {
  const data = { octets: Uint8Array.of(1, 2, 3), map: new Map([[1, { a: 1 }]]) };
  const again = await fromPieces<typeof data>(toPieces(data, 1));
  expect([...again.octets]).toEqual([1, 2, 3]);
  expect(again.map).toEqual(data.map);
});

test("while much is put together, others have their turns", async () => {
  const data = Array.from({ length: 60_000 }, (_, n) => ({ n, name: `row ${n}`, list: [n] }));
  let turns = 0;
  let done = false;
  const count = (): void => {
    turns++;
    if (!done) setImmediate(count);
  };
  setImmediate(count);
  const again = await fromPieces<typeof data>(toPieces(data));
  done = true;
  expect(again).toHaveLength(60_000);
  expect(turns).toBeGreaterThan(5);
});
