/** A fabric check as its callers have it: chosen rules, slices, progress, batches, bounds. */
import { beforeEach, describe, expect, it } from "vitest";
import { LINT_RULES, LocalLint, type Finding, type LintBatch } from "../../../src/fib/index.js";
import { addMacs, smallFib, type SmallFib } from "../../lib/fib.js";
import { macIp } from "../lib/route.js";

let small: SmallFib;
let lint: LocalLint;
beforeEach(() => {
  small = smallFib();
  lint = new LocalLint(() => small.fabric.fib, small.fabric.clock);
});

/** Lets time pass until the check is over. */
async function all(id: string, most = 1000): Promise<{ findings: Finding[]; last: LintBatch }> {
  const findings: Finding[] = [];
  for (;;) {
    small.fabric.clock.pass(10);
    const batch = await lint.next(id, most, 0);
    findings.push(...batch.findings);
    if (batch.summary !== undefined) return { findings, last: batch };
  }
}

describe("a check", () => {
  it("goes over everything, and sums up", async () => {
    const { findings, last } = await all(await lint.start({}));
    expect(new Set(findings.map(({ rule }) => rule))).toContain("missing-pmsi");
    expect(last.summary?.rules).toHaveLength(LINT_RULES.length);
    expect(last.summary?.looked).toBeGreaterThan(10);
  });

  it("of chosen rules", async () => {
    const { findings, last } = await all(await lint.start({ rules: ["missing-pmsi"] }));
    expect(findings.every(({ rule }) => rule === "missing-pmsi")).toBe(true);
    expect(last.summary?.rules).toEqual([{ rule: "missing-pmsi", findings: 2, more: 0 }]);
    await expect(lint.start({ rules: ["nonsense"] })).rejects.toThrow(
      /no rule "nonsense"; there are mac-without-inclusive/,
    );
  });

  it("gives findings in batches", async () => {
    for (let n = 0; n < 30; n++) {
      small.fabric.announce(0, macIp({ rd: "10.0.0.1:100", mac: `02:00:00:00:01:${10 + n}` }), {
        nextHop: "10.0.0.1",
        targets: [`65000:${1000 + n}`],
      });
    }
    small.fabric.read();
    const id = await lint.start({ rules: ["mac-without-inclusive"] });
    small.fabric.clock.pass(10);
    const first = await lint.next(id, 10, 0);
    expect(first.findings).toHaveLength(10);
    expect(first.summary).toBeUndefined();
    const { findings } = await all(id, 10);
    expect(findings.length).toBeGreaterThanOrEqual(20);
    await expect(lint.next(id, 10, 0)).rejects.toMatchObject({ code: "not-found" });
  });

  it("takes some milliseconds at a time, and says how far it is", async () => {
    addMacs(small, 3000);
    const { clock } = small.fabric;
    // Every look at the clock costs a millisecond.
    let spent = 0;
    const slow = {
      ...clock,
      wall: () => 0,
      now: () => clock.time + spent++,
      setTimer: clock.setTimer.bind(clock),
    };
    lint = new LocalLint(() => small.fabric.fib, slow);
    const id = await lint.start({});
    const seen: number[] = [];
    for (;;) {
      const before = spent;
      clock.pass(4);
      expect(spent - before).toBeLessThan(12);
      const { progress, summary } = await lint.next(id, 1000, 0);
      seen.push(progress);
      if (summary !== undefined) break;
    }
    expect(seen.length).toBeGreaterThan(10);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it("that nobody pulls is stopped; so many run at once and no more", async () => {
    const ids = [];
    for (let n = 0; n < 4; n++) ids.push(await lint.start({}));
    await expect(lint.start({})).rejects.toMatchObject({ code: "busy" });
    small.fabric.clock.pass(100_000);
    await lint.start({});
    await expect(lint.next(ids[0]!, 1, 0)).rejects.toMatchObject({ code: "not-found" });
  });

  it("waits for the end, and no longer than asked", async () => {
    const before = small.fabric.clock.pending;
    const id = await lint.start({});
    const waiting = lint.next(id, 1000, 5000);
    small.fabric.clock.pass(100);
    expect((await waiting).summary).toBeDefined();
    const stopped = await lint.start({});
    const late = lint.next(stopped, 1000, 5000);
    await lint.stop(stopped);
    expect((await late).findings).toEqual([]);
    small.fabric.clock.pass(100);
    expect(small.fabric.clock.pending).toBe(before);
  });
});

it("without a FIB says how to turn it on", async () => {
  lint = new LocalLint(() => undefined, small.fabric.clock);
  await expect(lint.start({})).rejects.toMatchObject({ code: "off" });
});
