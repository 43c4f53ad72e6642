/**
 * The benches of the paper's tables, run once in small: real traffic through a real gateway, a real Sec-EM
 * and agent. What they measure is judged only in a full run; that they measure it is shown here.
 */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { DIST } from "../lib/evpnd.js";
import { describeInterop } from "../lib/suite.js";

interface Row {
  readonly ids: string;
  readonly what: string;
  readonly paper: string;
  readonly ours: string;
  readonly verdict: string;
  readonly note?: string;
}

interface Report {
  readonly machine: string;
  readonly tables: readonly { readonly title: string; readonly rows: readonly Row[] }[];
}

async function tables(...parts: string[]): Promise<Report> {
  const program = join(DIST, "perf", "churn.js");
  const words = [program, "asmn", "--quick", "--json", "--directory", tmpdir(), "--only", ...parts];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "pipe"] });
  let [said, complained] = ["", ""];
  child.stdout.on("data", (octets: Buffer) => (said += octets.toString()));
  child.stderr.on("data", (octets: Buffer) => (complained += octets.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  if (said === "") throw new Error(complained);
  return JSON.parse(said) as Report;
}

describeInterop("the paper's tables, quickly", ["traffic", "nftables"], () => {
  let report: Report;
  const rows = (id: string): Row[] =>
    report.tables.flatMap((table) => table.rows).filter(({ ids }) => ids.split(", ").includes(id));
  const number = (text = ""): number => Number(/[+-]?[\d.]+/.exec(text)?.[0]);

  beforeAll(async () => {
    report = await tables("round-trip", "cpu", "flood", "gating");
  });

  test("ASM-49: says on what machine, and nothing was left out", () => {
    expect(report.machine).toMatch(/Node\.js v\d+.* GiB of memory$/);
    const all = report.tables.flatMap((table) => table.rows);
    expect(all.filter(({ verdict }) => verdict !== "shown")).toEqual([]);
  });

  test("ASM-44, ASM-45: ICMP, TCP and UDP at 64 and 4,096 octets, beside less than 5 µs", () => {
    const what = rows("ASM-44").map((row) => row.what);
    expect(what).toEqual(
      ["ICMP", "TCP", "UDP"].flatMap((name) => [`${name}, 64 octets`, `${name}, 4096 octets`]),
    );
    for (const row of rows("ASM-45")) expect(Number.isFinite(number(row.ours))).toBe(true);
    expect(rows("ASM-45")[0]?.paper).toBe("< 5 µs");
  });

  test("ASM-46: the processor's load with and without the rules, beside less than 1 %", () => {
    expect(rows("ASM-46").map((row) => row.what.split(",")[0])).toEqual(["ICMP", "TCP", "UDP"]);
    for (const row of rows("ASM-46")) {
      expect(row.paper).toBe("< 1 %");
      expect(Number.isFinite(number(row.ours))).toBe(true);
    }
  });

  test("ASM-47, ASM-48: a SYN flood, and what a catalog with 10 Mbit/s leaves of it", () => {
    const [before, after] = [
      rows("ASM-47")[0],
      rows("ASM-48").find((row) => row.what === "rate after"),
    ];
    expect(before?.paper).toBe("280 Mbit/s");
    expect(after?.paper).toBe("9.76 Mbit/s");
    expect(number(after?.ours)).toBeGreaterThan(0);
    expect(number(after?.ours)).toBeLessThan(number(before?.ours));
  });

  test("ASM-03, ASM-71: a revoked PE's routes leave the others, a restored one's come back", () => {
    expect(rows("ASM-03")[0]?.ours).toBe("0");
    for (const row of rows("ASM-71")) expect(number(row.ours)).toBeGreaterThanOrEqual(0);
    expect(rows("ASM-71").length).toBeGreaterThanOrEqual(4);
  });
});

describe("without what a part needs", () => {
  test("ASM-49: a part that does not exist is an error that names those that do", async () => {
    await expect(tables("hashes")).rejects.toThrow(/no part hashes; there are hashing, /);
  });
});
