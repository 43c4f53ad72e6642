import { expect, test } from "vitest";
import { SlicedWork } from "../../src/util/sliced-work.js";

function job(name: string, slices: number, done: string[]): { step(): boolean } {
  let left = slices;
  return {
    step() {
      done.push(name);
      return --left === 0;
    },
  };
}

test("jobs take turns, a slice each, until they are done", () => {
  const work = new SlicedWork();
  const done: string[] = [];
  work.add(job("a", 3, done));
  work.add(job("b", 1, done));
  expect(work.isEmpty).toBe(false);
  let turns = 0;
  while (work.run()) turns++;
  expect(done).toEqual(["a", "b", "a", "a"]);
  expect(turns).toBe(3);
  expect(work.isEmpty).toBe(true);
});

test("nothing to do is nothing left", () => {
  expect(new SlicedWork().run()).toBe(false);
});
