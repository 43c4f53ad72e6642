/** The API under load: while MACs move, and flat out beside an empty answer. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { Mover, pace } from "../fleet/mover.js";
import { median } from "../fleet/statistics.js";
import { type Figures, type Lab, loadTables, measured, type Scenario } from "./lab.js";
import { latencyFigures, MoveRound } from "./moves.js";

interface Load {
  readonly perSecond?: number;
  readonly dumps?: number;
  readonly rows?: number;
  readonly failed: number;
}

/** Requests under way on a connection at a time, where they are pipelined. */
const PIPELINING = 8;

/** Runs `api-load` beside this process. */
async function load(lab: Lab, mode: string, seconds: number, pipelining = 1): Promise<Load> {
  const { apiUrl, grpc, lookups, routes } = lab.parameters;
  if (apiUrl === "") throw new Error("--api-url is needed: where the target's HTTP API is");
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, "..", "api-load.js"),
      mode,
      ...["--url", apiUrl, "--grpc", grpc, "--seconds", String(seconds)],
      ...["--rate", String(mode === "http-lookups" ? lookups : 0), "--macs", String(routes)],
      ...["--pipelining", String(pipelining)],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const stop = (): void => void child.kill();
  process.once("exit", stop);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await new Promise((resolve) => child.once("close", resolve));
  process.off("exit", stop);
  if (output === "") throw new Error(`${mode} gave no result`);
  return JSON.parse(output) as Load;
}

/** Before its own first request a load needs this long to start. */
const LOAD_START_SECONDS = 1;

export const served: Scenario = {
  name: "served",
  summary: "MACs move at a fixed rate while the API answers --lookups a second, or --dumps",
  defaults: { peers: 24, routes: 50_000, rate: 5000, seconds: 5 },
  async run(lab) {
    const { fleet, parameters } = lab;
    await loadTables(lab);
    const { lookups, dumps, seconds } = parameters;
    const span = seconds + 2 * LOAD_START_SECONDS;
    const loads: Promise<Load>[] = [];
    if (lookups > 0) loads.push(load(lab, "http-lookups", span, PIPELINING));
    if (dumps) loads.push(load(lab, "dumps", span));
    await fleet.sleep(LOAD_START_SECONDS);
    const mover = new Mover(fleet, parameters.peers);
    const round = new MoveRound(lab, mover);
    fleet.phase = "moving at a rate";
    const figures = await measured(lab, async () => {
      const start = performance.now();
      await pace(
        parameters.rate,
        seconds,
        (count) => {
          for (let n = 0; n < count; n++) round.next();
          mover.sendTimed(parameters.peers - 1);
        },
        (test) => fleet.until(test),
      );
      return (await fleet.untilComplete()) - start;
    });
    Object.assign(figures, latencyFigures(fleet.board.latency), { moves: mover.moves });
    const problems: string[] = [];
    let ended = false;
    const results = Promise.all(loads).finally(() => (ended = true));
    await fleet.until(() => ended, 60);
    for (const { perSecond, dumps: done, rows, failed } of await results) {
      if (perSecond !== undefined) figures["lookupsPerSecond"] = perSecond;
      if (done !== undefined) Object.assign(figures, { dumps: done, rowsOfLastDump: rows });
      if (failed > 0) problems.push(`${failed} requests failed`);
    }
    await fleet.verify();
    return { figures, problems };
  },
};

export const api: Scenario = {
  name: "api",
  summary: "lookups of MACs flat out by HTTP and by gRPC, each beside an empty answer",
  defaults: { peers: 2, routes: 50_000, seconds: 2, times: 9 },
  async run(lab) {
    await loadTables(lab);
    const figures: Figures = {};
    const problems: string[] = [];
    const doors: Door[] = [
      { door: "http", mode: "http", pipelining: 1 },
      { door: "http_pipelined", mode: "http", pipelining: PIPELINING },
    ];
    if (lab.parameters.grpc !== "") doors.push({ door: "grpc", mode: "grpc", pipelining: 1 });
    for (const door of doors) {
      Object.assign(figures, await beside(lab, door, problems));
    }
    return { figures, problems };
  },
};

interface Door {
  readonly door: string;
  readonly mode: "http" | "grpc";
  readonly pipelining: number;
}

const KINDS = ["empty", "lookups"] as const;

/**
 * Empty answers and lookups in turn, `times` times after one to warm up; the medians. The share is of pairs, whose
 * two sides had the machine within seconds of each other.
 */
async function beside(lab: Lab, { door, mode, pipelining }: Door, problems: string[]) {
  const { fleet, meter, parameters } = lab;
  const perSecond = { empty: [] as number[], lookups: [] as number[] };
  const cpu = { empty: [] as number[], lookups: [] as number[] };
  for (let round = 0; round <= parameters.times; round++) {
    for (const what of KINDS) {
      fleet.phase = `${door}, ${what}`;
      const seconds = round === 0 ? 1 : parameters.seconds;
      const before = meter.read();
      let result: Load | undefined;
      void load(lab, `${mode}-${what}`, seconds, pipelining).then((done) => (result = done));
      await fleet.until(() => result !== undefined, seconds + 30);
      const after = meter.read();
      if (round === 0 || result === undefined) continue;
      const rate = result.perSecond ?? NaN;
      perSecond[what].push(rate);
      if (before && after) cpu[what].push(((after.cpu - before.cpu) * 1e6) / (rate * seconds));
      if (result.failed > 0) problems.push(`${door}, ${what}: ${result.failed} failed`);
    }
  }
  const figures: Figures = {};
  for (const what of KINDS) {
    figures[`${door}_${what}PerSecond`] = median(perSecond[what]);
    if (cpu[what].length > 0) figures[`${door}_${what}CpuMicros`] = median(cpu[what]);
  }
  const shares = perSecond.lookups.map((rate, i) => rate / perSecond.empty[i]!);
  figures[`${door}_share`] = median(shares);
  return figures;
}
