import { expect, test } from "vitest";
import { CASES, judge, limitText, quickened } from "../../../perf/radius/cases.js";
import {
  evpndConfiguration,
  freeradiusConfiguration,
  radsecproxyConfiguration,
} from "../../../perf/radius/targets.js";

test("a limit is a ratio to FreeRADIUS, or the figure itself", () => {
  const limit = { figure: "perSecond", title: "" } as const;
  expect(judge({ ...limit, atLeast: 1 }, 10, 9)).toBe("kept");
  expect(judge({ ...limit, atLeast: 1 }, 9, 10)).toBe("NOT KEPT");
  expect(judge({ ...limit, atMost: 0.75 }, 7, 10)).toBe("kept");
  expect(judge({ ...limit, atMost: 0.75 }, 8, 10)).toBe("NOT KEPT");
  expect(judge({ ...limit, exactly: 0 }, 0, 800)).toBe("kept");
  expect(judge({ ...limit, exactly: 0 }, 1, 800)).toBe("NOT KEPT");
  expect(judge(limit, 1, 2)).toBe("");
  expect(judge({ ...limit, atLeast: 1 }, 1, NaN)).toBe("");
});

test("every limit is told in words, and a quick run has whole requests", () => {
  for (const { limits } of CASES)
    for (const limit of limits)
      if (limit.figure !== "rssMegabytes") expect(limitText(limit)).not.toBe("");
  for (const { run } of CASES.map(quickened)) expect(Number.isInteger(run.requests)).toBe(true);
});

test("every relay has another secret on each hop, and the same ports", () => {
  const ports = { authentication: 1001, accounting: 1002, home: [1003, 1004] } as const;
  for (const text of [freeradiusConfiguration(ports, "/d"), radsecproxyConfiguration(ports)]) {
    for (const word of ["1001", "1002", "1003", "1004", "from-the-", "towards-the-"])
      expect(text).toContain(word);
  }
  expect(evpndConfiguration(ports, "as: 65000")).toContain("authentication-port: 1003");
});
