import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { cpuSeconds, processTree, residentBytes } from "../../../perf/fleet/process-meter.js";

/** The clock of /proc ticks a hundred times a second, separately for user and system time. */
const TICK_ERROR = 0.04;

describe.runIf(process.platform === "linux")("/proc", () => {
  test("CPU seconds are those the process itself knows of", () => {
    const before = process.cpuUsage();
    const seen = cpuSeconds(process.pid);
    const after = process.cpuUsage();
    expect(seen).toBeGreaterThan((before.user + before.system) / 1e6 - TICK_ERROR);
    expect(seen).toBeLessThan((after.user + after.system) / 1e6 + TICK_ERROR + 60);
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
