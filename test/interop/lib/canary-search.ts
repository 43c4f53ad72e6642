/** Searches the files of a lab for canaries, but for those that hold secrets by right. */
import { closeSync, lstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { canaryIn, LONGEST_FORM } from "../../lib/canary.js";

const PIECE = 4 * 1024 * 1024;

/**
 * What should not be there, a sentence each: file and form, never the text.
 * @param mayHold paths of files and directories
 */
export function canariesUnder(directory: string, mayHold: ReadonlySet<string>): string[] {
  const found: string[] = [];
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (mayHold.has(path)) continue;
    let form: string | undefined;
    try {
      const stat = lstatSync(path);
      if (stat.isDirectory()) found.push(...canariesUnder(path, mayHold));
      else if (stat.isFile()) form = canaryInFile(path);
    } catch (error) {
      // A program of the lab may have taken it away meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    if (form !== undefined) found.push(`${path} has a secret in it (${form})`);
  }
  return found;
}

function canaryInFile(path: string): string | undefined {
  const file = openSync(path, "r");
  try {
    const piece = Buffer.alloc(PIECE + LONGEST_FORM);
    for (let kept = 0; ;) {
      const read = readSync(file, piece, kept, PIECE, null);
      if (read === 0) return undefined;
      const form = canaryIn(piece.subarray(0, kept + read));
      if (form !== undefined) return form;
      const tail = Math.min(LONGEST_FORM, kept + read);
      piece.copy(piece, 0, kept + read - tail, kept + read);
      kept = tail;
    }
  } finally {
    closeSync(file);
  }
}
