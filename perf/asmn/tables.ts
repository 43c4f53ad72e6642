/** `npm run perf -- asmn`: the ASMN paper's tables beside ours, and on what machine. */
import { mkdtempSync, rmSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { machineLine } from "../compare/child.js";
import { formatTable } from "../report.js";
import { PARTS } from "./index.js";
import type { PaperTable, Part, PartOptions } from "./part.js";

export interface AsmnOptions {
  readonly only?: readonly string[];
  readonly quick?: boolean;
  readonly json?: boolean;
  readonly directory: string;
  readonly evpnd?: string;
}

/** @returns whether every limit was kept, and nothing failed; what could not be run is no failure */
export async function asmnTables(options: AsmnOptions): Promise<boolean> {
  const parts = chosen(options.only);
  const directory = mkdtempSync(join(options.directory, "evpnd-asmn-"));
  const clear = (): void => rmSync(directory, { recursive: true, force: true });
  process.once("exit", clear);
  const given: PartOptions = {
    quick: options.quick === true,
    directory,
    evpndMain: options.evpnd ?? join(import.meta.dirname, "..", "..", "src", "main.js"),
    progress: (line) => void process.stderr.write(`${line}\n`),
  };
  let good = true;
  const tables: PaperTable[] = [];
  if (options.json !== true) console.log(`${machineText()}\n`);
  try {
    for (const part of parts) {
      given.progress(`${part.name}: ${part.summary}`);
      for (const table of await tablesOf(part, given)) {
        tables.push(table);
        good &&= table.rows.every(({ verdict }) => verdict !== "missed");
        if (options.json !== true) console.log(`${formatPaperTable(table)}\n`);
      }
    }
  } finally {
    process.off("exit", clear);
    clear();
  }
  if (options.json === true)
    console.log(JSON.stringify({ machine: machineText(), quick: given.quick, good, tables }));
  return good;
}

/** A part that fails is a row that says so: the others still run. */
async function tablesOf(part: Part, options: PartOptions): Promise<readonly PaperTable[]> {
  try {
    return await part.run(options);
  } catch (error) {
    const note = error instanceof Error ? error.message : String(error);
    const row = { ids: "", what: part.summary, paper: "–", ours: "–", note } as const;
    return [{ title: part.name, rows: [{ ...row, verdict: "missed" }] }];
  }
}

function chosen(only: readonly string[] | undefined): readonly Part[] {
  const unknown = only?.filter((name) => !PARTS.some((part) => part.name === name)) ?? [];
  if (unknown.length > 0) {
    const names = PARTS.map(({ name }) => name).join(", ");
    throw new Error(`no part ${unknown.join(", ")}; there are ${names}`);
  }
  return PARTS.filter(({ name }) => only === undefined || only.includes(name));
}

function machineText(): string {
  return `${machineLine()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB of memory`;
}

export function formatPaperTable({ title, rows }: PaperTable): string {
  const head = ["", "what", "paper", "ours", "", ""];
  const cells = rows.map(({ ids, what, paper, ours, verdict, note }) => [
    ids,
    what,
    paper,
    ours,
    verdict,
    note ?? "",
  ]);
  const widest = Math.max(...rows.map(({ what }) => what.length), 4);
  // The text columns stand at the left; formatTable puts all but the first to the right.
  const padded = [head, ...cells].map(([id = "", what = "", ...rest]) => [
    id,
    what.padEnd(widest),
    ...rest,
  ]);
  return `${title}\n${formatTable(padded)}`;
}
