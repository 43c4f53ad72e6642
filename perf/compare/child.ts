/** One run of a scenario in a process of its own, for everything that compares runs. */
import { spawn } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import type { Parameters } from "../scenario/lab.js";
import type { RunRecord } from "../scenario/run.js";
import type { TargetName } from "./targets.js";

export interface ChildRun {
  readonly scenario: string;
  /** Started fresh by the child, and stopped. */
  readonly target: TargetName;
  readonly parameters: Partial<Parameters>;
  readonly evpndMain?: string | undefined;
  readonly evpndConfig?: string | undefined;
  readonly fib?: boolean | undefined;
}

/** Its record; a run that gave none becomes one with a problem. */
export async function runInChild(run: ChildRun): Promise<RunRecord> {
  const args = [
    join(import.meta.dirname, "..", "churn.js"),
    run.scenario,
    ...["--target", run.target, "--json", "--quiet"],
    ...(run.evpndMain === undefined ? [] : ["--evpnd", run.evpndMain]),
    ...(run.evpndConfig === undefined ? [] : ["--evpnd-config", run.evpndConfig]),
    ...(run.fib === true ? ["--fib"] : []),
    ...optionsOf(run.parameters),
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const stop = (): void => void child.kill("SIGTERM");
  process.once("exit", stop);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  process.off("exit", stop);
  try {
    return JSON.parse(output) as RunRecord;
  } catch {
    return {
      scenario: run.scenario,
      passed: false,
      problems: [`the run gave no result (exit code ${child.exitCode})`],
      figures: {},
      parameters: run.parameters,
      target: run.target,
    };
  }
}

/** `{lossRoutes: 5}` -> `--loss-routes 5`. */
function optionsOf(parameters: Partial<Parameters>): string[] {
  return Object.entries(parameters).flatMap(([key, value]) => {
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (typeof value === "boolean") return value ? [flag] : [];
    return [flag, String(value)];
  });
}

export function loadLine(): string {
  return `load ${loadavg()
    .map((load) => load.toFixed(2))
    .join(" ")}`;
}

export function machineLine(): string {
  const model = cpus()[0]?.model ?? "?";
  return `${cpus().length} × ${model}, Node.js ${process.version}, at the start ${loadLine()}`;
}
