/**
 * Relays in turn, round after round: evpnd, FreeRADIUS as a proxy, radsecproxy and a bare forwarder, each fresh
 * and on one core, access points and home server on another. What else happens on the machine hits all of
 * them alike; medians and ratios are what to look at.
 */
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { loadLine, machineLine } from "../compare/child.js";
import { median } from "../fleet/statistics.js";
import { formatNumber, formatTable } from "../report.js";
import {
  CASES,
  judge,
  limitText,
  quickened,
  type Case,
  type Limit,
  type Verdict,
} from "./cases.js";
import type { Plan, RunFigures } from "./load.js";
import {
  CLIENT_SECRET,
  HOST,
  RELAY_NAMES,
  relayInstalled,
  startRelay,
  type RelayName,
  type RunningRelay,
} from "./targets.js";

export interface RadiusOptions {
  readonly rounds: number;
  readonly only?: readonly string[];
  readonly targets: readonly string[];
  readonly evpnd?: string;
  readonly quick?: boolean;
  readonly json?: boolean;
}

const PATIENCE_SECONDS = 10;

/** True when every answer was right and, in a full run, every limit was kept. */
export async function compareRadius(options: RadiusOptions): Promise<boolean> {
  const targets = RELAY_NAMES.filter((name) => options.targets.includes(name));
  const unknown = options.targets.filter((name) => !RELAY_NAMES.some((known) => known === name));
  if (unknown.length > 0)
    throw new Error(`no target ${unknown.join(", ")}: it is one of ${RELAY_NAMES.join(", ")}`);
  const absent = targets.filter((name) => !relayInstalled(name));
  if (absent.length > 0)
    throw new Error(
      `not installed: ${absent.join(", ")} (Debian: apt-get install ${absent.join(" ")})`,
    );
  const { only } = options;
  const chosen = CASES.filter(
    ({ run }) => only === undefined || only.some((prefix) => run.name.startsWith(prefix)),
  );
  if (chosen.length === 0)
    throw new Error(`no such case; there are ${CASES.map(({ run }) => run.name).join(", ")}`);
  const cases = options.quick === true ? chosen.map(quickened) : chosen;
  const rounds = options.quick === true ? 1 : options.rounds;

  if (options.json !== true) console.log(machineLine());
  const samples = new Map<string, number[]>();
  const problems: string[] = [];
  for (let round = 1; round <= rounds; round++) {
    // Whoever goes first finds other caches: they take turns at that.
    for (const name of round % 2 === 1 ? targets : targets.toReversed()) {
      process.stderr.write(`round ${round}/${rounds} ${name}, ${loadLine()}\n`);
      try {
        for (const figures of await runOne(name, cases, options)) {
          if (options.json === true) console.log(JSON.stringify({ by: name, round, ...figures }));
          if (figures.wrong > 0)
            problems.push(
              `${figures.run}, ${name}, round ${round}: ${figures.wrong} wrong answers`,
            );
          for (const [figure, value] of Object.entries(figures)) {
            if (typeof value !== "number") continue;
            const key = `${figures.run}/${name}/${figure}`;
            samples.set(key, [...(samples.get(key) ?? []), value]);
          }
        }
      } catch (error) {
        problems.push(
          `${name}, round ${round}: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }
  return conclude(cases, targets, samples, problems, rounds, options);
}

async function runOne(
  name: RelayName,
  cases: readonly Case[],
  options: RadiusOptions,
): Promise<readonly RunFigures[]> {
  const relay = await startRelay(name, { evpndMain: options.evpnd, core: "0" });
  try {
    return await load(
      relay,
      cases.map(({ run }) => run),
      String(cpus().length > 1 ? 1 : 0),
    );
  } finally {
    await relay.stop();
  }
}

/** The generator against a relay, to its end. @param core undefined = wherever there is room */
export async function load(
  relay: RunningRelay,
  runs: Plan["runs"],
  core: string | undefined,
): Promise<readonly RunFigures[]> {
  const generator = startLoad(relay, runs, core);
  await generator.ended;
  return generator.figures;
}

export interface Generator {
  /** One for each run that has ended. */
  readonly figures: readonly RunFigures[];
  /** Rejects when it ended by itself and badly. */
  readonly ended: Promise<void>;
  stop(): void;
}

export function startLoad(
  relay: RunningRelay,
  runs: Plan["runs"],
  core: string | undefined,
): Generator {
  const plan: Plan = {
    address: HOST,
    authenticationPort: relay.ports.authentication,
    accountingPort: relay.ports.accounting,
    homePorts: relay.ports.home,
    clientSecret: CLIENT_SECRET,
    homeSecret: relay.homeSecret,
    pid: relay.pid,
    runs,
    patience: PATIENCE_SECONDS,
  };
  const program = join(import.meta.dirname, "load.js");
  const words = [process.execPath, program, "--plan", JSON.stringify(plan)];
  if (core !== undefined) words.unshift("taskset", "-c", core);
  const child = spawn(words[0] ?? "", words.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const figures: RunFigures[] = [];
  let errors = "";
  createInterface(child.stdout).on("line", (line) => figures.push(JSON.parse(line) as RunFigures));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      process.off("exit", kill);
      if (code === 0 || signal !== null) resolve();
      else reject(new Error(`the generator ended with ${code}: ${errors.trim()}`));
    });
  });
  return { figures, ended, stop: kill };
}

interface Row {
  readonly title: string;
  readonly medians: Readonly<Record<string, number>>;
  readonly ratio: number;
  readonly floor: number;
  readonly limit: string;
  readonly verdict: Verdict;
}

function rowOf(
  { run, title }: Case,
  limit: Limit,
  targets: readonly RelayName[],
  samples: ReadonlyMap<string, readonly number[]>,
): Row {
  const of = (name: string) => median(samples.get(`${run.name}/${name}/${limit.figure}`) ?? []);
  const medians = Object.fromEntries(targets.map((name) => [name, of(name)]));
  const [ours, theirs] = [of("evpnd"), of("freeradius")];
  return {
    title: `${title}: ${limit.title}`,
    medians,
    ratio: ours / theirs,
    floor: ours / of("forwarder"),
    limit: limitText(limit),
    verdict: judge(limit, ours, theirs),
  };
}

function conclude(
  cases: readonly Case[],
  targets: readonly RelayName[],
  samples: ReadonlyMap<string, readonly number[]>,
  problems: readonly string[],
  rounds: number,
  options: RadiusOptions,
): boolean {
  const rows = cases.flatMap((each) =>
    each.limits.map((limit) => rowOf(each, limit, targets, samples)),
  );
  const kept = rows.every(({ verdict }) => verdict !== "NOT KEPT");
  if (options.json === true) console.log(JSON.stringify({ rows, problems, kept }));
  else {
    const head = ["", ...targets, "by FreeRADIUS", "limit", "", "by forwarder"];
    const body = rows.map((row) => [
      row.title,
      ...targets.map((name) => formatNumber(row.medians[name] ?? NaN)),
      formatNumber(row.ratio),
      row.limit,
      row.verdict,
      formatNumber(row.floor),
    ]);
    console.log(
      `Medians of ${rounds} round(s); relay on one core, access points and home server on another:`,
    );
    console.log(formatTable([head, ...body]));
    console.log(`at the end ${loadLine()}`);
    for (const problem of problems) console.log(`FAILED ${problem}`);
  }
  return problems.length === 0 && (options.quick === true || kept);
}
