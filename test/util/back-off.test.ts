import { expect, test } from "vitest";
import { BackOff } from "../../src/util/back-off.js";

test("waits double up to the limit, and begin anew after a success", () => {
  const backOff = new BackOff({ firstMs: 500, mostMs: 3000 });
  expect([1, 2, 3, 4, 5].map(() => backOff.next())).toEqual([500, 1000, 2000, 3000, 3000]);
  backOff.reset();
  expect(backOff.next()).toBe(500);
});

test("a spread is to both sides of the wait", () => {
  const settings = { firstMs: 1000, mostMs: 3000, spread: 0.1 };
  expect(new BackOff(settings, () => 0).next()).toBe(900);
  expect(new BackOff(settings, () => 0.5).next()).toBe(1000);
  expect(new BackOff(settings, () => 0.999_999).next()).toBeCloseTo(1100, 1);
});
