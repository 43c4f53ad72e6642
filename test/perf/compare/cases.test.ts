import { describe, expect, test } from "vitest";
import { CASES, judge, quickened } from "../../../perf/compare/cases.js";
import { describeTarget } from "../../../perf/compare/targets.js";
import { SCENARIOS } from "../../../perf/scenario/index.js";

describe("judge", () => {
  const base = { figure: "wallSeconds", title: "wall s" };

  test("at most, at least, and a figure of its own", () => {
    expect(judge({ ...base, atMost: 0.6 }, 0.6, 1)).toBe("pass");
    expect(judge({ ...base, atMost: 0.6 }, 0.61, 1)).toBe("FAIL");
    expect(judge({ ...base, atLeast: 2 }, 200, 100)).toBe("pass");
    expect(judge({ ...base, atLeast: 2 }, 199, 100)).toBe("FAIL");
    expect(judge({ ...base, atMost: 0.35, absolute: 350 }, 340, 1100)).toBe("pass");
    expect(judge({ ...base, atMost: 0.35, absolute: 350 }, 360, 1100)).toBe("FAIL");
    expect(judge(base, 1, 1)).toBe("");
  });

  test("a figure that is not there does not pass", () => {
    expect(judge({ ...base, atMost: 0.6 }, NaN, 1)).toBe("FAIL");
  });
});

test("every case names a scenario that exists, once", () => {
  const names = CASES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { scenario } of CASES) expect(SCENARIOS.map(({ name }) => name)).toContain(scenario);
});

test("a quick run does a tenth of the work", () => {
  expect(quickened({ peers: 8, routes: 200_000, lossRoutes: 50_000, seconds: 5 })).toEqual({
    peers: 8,
    routes: 20_000,
    lossRoutes: 5000,
    seconds: 1,
  });
});

test("the configurations that are printed say the same for both", () => {
  const frr = describeTarget("frr");
  expect(frr).toContain("log stdout warnings");
  expect(frr).toContain("route-reflector-client");
  const evpnd = describeTarget("evpnd");
  expect(evpnd).toContain("--as 65000 --router-id 10.99.0.254");
  expect(evpnd).toContain("--clients 127.0.0.0/8");
});
