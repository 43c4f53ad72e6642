import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SharedTables, TORN } from "../../src/util/shared-tables.js";
import { bundleThread, type Bundle } from "../lib/thread.js";
import { CHECK, fill, readOne, WIDTH, type Report } from "./lib/storm.js";

describe("tables read by another instance", () => {
  it("sees what was there and what came, and lets go of what went", () => {
    const writer = new SharedTables();
    const table = writer.table("rows", WIDTH);
    const numbers = writer.numbers("few", 2);
    const reader = new SharedTables(writer.handles);
    const rows = reader.table("rows", WIDTH);
    expect(reader.attempt(() => rows.count)).toBe(0);

    writer.begin();
    const ids: number[] = [];
    for (let key = 1; key <= 50_000; key++) ids.push(fill(table, key));
    numbers[1] = 7;
    expect(reader.attempt(() => rows.count)).toBe(TORN);
    writer.end();
    expect(reader.attempt(() => rows.count)).toBe(50_000);
    for (const key of [1, 2, 777, 50_000]) {
      expect(reader.attempt(() => readOne(rows, key))).toBe("whole");
    }
    expect(reader.attempt(() => reader.numbers("few", 2)[1])).toBe(7);

    writer.begin();
    for (const id of ids.slice(1)) table.release(id);
    writer.end();
    expect(reader.attempt(() => [rows.count, readOne(rows, 1), readOne(rows, 2)])).toEqual([
      1,
      "whole",
      "none",
    ]);
  });

  it("has pools and strings as well", () => {
    const writer = new SharedTables();
    const pool = writer.pool("pool", 2);
    const arena = writer.arena("text");
    const reader = new SharedTables(writer.handles);
    const [otherPool, otherArena] = [reader.pool("pool", 2), reader.arena("text")];
    writer.begin();
    let at = 0;
    for (let n = 0; n < 20_000; n++) at = arena.allocate(100);
    arena.bytes[at * 8] = 42;
    const id = pool.take();
    pool.words[id * 2] = at;
    writer.end();
    const read = () => otherArena.bytes[otherPool.words[id * 2]! * 8];
    expect(reader.attempt(read)).toBe(42);
  });

  it("counts the outermost of changes inside each other", () => {
    const writer = new SharedTables();
    const reader = new SharedTables(writer.handles);
    writer.begin();
    writer.begin();
    writer.end();
    expect(reader.attempt(() => 1)).toBe(TORN);
    writer.end();
    expect(reader.attempt(() => 1)).toBe(1);
  });

  it("throws what was the truth, and calls torn what the writer disturbed", () => {
    const writer = new SharedTables();
    const reader = new SharedTables(writer.handles);
    const fail = () => {
      throw new RangeError("no");
    };
    expect(() => reader.attempt(fail)).toThrow("no");
    const disturbed = () => {
      writer.begin();
      writer.end();
      return fail();
    };
    expect(reader.attempt(disturbed)).toBe(TORN);
  });

  it("walks no list for ever, and none out of the memory", () => {
    const writer = new SharedTables();
    const table = writer.table("rows", WIDTH);
    const a = fill(table, 1);
    const b = fill(table, 2);
    const reader = new SharedTables(writer.handles);
    const rows = reader.table("rows", WIDTH);
    const walk = () => {
      let at = a;
      while (at !== 0) at = rows.next(at);
      return at;
    };
    table.words[a * WIDTH + 1] = b;
    table.words[b * WIDTH + 1] = a;
    expect(reader.attempt(walk)).toBe(TORN);
    table.words[b * WIDTH + 1] = 0x7fffffff;
    expect(reader.attempt(walk)).toBe(0);
  });

  it("refuses a name twice, and one that is not there", () => {
    const writer = new SharedTables();
    writer.pool("a", 2);
    expect(() => writer.pool("a", 2)).toThrow("two of what is shared are called a");
    const reader = new SharedTables(writer.handles);
    expect(() => reader.pool("b", 2)).toThrow("nothing shared is called b");
  });
});

/** Each row says in several words what its key is; a writer makes and drops rows as fast as it can. */
describe("two threads reading while one writes", () => {
  const KEYS = 30_000;
  let bundle: Bundle;
  beforeAll(async () => {
    bundle = await bundleThread("test/util/lib/storm-thread.ts");
  });
  afterAll(() => bundle.remove());

  it("answer whole rows only, while the table grows, shrinks and changes", async () => {
    const writer = new SharedTables();
    const table = writer.table("rows", WIDTH);
    const stop = new Int32Array(new SharedArrayBuffer(8));
    const workerData = { handles: writer.handles, stop, keys: KEYS };
    const workers = [1, 2].map(() => new Worker(bundle.entry, { workerData }));
    const reports = workers.map(
      (worker) =>
        new Promise<Report>((resolve, reject) => {
          worker.on("message", resolve);
          worker.on("error", reject);
        }),
    );
    while (Atomics.load(stop, 1) < workers.length) await new Promise((turn) => setImmediate(turn));
    const ids = new Map<number, number>();
    let seed = 1;
    for (let round = 0; round < 4000; round++) {
      writer.begin();
      const changed = new Set<number>();
      // Grows for a thousand rounds, then shrinks for a thousand.
      const grows = Math.floor(round / 1000) % 2 === 0;
      for (let n = 0; n < 100; n++) {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        const key = 1 + ((seed >>> 8) % KEYS);
        const id = ids.get(key);
        if (id === undefined && grows) {
          ids.set(key, fill(table, key));
        } else if (id !== undefined && !grows) {
          table.release(id);
          ids.delete(key);
        } else if (id !== undefined) {
          changed.add(id);
        }
      }
      // Another generation of all of them, a word of each at a time: half-changed for as long as can be.
      for (let at = CHECK; at < WIDTH; at++) {
        for (const id of changed) table.words[id * WIDTH + at]! ^= round;
      }
      writer.end();
      if (round % 8 === 0) await new Promise((turn) => setImmediate(turn));
    }
    Atomics.store(stop, 0, 1);
    const [one, two] = await Promise.all(reports);
    await Promise.all(workers.map((worker) => worker.terminate()));
    for (const report of [one!, two!]) {
      expect(report.wrong).toEqual([]);
      expect(report.whole).toBeGreaterThan(0);
      expect(report.torn).toBeGreaterThan(0);
    }
  });
});
