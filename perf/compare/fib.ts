/**
 * What the MAC FIB and its API cost and give: reflected moves while the API is asked, beside the same without;
 * lookups by HTTP and gRPC, beside an empty answer of the same server; memory, lookups in process and mass
 * withdraw by `bench-fib`. Reflection with the FIB on and off is `versus --fib`.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { median } from "../fleet/statistics.js";
import { formatNumber, formatTable } from "../report.js";
import type { Parameters } from "../scenario/lab.js";
import { loadLine, machineLine, runInChild } from "./child.js";
import { quickened } from "./cases.js";

export interface FibOptions {
  readonly rounds: number;
  readonly evpnd?: string;
  readonly quick?: boolean;
  readonly json?: boolean;
}

interface Run {
  readonly name: string;
  readonly scenario: string;
  readonly parameters: Partial<Parameters>;
}

const STEADY = { peers: 24, routes: 50_000, rate: 5000, seconds: 5 };
const MILLION = { peers: 4, senders: 2, routes: 1_000_000, rate: 5000, seconds: 15 };

const RUNS: readonly Run[] = [
  { name: "alone", scenario: "served", parameters: STEADY },
  { name: "asked", scenario: "served", parameters: { ...STEADY, lookups: 10_000 } },
  { name: "dumped", scenario: "served", parameters: { ...MILLION, dumps: true } },
  { name: "api", scenario: "api", parameters: { peers: 2, routes: 50_000, seconds: 2, times: 9 } },
];

interface Row {
  readonly title: string;
  readonly value: number;
  readonly limit: string;
  readonly kept: boolean | undefined;
}

export async function compareFib(options: FibOptions): Promise<boolean> {
  const rounds = options.quick === true ? 1 : options.rounds;
  const samples = new Map<string, number[]>();
  const problems: string[] = [];
  if (options.json !== true) console.log(machineLine());
  for (let round = 1; round <= rounds; round++) {
    for (const run of round % 2 === 1 ? RUNS : RUNS.toReversed()) {
      process.stderr.write(`round ${round}/${rounds} ${run.name}, ${loadLine()}\n`);
      const record = await runInChild({
        scenario: run.scenario,
        target: "evpnd",
        parameters: options.quick === true ? quickened(run.parameters) : run.parameters,
        evpndMain: options.evpnd,
        fib: true,
      });
      if (options.json === true) console.log(JSON.stringify({ case: run.name, round, ...record }));
      for (const [figure, value] of Object.entries(record.figures)) {
        const key = `${run.name}/${figure}`;
        samples.set(key, [...(samples.get(key) ?? []), value]);
      }
      for (const problem of record.problems)
        problems.push(`${run.name}, round ${round}: ${problem}`);
    }
  }
  const rows = [...apiRows((key) => median(samples.get(key) ?? [])), ...benchRows(options)];
  const kept = rows.every((row) => row.kept !== false);
  if (options.json === true) console.log(JSON.stringify({ rows, problems, kept }));
  else {
    console.log(`Medians of ${rounds} round(s):`);
    console.log(
      formatTable([
        ["", "", "limit", ""],
        ...rows.map(({ title, value, limit, kept: ok }) => [
          title,
          formatNumber(value),
          limit,
          ok === undefined ? "" : ok ? "pass" : "FAIL",
        ]),
      ]),
    );
    console.log(`at the end ${loadLine()}`);
    for (const problem of problems) console.log(`FAILED ${problem}`);
  }
  return problems.length === 0 && (options.quick === true || kept);
}

function row(title: string, value: number, limit = "", kept?: boolean): Row {
  return { title, value, limit, kept };
}

function apiRows(of: (key: string) => number): Row[] {
  const ratio = of("asked/p99Milliseconds") / of("alone/p99Milliseconds");
  const most = of("dumped/maxMilliseconds");
  const [http, grpc] = [of("api/http_share"), of("api/grpc_share")];
  return [
    row("5,000 moves/s: p99 ms", of("alone/p99Milliseconds")),
    row("the same while 10,000 lookups/s are served: p99 ms", of("asked/p99Milliseconds")),
    row(
      "  served a second",
      of("asked/lookupsPerSecond"),
      "≥ 9000",
      of("asked/lookupsPerSecond") >= 9000,
    ),
    row("  p99 by p99", ratio, "≤ 2.5", ratio <= 2.5),
    row("5,000 moves/s under dumps of a million: most ms", most, "≤ 50", most <= 50),
    row("  rows of a dump", of("dumped/rowsOfLastDump")),
    row("HTTP lookups/s (16 connections, pipelining 1)", of("api/http_lookupsPerSecond")),
    row("  by empty answers/s", http, "≥ 0.7", http >= 0.7),
    row("the same with pipelining 8", of("api/http_pipelined_lookupsPerSecond")),
    row("  by empty answers/s", of("api/http_pipelined_share")),
    row("gRPC lookups/s (4 connections, 128 calls)", of("api/grpc_lookupsPerSecond")),
    row("  by empty answers/s", grpc, "≥ 0.7", grpc >= 0.7),
  ];
}

/** What `bench-fib` prints as JSON lines. */
interface BenchLine {
  readonly name: string;
  readonly nanoseconds?: readonly number[];
  readonly octetsPerMac?: number;
}

const BENCH: readonly (readonly [string, number])[] = [
  ["MAC alone", 120],
  ["MAC with one IP, one route", 200],
];
const SECOND = 1e9;

function benchRows(options: FibOptions): Row[] {
  const bench = join(import.meta.dirname, "..", "bench-fib.js");
  const macs = options.quick === true ? 50_000 : 1_000_000;
  const { stdout } = spawnSync(process.execPath, [bench, "--json", "--macs", String(macs)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as BenchLine);
  const of = (name: string): BenchLine | undefined => lines.find((line) => line.name === name);
  const rows = BENCH.map(([name, most]) => {
    const octets = of(name)?.octetsPerMac ?? NaN;
    return row(`${name}: octets resident beyond the table`, octets, `≤ ${most}`, octets <= most);
  });
  const nanoseconds = (name: string): number => median(of(name)?.nanoseconds ?? []);
  const lookups = SECOND / nanoseconds("lookup, random MAC");
  rows.push(row("lookups/s in process", lookups, "≥ 2000000", lookups >= 2e6));
  const mass = nanoseconds("mass withdraw of 100,000 MACs, whole") / 1e6;
  rows.push(row("mass withdraw of 100,000 MACs: ms", mass, "< 200", mass < 200));
  return rows;
}
