import { expect, test } from "vitest";
import { LogRate } from "../../src/util/log-rate.js";
import { FakeClock } from "../model/lib/fake.js";

test("one in an interval for each subject; the next says how many were left out", () => {
  const clock = new FakeClock();
  const rate = new LogRate(clock, 1000);
  expect(rate.pass("a")).toBe(0);
  expect(rate.pass("a")).toBeUndefined();
  expect(rate.pass("b")).toBe(0);
  expect(rate.pass("a")).toBeUndefined();
  clock.advance(1000);
  expect(rate.pass("a")).toBe(2);
  clock.advance(5000);
  expect(rate.pass("a")).toBe(0);
  expect(LogRate.fields(0)).toEqual({});
  expect(LogRate.fields(3)).toEqual({ suppressed: 3 });
});

test("any number of subjects is remembered in bounded memory: the oldest is forgotten", () => {
  const rate = new LogRate(new FakeClock(), 1000);
  for (let n = 0; n < 10_000; n++) expect(rate.pass(`peer ${n}`)).toBe(0);
  expect(rate.pass("peer 9999")).toBeUndefined();
  expect(rate.pass("peer 0")).toBe(0);
});
