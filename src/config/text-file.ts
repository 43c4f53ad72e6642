/**
 * Reads the small text files of a configuration: its own, and those of its keys. What stands under the
 * name may have become anything since the start, and a running daemon must not wait for it or choke on
 * it: a pipe without a writer, a device without an end, a file of gigabytes.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** Largest configuration: it is parsed in one go, some hundred milliseconds a MiB. */
export const CONFIG_MAX = 4 * 1024 * 1024;
/** Largest file with a key: its first line counts. */
export const KEY_FILE_MAX = 64 * 1024;

/** Why a file is of no use, and what to do about it. */
export class TextFileError extends Error {
  /** `ENOENT`, or our own word. */
  readonly code: string;
  readonly remedy: string;

  constructor(code: string, remedy: string) {
    super(code);
    this.code = code;
    this.remedy = remedy;
  }
}

export interface TextFile {
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * UTF-8 text of at most `most` octets; throws `TextFileError`.
 * @param pipes a pipe or terminal is read to its end, for commands that a person waits for
 */
export function readTextFile(path: string, most: number, pipes = false): TextFile {
  let fd: number;
  try {
    // Without O_NONBLOCK the open of a pipe waits for its writer.
    fd = openSync(path, constants.O_RDONLY | (pipes ? 0 : constants.O_NONBLOCK));
  } catch (error) {
    throw fault(error);
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw fault({ code: "EISDIR" });
    if (!stat.isFile() && !pipes) {
      throw new TextFileError("not a regular file", "put the text into a file of its own");
    }
    return { text: decode(readAll(fd, most)), mode: stat.mode & 0o777 };
  } catch (error) {
    throw error instanceof TextFileError ? error : fault(error);
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, most: number): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const chunk = new Uint8Array(64 * 1024);
    const count = readSync(fd, chunk);
    if (count === 0) return Buffer.concat(chunks);
    total += count;
    // Counted as it is read: a file can grow, and a device says it has nothing.
    if (total > most) {
      throw new TextFileError("too large", `evpnd takes at most ${Math.floor(most / 1024)} KiB`);
    }
    chunks.push(chunk.subarray(0, count));
  }
}

function decode(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch {
    // Said below.
  }
  throw new TextFileError("not UTF-8 text", "check that it is the right file");
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: "check the path; conf/ has examples",
  EACCES: "check its permissions and those of its directory",
  EISDIR: "that is a directory: name a file",
  ELOOP: "its symbolic links go in a circle",
  EMFILE: "too many files are open: raise LimitNOFILE (ulimit -n)",
};

function fault(error: unknown): TextFileError {
  const { code } = error as NodeJS.ErrnoException;
  return new TextFileError(
    code ?? "unknown error",
    REMEDIES[code ?? ""] ?? "check its permissions and the disk",
  );
}
