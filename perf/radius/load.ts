/**
 * The generator, in a process of its own: access points and an instant home server on one core, by turns.
 * `node dist/perf/radius/load.js --plan JSON` does the runs of the plan one after the other against the
 * target between them, and prints one JSON line for each. It spins: give it a core (taskset).
 */
import { parseArgs } from "node:util";
import { loadUdpBatch } from "../../src/util/udp-batch.js";
import { cpuSeconds, residentBytes } from "../fleet/process-meter.js";
import { isMain } from "../fleet/is-main.js";
import { AccessPoints } from "./access-points.js";
import { Home } from "./home.js";
import { Hop } from "./packets.js";
import { CIRCLE, Traffic, type Kind } from "./traffic.js";

export interface Run {
  readonly name: string;
  readonly kind: Kind;
  readonly window: number;
  /** Before the clock starts, and while it runs. */
  readonly warmUp: number;
  readonly requests: number;
  /** A second; 0 = a full window all the time. */
  readonly rate: number;
  readonly repeats: boolean;
}

export interface Plan {
  readonly address: string;
  readonly authenticationPort: number;
  readonly accountingPort: number;
  readonly homePorts: readonly number[];
  readonly clientSecret: string;
  readonly homeSecret: string;
  /** Whose CPU is read; 0 = nobody's. */
  readonly pid: number;
  readonly runs: readonly Run[];
  /** Seconds to wait for the first answer. */
  readonly patience: number;
}

export interface RunFigures {
  readonly run: string;
  readonly requests: number;
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
  readonly lost: number;
  readonly repeated: number;
  readonly wrong: number;
  readonly rssMegabytes: number;
  readonly wallSeconds: number;
}

/** Requests built ahead for a slot: repeated in a circle, long after every cache has forgotten them. */
const TURNS_MAX = 4000;
const MEMORY_REQUESTS = 150_000;
/** Turns with nothing to do before it naps. */
const SPINS = 2000;
const NAP_MILLISECONDS = 0.2;
const napping = new Int32Array(new SharedArrayBuffer(4));

export function runPlan(plan: Plan, report: (figures: RunFigures) => void): void {
  const batch = loadUdpBatch();
  if (batch === undefined)
    throw new Error("the RADIUS load needs Linux and the optional package koffi: run npm install");
  const home = new Home(batch, new Hop(plan.homeSecret), plan.address, plan.homePorts);
  const hop = new Hop(plan.clientSecret);
  try {
    for (const run of plan.runs) {
      const port = run.kind === "accounting" ? plan.accountingPort : plan.authenticationPort;
      const all = run.warmUp + run.requests;
      // Whole conversations and whole rounds of identifiers, so that a circle closes where it began.
      const wanted = Math.min(TURNS_MAX, MEMORY_REQUESTS / run.window, all / run.window + 8);
      const turns = CIRCLE * Math.ceil(wanted / CIRCLE);
      const traffic = new Traffic(run.kind, run.window, turns, hop);
      const target = { address: plan.address, port };
      const points = new AccessPoints(batch, target, traffic, hop, run);
      phase(points, home, { ...run, requests: Math.max(1, run.warmUp) }, plan.patience);
      const cpu = plan.pid === 0 ? 0 : cpuSeconds(plan.pid);
      const wall = phase(points, home, run, plan.patience);
      const spent = plan.pid === 0 ? NaN : cpuSeconds(plan.pid) - cpu;
      report({
        run: run.name,
        requests: run.requests,
        perSecond: points.answered / wall,
        cpuMicros: (spent * 1e6) / run.requests,
        p50Milliseconds: points.latency.quantileMillis(0.5),
        p99Milliseconds: points.latency.quantileMillis(0.99),
        lost: points.lost,
        repeated: points.repeated,
        wrong: points.wrong,
        rssMegabytes: plan.pid === 0 ? NaN : residentBytes(plan.pid) / 2 ** 20,
        wallSeconds: wall,
      });
      points.close();
    }
  } finally {
    home.close();
  }
}

/** @returns seconds */
function phase(points: AccessPoints, home: Home, run: Run, patience: number): number {
  const spins = run.rate === 0 ? SPINS : 0;
  const start = performance.now();
  points.begin(run.requests, start);
  let idle = 0;
  let progressAt = start;
  while (!points.done) {
    const now = performance.now();
    const answered = home.turn();
    if (points.turn(now) || answered > 0) {
      idle = 0;
      progressAt = now;
    } else if (++idle > spins) {
      if (now - progressAt > patience * 1000)
        throw new Error(`nothing comes from the target for ${patience} s`);
      Atomics.wait(napping, 0, 0, NAP_MILLISECONDS);
    }
  }
  return (performance.now() - start) / 1000;
}

if (isMain(import.meta.url)) {
  const { values } = parseArgs({ options: { plan: { type: "string" } } });
  if (values.plan === undefined) throw new Error("--plan is needed: what to run, as JSON");
  runPlan(JSON.parse(values.plan) as Plan, (figures) => console.log(JSON.stringify(figures)));
}
