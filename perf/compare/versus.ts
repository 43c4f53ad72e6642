/**
 * Two builds of evpnd in turn, round after round: what a change costs or gains. CPU seconds of the
 * daemon are what to look at, as medians and as the new build's by the old one's; a limit is kept when
 * the CPU of no case grew by more than it says. Memory stands beside them.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { median } from "../fleet/statistics.js";
import { formatNumber, formatTable } from "../report.js";
import type { Parameters } from "../scenario/lab.js";
import type { RunRecord } from "../scenario/run.js";
import { loadLine, machineLine, runInChild } from "./child.js";
import { quickened } from "./cases.js";
import { TEN_RULES } from "./ten-rules.js";

export interface VersusOptions {
  readonly rounds: number;
  /** Directory of the old build, with src/main.js in it; this build unless given. */
  readonly base?: string;
  /** The same of the new one; this build unless given. */
  readonly dir?: string;
  /** Configuration file of the new build's clients; the old build gets none. */
  readonly config?: string;
  /** Ten policy rules per peer in the new build's configuration. */
  readonly rules?: boolean;
  /** The MAC FIB on in the new build. */
  readonly fib?: boolean;
  readonly only?: readonly string[];
  readonly quick?: boolean;
  readonly json?: boolean;
}

interface VersusCase {
  readonly name: string;
  readonly title: string;
  readonly scenario: string;
  readonly parameters: Partial<Parameters>;
}

const CASES: readonly VersusCase[] = [
  {
    name: "convergence-8",
    title: "200k routes, 8 sessions",
    scenario: "convergence",
    parameters: { peers: 8, routes: 200_000 },
  },
  {
    name: "convergence-52",
    title: "200k routes, 52 sessions",
    scenario: "convergence",
    parameters: { peers: 52, routes: 200_000 },
  },
  {
    name: "moves-8",
    title: "moves flat out, 8 sessions",
    scenario: "moves",
    parameters: { peers: 8, routes: 100_000 },
  },
  {
    name: "moves-52",
    title: "moves flat out, 52 sessions",
    scenario: "moves",
    parameters: { peers: 52, routes: 100_000 },
  },
  {
    name: "latency-24",
    title: "5,000 moves/s, 24 sessions",
    scenario: "move-latency",
    parameters: { peers: 24, routes: 50_000, rate: 5000, seconds: 5 },
  },
  {
    name: "late-joiner",
    title: "ten late joiners take 200k each",
    scenario: "late-joiner",
    parameters: { peers: 18, senders: 8, routes: 200_000, times: 10 },
  },
  {
    name: "pe-loss",
    title: "four PEs die, 50k each of 400k",
    scenario: "pe-loss",
    parameters: { peers: 8, routes: 400_000, times: 4 },
  },
];

/** New by old CPU, at most. */
const LIMIT = 1.1;
const LIMIT_WITH_RULES = 1.25;
const LIMIT_WITH_FIB = 1.15;

const SIDES = ["base", "new"] as const;
type Side = (typeof SIDES)[number];

export async function versus(options: VersusOptions): Promise<boolean> {
  const cases = CASES.filter(
    ({ name }) => options.only?.some((one) => name.startsWith(one)) ?? true,
  );
  if (cases.length === 0)
    throw new Error(`no such case; there are ${CASES.map(({ name }) => name).join(", ")}`);
  const directory = mkdtempSync(join(tmpdir(), "evpnd-churn-"));
  const rounds = options.quick === true ? 1 : options.rounds;
  const samples = new Map<string, number[]>();
  const problems: string[] = [];
  if (options.json !== true) console.log(machineLine());
  try {
    const config = configOf(options, directory);
    for (let round = 1; round <= rounds; round++) {
      for (const each of cases) {
        // Whoever goes first finds other caches: the builds take turns at that.
        for (const side of round % 2 === 1 ? SIDES : SIDES.toReversed()) {
          process.stderr.write(`round ${round}/${rounds} ${each.name} ${side}, ${loadLine()}\n`);
          const record = await runSide(each, side, options, config);
          if (options.json === true)
            console.log(JSON.stringify({ case: each.name, by: side, round, ...record }));
          for (const [name, value] of Object.entries(record.figures)) {
            const key = `${each.name}/${side}/${name}`;
            samples.set(key, [...(samples.get(key) ?? []), value]);
          }
          for (const problem of record.problems)
            problems.push(`${each.name}, ${side}, round ${round}: ${problem}`);
        }
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return conclude(cases, samples, problems, rounds, options);
}

function runSide(
  each: VersusCase,
  side: Side,
  options: VersusOptions,
  config: string | undefined,
): Promise<RunRecord> {
  const build = side === "base" ? options.base : options.dir;
  return runInChild({
    scenario: each.scenario,
    target: "evpnd",
    parameters: options.quick === true ? quickened(each.parameters) : each.parameters,
    evpndMain: build === undefined ? undefined : resolve(build, "src/main.js"),
    evpndConfig: side === "new" ? config : undefined,
    fib: side === "new" && options.fib === true,
  });
}

function configOf(options: VersusOptions, directory: string): string | undefined {
  if (options.config !== undefined) return resolve(options.config);
  if (options.rules !== true) return undefined;
  const path = join(directory, "rules.yaml");
  writeFileSync(path, TEN_RULES);
  return path;
}

interface JudgedFigure {
  readonly figure: string;
  readonly title: string;
  /** New by old, at most; undefined: shown only. */
  readonly limit?: number;
}

/**
 * CPU is what a change of the code costs. The FIB is read after sending, when there is time: what it may
 * not do is to make sending late.
 */
function figuresOf({ rules, config, fib }: VersusOptions): readonly JudgedFigure[] {
  const rss = { figure: "rssMegabytes", title: "RSS MB" };
  if (fib === true) {
    return [
      { figure: "wallSeconds", title: "wall s", limit: LIMIT_WITH_FIB },
      { figure: "p50Milliseconds", title: "p50 ms", limit: LIMIT_WITH_FIB },
      { figure: "p99Milliseconds", title: "p99 ms" },
      { figure: "cpuSeconds", title: "CPU s" },
      rss,
    ];
  }
  const limit = rules === true || config !== undefined ? LIMIT_WITH_RULES : LIMIT;
  return [
    { figure: "cpuSeconds", title: "CPU s", limit },
    { figure: "wallSeconds", title: "wall s" },
    rss,
  ];
}

interface VersusRow {
  readonly case: string;
  readonly title: string;
  readonly figure: string;
  readonly base: number;
  readonly new: number;
  readonly ratio: number;
  /** Undefined: shown only. */
  readonly limit: number | undefined;
}

function conclude(
  cases: readonly VersusCase[],
  samples: ReadonlyMap<string, readonly number[]>,
  problems: readonly string[],
  rounds: number,
  options: VersusOptions,
): boolean {
  const figures = figuresOf(options);
  const rows = cases.flatMap((each) =>
    figures.flatMap(({ figure, title, limit }): VersusRow[] => {
      const of = (side: Side): number =>
        median(samples.get(`${each.name}/${side}/${figure}`) ?? []);
      const [base, ours] = [of("base"), of("new")];
      if (!samples.has(`${each.name}/new/${figure}`)) return [];
      const ratio = ours / base;
      return [
        {
          case: each.name,
          title: `${each.title}: ${title}`,
          ...{ figure, base, new: ours, ratio, limit },
        },
      ];
    }),
  );
  const kept = rows.every((row) => row.limit === undefined || row.ratio <= row.limit);
  if (options.json === true) console.log(JSON.stringify({ rows, problems, kept }));
  else {
    const range = (row: VersusRow, side: Side): string => {
      const values = samples.get(`${row.case}/${side}/${row.figure}`) ?? [];
      const middle = formatNumber(row[side]);
      if (values.length < 2) return middle;
      return `${middle} (${formatNumber(Math.min(...values))}..${formatNumber(Math.max(...values))})`;
    };
    const body = rows.map((row) => [
      row.title,
      ...SIDES.map((side) => range(row, side)),
      formatNumber(row.ratio),
      row.limit === undefined ? "" : `≤ ${formatNumber(row.limit)}`,
      row.limit === undefined ? "" : row.ratio <= row.limit ? "pass" : "FAIL",
    ]);
    console.log(`Medians of ${rounds} round(s) (least..most), every receiver's table verified:`);
    console.log(formatTable([["", ...SIDES, "new/base", "limit", ""], ...body]));
    console.log(`at the end ${loadLine()}`);
    for (const problem of problems) console.log(`FAILED ${problem}`);
  }
  return problems.length === 0 && (options.quick === true || kept);
}
