/**
 * The churn tool from end to end against the null target, in this process: every scenario that can
 * do without a table passes, and a target that errs in one UPDATE does not.
 */
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { type Fault, startNullTarget } from "../../perf/null-target.js";
import { SCENARIOS } from "../../perf/scenario/index.js";
import type { Parameters } from "../../perf/scenario/lab.js";
import { runScenario, type RunRecord } from "../../perf/scenario/run.js";

async function run(
  name: string,
  parameters: Partial<Parameters>,
  fault: Fault = "none",
  faultAt = 3,
): Promise<RunRecord> {
  const scenario = SCENARIOS.find((each) => each.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const server = await startNullTarget({ host: "127.0.0.1", port: 0, fault, faultAt });
  try {
    return await runScenario(scenario, parameters, {
      target: {
        host: "127.0.0.1",
        port: (server.address() as AddressInfo).port,
        pid: process.pid,
      },
      sourceBase: 0x7f030001,
      extendedMessage: false,
      // a run that misses a route ends after this time; a good one never waits
      patienceSeconds: fault === "none" ? 60 : 2,
      progress: false,
    });
  } finally {
    await new Promise((resolve) => {
      server.close(resolve);
      server.emit("close");
    });
  }
}

const SMALL: Partial<Parameters> = { peers: 4, routes: 600, vnis: 3, attrSets: 2, macIpShare: 0.5 };

describe("against a target that copies faithfully", () => {
  test.each([
    ["convergence", SMALL],
    ["fanout", { ...SMALL, peers: 6 }],
    ["moves", SMALL],
    ["move-latency", { ...SMALL, rate: 2000, seconds: 0.3 }],
    ["sessions", { ...SMALL, peers: 40, seconds: 0.1 }],
    ["soak", { ...SMALL, rate: 2000, seconds: 0.3 }],
    ["million", { ...SMALL, senders: 2 }],
  ] as const)("%s", async (name, parameters) => {
    const record = await run(name, parameters);
    expect(record.problems).toEqual([]);
    expect(record.passed).toBe(true);
    expect(record.figures["wallSeconds"]).toBeGreaterThan(0);
    expect(record.figures["cpuSeconds"]).toBeGreaterThanOrEqual(0);
  });

  test("latency is that of every move", async () => {
    const { figures } = await run("move-latency", { ...SMALL, rate: 2000, seconds: 0.3 });
    expect(figures["moves"]).toBe(600);
    expect((figures["movesTimed"] ?? 0) + (figures["movesSuperseded"] ?? 0)).toBe(600);
    expect(figures["p50Milliseconds"]).toBeGreaterThan(0);
    expect(figures["maxMilliseconds"]).toBeGreaterThanOrEqual(figures["p99Milliseconds"] ?? NaN);
  });

  test("the sleeper gets everything when it reads again", async () => {
    const record = await run("slow-pe", {
      ...SMALL,
      senders: 3,
      rate: 1000,
      before: 0.5,
      seconds: 0.5,
      freshLife: 0.2,
    });
    // limits of a reflector are not the null target's business; a table that is wrong would be
    expect(record.problems.filter((problem) => !/p99|grew|again/.test(problem))).toEqual([]);
    expect(record.figures["sleeperOctetsRead"]).toBeGreaterThan(0);
  });
});

describe("against a target that errs once", () => {
  test.each([
    ["convergence", "drop", /missing/],
    ["convergence", "next-hop", /altered/],
    ["moves", "drop", /left over|missing|wrong next hop or sequence/],
    ["moves", "sequence", /wrong next hop or sequence/],
  ] as const)("%s, %s", async (name, fault, complaint) => {
    // the first 60 UPDATEs to the last PE are the tables, then come the moves
    const record = await run(name, SMALL, fault, name === "moves" ? 70 : 3);
    expect(record.passed).toBe(false);
    expect(record.problems.join()).toMatch(complaint);
    expect(record.problems.join()).toContain("PE 3 (127.3.0.4)");
  });

  test("a repeated UPDATE is no fault, and is counted", async () => {
    const record = await run("convergence", SMALL, "repeat");
    expect(record.passed).toBe(true);
    expect(record.figures["repeatedNlri"]).toBe(10);
  });
});

test("a target that is not there", async () => {
  const scenario = SCENARIOS.find((each) => each.name === "connect");
  if (scenario === undefined) throw new Error("no scenario connect");
  const record = await runScenario(
    scenario,
    { peers: 2 },
    {
      target: { host: "127.0.0.1", port: 1, pid: undefined },
      sourceBase: undefined,
      extendedMessage: false,
      patienceSeconds: 60,
      progress: false,
    },
  );
  expect(record.passed).toBe(false);
  expect(record.problems.join()).toMatch(/PE \d .* lost: TCP: .*ECONNREFUSED/);
});
