/**
 * evpnd against FRR in one run: round after round, case after case, every target in turn and fresh
 * each time, each run in a generator process of its own. Alternating makes what else happens on the
 * machine hit all of them alike; medians and ratios are what to look at.
 */
import { loadavg } from "node:os";
import { median } from "../fleet/statistics.js";
import { formatNumber, formatTable } from "../report.js";
import type { RunRecord } from "../scenario/run.js";
import { type Case, CASES, judge, type Limit, quickened, type Verdict } from "./cases.js";
import { loadLine, machineLine, runInChild } from "./child.js";
import { describeTarget, TARGET_NAMES, targetInstalled, type TargetName } from "./targets.js";

export interface CompareOptions {
  readonly rounds: number;
  readonly only?: readonly string[];
  readonly quick?: boolean;
  readonly targets: readonly string[];
  readonly evpnd?: string;
  readonly json?: boolean;
}

/** Figures of one case and target over the rounds. */
class Samples {
  private readonly byKey = new Map<string, number[]>();

  add(name: string, target: TargetName, record: RunRecord): void {
    for (const [figure, value] of Object.entries(record.figures)) {
      const key = `${name}/${target}/${figure}`;
      this.byKey.set(key, [...(this.byKey.get(key) ?? []), value]);
    }
  }

  get(name: string, target: TargetName, figure: string): readonly number[] {
    return this.byKey.get(`${name}/${target}/${figure}`) ?? [];
  }
}

export interface Row {
  readonly case: string;
  readonly title: string;
  readonly figure: string;
  readonly medians: Readonly<Record<string, number>>;
  readonly ranges: Readonly<Record<string, readonly [number, number]>>;
  readonly ratio: number;
  readonly limit: string;
  readonly verdict: Verdict;
}

/** True when every run was verified and, in a full run, every limit was kept. */
export async function compare(options: CompareOptions): Promise<boolean> {
  const targets = TARGET_NAMES.filter((name) => options.targets.includes(name));
  const unknown = options.targets.filter((name) => !TARGET_NAMES.some((known) => known === name));
  if (unknown.length > 0)
    throw new Error(`no target ${unknown.join(", ")}: it is one of ${TARGET_NAMES.join(", ")}`);
  const absent = targets.filter((name) => !targetInstalled(name));
  if (absent.length > 0)
    throw new Error(`${absent.join(", ")} is not installed (Debian: apt-get install frr gobgpd)`);
  const only = options.only;
  const cases = CASES.filter(
    ({ name }) => only === undefined || only.some((prefix) => name.startsWith(prefix)),
  );
  if (cases.length === 0)
    throw new Error(`no such case; there are ${CASES.map(({ name }) => name).join(", ")}`);

  if (options.json !== true) introduce(options, targets);
  const samples = new Samples();
  const problems: string[] = [];
  const rounds = options.quick === true ? 1 : options.rounds;
  for (let round = 1; round <= rounds; round++) {
    for (const each of cases) {
      for (const target of targets) {
        if (target === "null" && !each.nullTarget) continue;
        process.stderr.write(`round ${round}/${rounds} ${each.name} ${target}, ${loadLine()}\n`);
        const record = await runOnce(each, target, options);
        if (options.json === true)
          console.log(JSON.stringify({ case: each.name, by: target, round, ...record }));
        samples.add(each.name, target, record);
        for (const problem of record.problems)
          problems.push(`${each.name}, ${target}, round ${round}: ${problem}`);
      }
    }
  }
  const rows = cases.flatMap((each) =>
    each.limits.map((limit) => rowOf(each, limit, targets, samples)),
  );
  if (options.json === true) console.log(JSON.stringify({ rows, problems, load: loadavg() }));
  else conclude(rows, targets, problems, rounds);
  const kept = options.quick === true || rows.every(({ verdict }) => verdict !== "FAIL");
  return problems.length === 0 && kept;
}

function introduce(options: CompareOptions, targets: readonly TargetName[]): void {
  console.log(machineLine());
  for (const name of targets)
    console.log(`\n${name}:\n${describeTarget(name, { evpndMain: options.evpnd }).trimEnd()}`);
  console.log("");
}

function rowOf(each: Case, limit: Limit, targets: readonly TargetName[], samples: Samples): Row {
  const medians: Record<string, number> = {};
  const ranges: Record<string, readonly [number, number]> = {};
  for (const target of targets) {
    const values = samples.get(each.name, target, limit.figure);
    medians[target] = median(values);
    ranges[target] = [Math.min(...values), Math.max(...values)];
  }
  const ours = medians["evpnd"] ?? NaN;
  const theirs = medians["frr"] ?? NaN;
  return {
    case: each.name,
    title: `${each.title}: ${limit.title}`,
    figure: limit.figure,
    medians,
    ranges,
    ratio: ours / theirs,
    limit: limitText(limit),
    verdict: Number.isNaN(ours / theirs) ? "" : judge(limit, ours, theirs),
  };
}

function limitText(limit: Limit): string {
  const parts: string[] = [];
  if (limit.atMost !== undefined) parts.push(`≤ ${formatNumber(limit.atMost)}`);
  if (limit.atLeast !== undefined) parts.push(`≥ ${formatNumber(limit.atLeast)}`);
  if (limit.absolute !== undefined) parts.push(`and ≤ ${limit.absolute} itself`);
  return parts.join(" ");
}

function conclude(
  rows: readonly Row[],
  targets: readonly TargetName[],
  problems: readonly string[],
  rounds: number,
): void {
  const head = ["", ...targets, "evpnd/frr", "limit", ""];
  const cell = (row: Row, target: TargetName): string => {
    const [least, most] = row.ranges[target] ?? [NaN, NaN];
    const value = formatNumber(row.medians[target] ?? NaN);
    return rounds === 1 || value === "–"
      ? value
      : `${value} (${formatNumber(least)}..${formatNumber(most)})`;
  };
  const body = rows.map((row) => [
    row.title,
    ...targets.map((target) => cell(row, target)),
    formatNumber(row.ratio),
    row.limit,
    row.verdict,
  ]);
  console.log(`Medians of ${rounds} round(s) (least..most), every receiver's table verified:`);
  console.log(formatTable([head, ...body]));
  console.log(`at the end ${loadLine()}`);
  for (const problem of problems) console.log(`FAILED ${problem}`);
}

/** One run in a process of its own, which starts and stops the target. */
function runOnce(each: Case, target: TargetName, options: CompareOptions): Promise<RunRecord> {
  return runInChild({
    scenario: each.scenario,
    target,
    parameters: options.quick === true ? quickened(each.parameters) : each.parameters,
    evpndMain: options.evpnd,
  });
}
