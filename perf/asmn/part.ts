/**
 * What a part of `npm run perf -- asmn` is: it measures something, and gives rows that put the ASMN paper's
 * figure beside ours. A part that this machine cannot run (no root, a program missing, no room) gives rows
 * with the verdict "not run" and the reason, and never throws for it.
 */

/** "shown" is a figure without a limit; "missed" is printed as such and makes the run exit with 1. */
export type RowVerdict = "met" | "missed" | "shown" | "not run";

export interface PaperRow {
  /** Requirement ids, as "ASM-41" or "ASM-45, ASM-44". */
  readonly ids: string;
  readonly what: string;
  /** The paper's figure with its unit; "–" where it has none. */
  readonly paper: string;
  /** Ours with its unit; "–" when it was not run. */
  readonly ours: string;
  readonly verdict: RowVerdict;
  /** The limit, the scale, or the reason, in a few words. */
  readonly note?: string;
}

export interface PaperTable {
  readonly title: string;
  readonly rows: readonly PaperRow[];
}

export interface PartOptions {
  /** Does everything run? Small sizes and short times; limits are not judged but "shown". */
  readonly quick: boolean;
  /** An empty directory for large files; removed afterwards whatever happens. */
  readonly directory: string;
  /** The built evpnd's main.js, for parts that start one. */
  readonly evpndMain: string;
  /** One line on standard error. */
  progress(line: string): void;
}

export interface Part {
  readonly name: string;
  readonly summary: string;
  run(options: PartOptions): Promise<readonly PaperTable[]>;
}

/** "met" or "missed" by a limit; a quick run only shows. */
export function judged(good: boolean, { quick }: Pick<PartOptions, "quick">): RowVerdict {
  if (quick) return "shown";
  return good ? "met" : "missed";
}

/** A table of rows that could not be had, with the reason. */
export function notRun(
  title: string,
  rows: readonly Pick<PaperRow, "ids" | "what" | "paper">[],
  reason: string,
): PaperTable {
  return {
    title,
    rows: rows.map((row) => ({ ...row, ours: "–", verdict: "not run", note: reason })),
  };
}
