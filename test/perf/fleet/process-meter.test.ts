import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { cpuSeconds, processTree, residentBytes } from "../../../perf/fleet/process-meter.js";

/** The clock of /proc ticks a hundred times a second, separately for user and system time. */
const TICK_ERROR = 0.04;

/** Says how many seconds of CPU it has used, each time it is asked. */
const TELLER = `process.stdin.on("data", () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(String((user + system) / 1e6));
});`;

describe.runIf(process.platform === "linux")("/proc", () => {
  test("CPU seconds are those the process itself knows of", async () => {
    // Another process: threads of this one that have ended are left out.
    const child = spawn(process.execPath, ["-e", TELLER], { stdio: ["pipe", "pipe", "inherit"] });
    const told = async (): Promise<number> => {
      child.stdin.write("?");
      const [octets] = (await once(child.stdout, "data")) as [Buffer];
      return Number(octets.toString());
    };
    const before = await told();
    const seen = cpuSeconds(child.pid ?? 0);
    const after = await told();
    child.kill();
    expect(before).toBeGreaterThan(0);
    expect(seen).toBeGreaterThan(before - TICK_ERROR);
    expect(seen).toBeLessThan(after + TICK_ERROR);
  });

  test("memory, and children that live", async () => {
    const child = spawn("sleep", ["60"]);
    await once(child, "spawn");
    expect(processTree(process.pid)).toContain(child.pid);
    expect(residentBytes(child.pid ?? 0)).toBeGreaterThan(0);
    expect(residentBytes(process.pid)).toBeGreaterThan(20e6);
    child.kill();
    await once(child, "exit");
    expect(residentBytes(child.pid ?? 0)).toBe(0);
    expect(cpuSeconds(child.pid ?? 0)).toBe(0);
  });
});
