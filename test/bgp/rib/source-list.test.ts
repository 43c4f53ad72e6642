/** Marks, sweeps and walks against a slow, obvious model. */
import { describe, expect, test } from "vitest";
import { SourceList } from "../../../src/bgp/rib/source-list.js";
import { Sources, SourceKind } from "../../../src/bgp/rib/sources.js";
import { PATH } from "../../../src/bgp/rib/table-words.js";
import { RecordPool } from "../../../src/util/record-pool.js";
import { Random } from "../../model/lib/random.js";

const ROW = 2;

class Model {
  readonly pool = new RecordPool(PATH);
  readonly sources = new Sources();
  readonly list = new SourceList(this.pool, this.sources);
  /** The mark that was newest when the path was announced last. */
  readonly announced = new Map<number, number>();
  marks = 0;

  constructor() {
    this.sources.take(SourceKind.Client, 1, "10.0.0.1", "40a000001", 65000);
  }

  add(): void {
    const path = this.pool.take();
    this.list.add(path, ROW);
    this.announced.set(path, this.marks);
  }

  renew(path: number): void {
    this.list.renew(path, ROW);
    this.announced.set(path, this.marks);
  }

  remove(path: number): void {
    this.list.remove(path, ROW);
    this.pool.give(path);
    this.announced.delete(path);
  }

  mark(): number {
    this.marks++;
    expect(this.list.mark(ROW)).toBe(this.marks);
    return this.marks;
  }

  check(): void {
    let stale = 0;
    for (const [path, mark] of this.announced) {
      expect(this.list.isStale(path, ROW)).toBe(mark < this.marks);
      if (mark < this.marks) stale++;
    }
    expect(this.sources.staleCount(0, ROW)).toBe(stale);
    expect(this.sources.count(0, ROW)).toBe(this.announced.size);
    const walk = this.list.walk(ROW);
    const seen: number[] = [];
    for (let path = this.list.step(walk); path !== 0; path = this.list.step(walk)) seen.push(path);
    this.list.endWalk(walk);
    expect(seen.sort()).toEqual([...this.announced.keys()].sort());
  }

  sweep(mark: number, most = Infinity): void {
    for (let removed = 0; removed < most; removed++) {
      const path = this.list.oldestBefore(ROW, mark);
      if (path === 0) return;
      expect(this.announced.get(path)).toBeLessThan(mark);
      this.remove(path);
    }
  }
}

test("a path stays fresh until a mark, and is fresh again when announced", () => {
  const model = new Model();
  model.add();
  model.check();
  model.mark();
  model.check();
  model.renew([...model.announced.keys()][0]!);
  model.check();
  expect(model.list.oldestBefore(ROW, model.marks)).toBe(0);
});

test("a sweep takes what is older than its mark, though marks were made since", () => {
  const model = new Model();
  for (let i = 0; i < 6; i++) model.add();
  const paths = [...model.announced.keys()];
  const first = model.mark();
  for (const path of paths.slice(0, 4)) model.renew(path);
  const second = model.mark();
  for (const path of paths.slice(0, 2)) model.renew(path);
  model.sweep(first, 1);
  expect(model.announced.size).toBe(5);
  model.sweep(first);
  expect([...model.announced.keys()]).toEqual(paths.slice(0, 4));
  model.sweep(second);
  expect([...model.announced.keys()]).toEqual(paths.slice(0, 2));
});

test("more marks than an octet counts", () => {
  const model = new Model();
  for (let i = 0; i < 4; i++) model.add();
  const [old, middle, young] = [...model.announced.keys()] as [number, number, number, number];
  let before = 0;
  for (let mark = 1; mark <= 600; mark++) {
    if (mark % 250 === 0) model.renew(middle);
    model.renew(young);
    before = model.mark();
    expect(model.list.isStale(old, ROW)).toBe(true);
    expect(model.sources.staleCount(0, ROW)).toBe(4);
  }
  // Announced after the mark before the last one: older sweeps leave it alone.
  model.sweep(before - 1);
  expect([...model.announced.keys()]).toEqual([young]);
  model.sweep(before);
  expect(model.announced.size).toBe(0);
});

test("whoever has the slot next is not swept by a mark of its predecessor", () => {
  const model = new Model();
  model.add();
  const mark = model.mark();
  model.sweep(mark);
  model.sources.give(0);
  model.sources.take(SourceKind.Client, 2, "10.0.0.2", "40a000002", 65000);
  const path = model.pool.take();
  model.list.add(path, ROW);
  expect(model.list.oldestBefore(ROW, mark)).toBe(0);
});

describe("a walk", () => {
  test("meets every path that stays, whatever goes or moves meanwhile", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const model = new Model();
      for (let i = 0; i < 30; i++) model.add();
      const begun = new Set(model.announced.keys());
      const walk = model.list.walk(ROW);
      const met = new Set<number>();
      const gone = new Set<number>();
      model.mark();
      for (let turn = 0; turn < 200; turn++) {
        const paths = [...model.announced.keys()];
        const path = paths[random.below(paths.length)];
        const what = random.below(4);
        if (what === 0 && path !== undefined) {
          model.remove(path);
          gone.add(path);
        } else if (what === 1 && path !== undefined) {
          model.renew(path);
          gone.add(path);
        } else if (what === 2) model.mark();
        else {
          const next = model.list.step(walk);
          if (next === 0) break;
          expect(model.announced.has(next)).toBe(true);
          met.add(next);
        }
      }
      for (let path = model.list.step(walk); path !== 0; path = model.list.step(walk)) {
        met.add(path);
      }
      model.list.endWalk(walk);
      for (const path of begun) if (!gone.has(path)) expect(met).toContain(path);
    }
  });
});

test("random marks, announcements, withdrawals and sweeps", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = new Random(seed);
    const model = new Model();
    const sweeps: number[] = [];
    for (let turn = 0; turn < 600; turn++) {
      const paths = [...model.announced.keys()];
      const path = paths[random.below(Math.max(1, paths.length))];
      switch (random.below(8)) {
        case 0:
        case 1:
        case 2:
          if (paths.length < 40) model.add();
          break;
        case 3:
        case 4:
          if (path !== undefined) model.renew(path);
          break;
        case 5:
          if (path !== undefined) model.remove(path);
          break;
        case 6:
          sweeps.push(model.mark());
          break;
        default: {
          const mark = sweeps.splice(random.below(sweeps.length + 1), 1)[0];
          // A sweep so old that its mark has no number any more takes what it can tell apart.
          if (mark !== undefined && model.marks - mark < 200)
            model.sweep(mark, random.below(5) + 1);
        }
      }
      if (turn % 10 === 0) model.check();
    }
  }
});
