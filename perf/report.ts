/** Figures for people. */
import type { RunRecord } from "./scenario/run.js";

/** Left column as wide as its widest entry; numbers to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return value.toFixed(size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 2 : 3);
}

/** `p99MillisecondsBefore` -> `p99 milliseconds before`. */
export function figureTitle(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

export function formatRun(record: RunRecord): string {
  const { peers, routes, vnis, nlri, attrSets } = record.parameters;
  const head = `${record.scenario} against ${record.target}: ${peers} PEs, ${routes} routes, ${vnis} VNIs, ${nlri} NLRI per UPDATE, ${attrSets} attribute sets per PE and VNI`;
  const rows = Object.entries(record.figures).map(([name, value]) => [
    `  ${figureTitle(name)}`,
    formatNumber(value),
  ]);
  const verdict = record.passed
    ? "passed: every receiver's table is as it should be"
    : ["FAILED", ...record.problems].join("\n  ");
  return `${head}\n${formatTable(rows)}\n${verdict}`;
}
