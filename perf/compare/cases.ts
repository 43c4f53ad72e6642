/** What `compare` runs, and what evpnd must reach against FRR in each of them. */
import type { Parameters } from "../scenario/lab.js";

export interface Limit {
  /** Name in the run's figures. */
  readonly figure: string;
  readonly title: string;
  /** evpnd's figure divided by FRR's: at most, or at least. */
  readonly atMost?: number;
  readonly atLeast?: number;
  /** The figure itself, whatever FRR does. */
  readonly absolute?: number;
}

export interface Case {
  readonly name: string;
  readonly title: string;
  readonly scenario: string;
  readonly parameters: Partial<Parameters>;
  readonly limits: readonly Limit[];
  /** Whether copying without a table can do it at all. */
  readonly nullTarget: boolean;
}

export const CASES: readonly Case[] = [
  {
    name: "convergence-8",
    title: "200k MAC/IP routes, 8 sessions",
    scenario: "convergence",
    parameters: { peers: 8, routes: 200_000 },
    limits: [
      { figure: "wallSeconds", title: "wall s", atMost: 0.6 },
      { figure: "cpuSeconds", title: "CPU s", atMost: 0.6 },
    ],
    nullTarget: true,
  },
  {
    name: "convergence-52",
    title: "200k MAC/IP routes, 52 sessions",
    scenario: "convergence",
    parameters: { peers: 52, routes: 200_000 },
    limits: [
      { figure: "wallSeconds", title: "wall s", atMost: 0.8 },
      { figure: "cpuSeconds", title: "CPU s", atMost: 0.6 },
    ],
    nullTarget: true,
  },
  {
    name: "moves-8",
    title: "MAC moves flat out, 8 sessions",
    scenario: "moves",
    parameters: { peers: 8, routes: 100_000 },
    limits: [{ figure: "movesPerSecond", title: "moves/s", atLeast: 2 }],
    nullTarget: true,
  },
  {
    name: "moves-52",
    title: "MAC moves flat out, 52 sessions",
    scenario: "moves",
    parameters: { peers: 52, routes: 100_000 },
    limits: [{ figure: "movesPerSecond", title: "moves/s", atLeast: 3 }],
    nullTarget: true,
  },
  {
    name: "latency-24",
    title: "5,000 moves/s, 24 sessions, last PE",
    scenario: "move-latency",
    parameters: { peers: 24, routes: 50_000, rate: 5000, seconds: 5 },
    limits: [
      { figure: "p50Milliseconds", title: "p50 ms" },
      { figure: "p99Milliseconds", title: "p99 ms", atMost: 1 / 8 },
      { figure: "cpuSeconds", title: "CPU s in 5 s", atMost: 2 },
    ],
    nullTarget: true,
  },
  {
    name: "late-joiner",
    title: "late joiner takes 200k routes",
    scenario: "late-joiner",
    parameters: { peers: 9, senders: 8, routes: 200_000 },
    limits: [{ figure: "wallSeconds", title: "wall s", atMost: 1 / 3 }],
    nullTarget: false,
  },
  {
    name: "pe-loss",
    title: "PE with 50k of 200k routes dies, 8 sessions",
    scenario: "pe-loss",
    parameters: { peers: 8, routes: 200_000, lossRoutes: 50_000 },
    limits: [{ figure: "wallSeconds", title: "wall s", atMost: 1 / 3 }],
    nullTarget: false,
  },
  {
    name: "million",
    title: "1 million routes, 4 PEs to 4 others",
    scenario: "million",
    parameters: { peers: 8, senders: 4, routes: 1_000_000 },
    limits: [
      { figure: "wallSeconds", title: "wall s" },
      { figure: "rssBytesPerRoute", title: "RSS octets per route", atMost: 0.35, absolute: 350 },
    ],
    nullTarget: false,
  },
];

/** A tenth of the work: enough to see that everything runs. */
export function quickened(parameters: Partial<Parameters>): Partial<Parameters> {
  const tenth = (value: number | undefined): number | undefined =>
    value === undefined ? undefined : Math.ceil(value / 10);
  const routes = tenth(parameters.routes);
  const lossRoutes = tenth(parameters.lossRoutes);
  return {
    ...parameters,
    ...(routes === undefined ? {} : { routes }),
    ...(lossRoutes === undefined ? {} : { lossRoutes }),
    ...(parameters.seconds === undefined ? {} : { seconds: 1 }),
  };
}

export type Verdict = "pass" | "FAIL" | "";

/** `ours` and `theirs` are medians; NaN where there is none. */
export function judge(limit: Limit, ours: number, theirs: number): Verdict {
  const ratio = ours / theirs;
  const checks: boolean[] = [];
  if (limit.atMost !== undefined) checks.push(ratio <= limit.atMost);
  if (limit.atLeast !== undefined) checks.push(ratio >= limit.atLeast);
  if (limit.absolute !== undefined) checks.push(ours <= limit.absolute);
  if (checks.length === 0) return "";
  return checks.every(Boolean) ? "pass" : "FAIL";
}
