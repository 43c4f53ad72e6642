/** Files with secrets in them, for operators who asked: new ones, mode 0600, in a directory of mode 0700. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fillPlaceholders } from "../vendors/text/placeholder.js";
import { SecretError } from "./control.js";

/** Never over a file that is there. Rejects with `SecretError`. @returns its path */
export async function writeExport(directory: string, name: string, text: string): Promise<string> {
  const path = join(directory, name);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(path, text, { mode: 0o600, flag: "wx" });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new SecretError(
      "unavailable",
      `${path} cannot be written (${code}); check the directory's permissions and the disk`,
    );
  }
  return path;
}

/** Vendors quote and escape in different ways: what none of them would change may be put into a text. */
const PLAIN = /^[A-Za-z0-9+/=._:@-]{1,512}$/;

export interface FilledText {
  readonly text: string;
  /** Secrets that are not there, or would have to be escaped: their placeholders stay. */
  readonly left: readonly string[];
}

/** @param valueOf undefined = there is none */
export function filled(text: string, valueOf: (name: string) => string | undefined): FilledText {
  const left = new Set<string>();
  const done = fillPlaceholders(text, (name) => {
    const value = valueOf(name);
    if (value !== undefined && PLAIN.test(value)) return value;
    left.add(name);
    return undefined;
  });
  return { text: done, left: [...left] };
}
