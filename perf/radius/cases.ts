/** What the comparison runs, and what evpnd's relay must reach against FreeRADIUS in each of them. */
import type { Run, RunFigures } from "./load.js";
import { KINDS } from "./traffic.js";

export interface Limit {
  readonly figure: keyof RunFigures;
  readonly title: string;
  /** evpnd's figure divided by FreeRADIUS's. */
  readonly atLeast?: number;
  readonly atMost?: number;
  /** The figure itself. */
  readonly exactly?: number;
  /** What it would like to reach beyond the limit; shown, never judged. */
  readonly aim?: string;
}

export interface Case {
  readonly run: Run;
  readonly title: string;
  readonly limits: readonly Limit[];
}

const WINDOW = 100;
const BURST_WINDOW = 1000;
const REQUESTS = 40_000;
const BURST_REQUESTS = 20_000;

const FULL: readonly Limit[] = [
  { figure: "perSecond", title: "requests/s", atLeast: 1, aim: "≥ 1.5" },
  { figure: "cpuMicros", title: "CPU µs a request", atMost: 0.75, aim: "≤ 0.6" },
  { figure: "p99Milliseconds", title: "p99 ms", atMost: 1 },
  { figure: "rssMegabytes", title: "RSS MB" },
];

export const CASES: readonly Case[] = [
  ...KINDS.map((kind) => ({
    run: {
      name: kind,
      kind,
      window: WINDOW,
      warmUp: REQUESTS / 2,
      requests: REQUESTS,
      rate: 0,
      repeats: true,
    },
    title: `${kind}, window ${WINDOW}`,
    limits: FULL,
  })),
  {
    run: {
      name: "burst",
      kind: "pap",
      window: BURST_WINDOW,
      warmUp: 0,
      requests: BURST_REQUESTS,
      rate: 0,
      repeats: false,
    },
    title: `bursts of ${BURST_WINDOW}, none repeated`,
    limits: [{ figure: "lost", title: `lost of ${BURST_REQUESTS}`, exactly: 0 }],
  },
];

/** A tenth of the work: does everything run? */
export function quickened({ run, ...rest }: Case): Case {
  return { ...rest, run: { ...run, requests: run.requests / 10, warmUp: run.warmUp / 10 } };
}

export type Verdict = "kept" | "NOT KEPT" | "";

export function judge(limit: Limit, ours: number, theirs: number): Verdict {
  if (limit.exactly !== undefined) return ours === limit.exactly ? "kept" : "NOT KEPT";
  if (limit.atLeast === undefined && limit.atMost === undefined) return "";
  const ratio = ours / theirs;
  if (Number.isNaN(ratio)) return "";
  const kept = ratio >= (limit.atLeast ?? 0) && ratio <= (limit.atMost ?? Infinity);
  return kept ? "kept" : "NOT KEPT";
}

export function limitText({ atLeast, atMost, exactly, aim }: Limit): string {
  const parts: string[] = [];
  if (atLeast !== undefined) parts.push(`≥ ${atLeast}`);
  if (atMost !== undefined) parts.push(`≤ ${atMost}`);
  if (exactly !== undefined) parts.push(`= ${exactly}`);
  if (aim !== undefined) parts.push(`(aim ${aim})`);
  return parts.join(" ");
}
