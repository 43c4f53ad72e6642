/** `| begin TEXT`, `| include TEXT`, `| exclude TEXT` behind a show command, as words or as options. */
import type { Command } from "commander";
import { CliError, EXIT } from "./exit.js";

export interface OutputFilter {
  readonly begin?: string;
  readonly include?: string;
  readonly exclude?: string;
}

const NAMES = ["begin", "include", "exclude"] as const;

export function addFilterOptions(command: Command): Command {
  return command
    .option("--begin <text>", "from the first line with this text on")
    .option("--include <text>", "only lines with this text")
    .option("--exclude <text>", "only lines without this text");
}

/** What stands before the first `|`, and the filters behind it laid over the options. */
export function splitFilter(
  words: readonly string[],
  { begin, include, exclude }: OutputFilter = {},
): { readonly words: readonly string[]; readonly filter: OutputFilter } {
  const filter: Record<string, string> = {
    ...(begin !== undefined && { begin }),
    ...(include !== undefined && { include }),
    ...(exclude !== undefined && { exclude }),
  };
  const parts: string[][] = [[]];
  for (const word of words) {
    if (word === "|") parts.push([]);
    else parts.at(-1)?.push(word);
  }
  const [first = [], ...behind] = parts;
  for (const [name = "", ...text] of behind) {
    if (!NAMES.some((one) => one === name) || text.length === 0) {
      throw new CliError(EXIT.usage, `after | comes ${NAMES.join(", ")}, each with a text`);
    }
    filter[name] = text.join(" ");
  }
  return { words: first, filter };
}

export function filterLines(text: string, { begin, include, exclude }: OutputFilter): string {
  let lines = text.split("\n").slice(0, -1);
  if (begin !== undefined) {
    const first = lines.findIndex((line) => line.includes(begin));
    lines = first < 0 ? [] : lines.slice(first);
  }
  return lines
    .filter((line) => include === undefined || line.includes(include))
    .filter((line) => exclude === undefined || !line.includes(exclude))
    .map((line) => `${line}\n`)
    .join("");
}
