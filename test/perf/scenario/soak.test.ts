import { expect, test } from "vitest";
import { judgeMemory } from "../../../perf/scenario/soak.js";

test("memory: the last third within 5 % of the middle one, whatever the first was", () => {
  const flat = [...Array<number>(10).fill(50), ...Array<number>(20).fill(100)];
  expect(judgeMemory(flat, {})).toEqual([]);
  const figures = {};
  const rising = Array.from({ length: 30 }, (_, second) => 100 + second);
  expect(judgeMemory(rising, figures)).toHaveLength(1);
  expect(figures).toMatchObject({ rssMegabytesMiddleThird: 114.5, rssMegabytesLastThird: 124.5 });
  expect(judgeMemory([], {})).toEqual([]);
});
