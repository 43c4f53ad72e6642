import { expect, test } from "vitest";
import { interleaved } from "../../../perf/fleet/mover.js";

test("every index once, neighbours from different PEs", () => {
  for (const [size, streams] of [
    [100, 8],
    [100, 100],
    [7, 8],
    [50_000, 52],
  ] as const) {
    const order = interleaved(size, streams);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, k) => k));
  }
  expect([...interleaved(10, 3)]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 3, 7]);
});
