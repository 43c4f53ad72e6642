/** Runs a program of the system with text on its standard input: no shell, bounded in time and output. */
import { spawn } from "node:child_process";

export interface ProgramResult {
  /** Undefined: it was ended by a signal, or never began. */
  readonly code: number | undefined;
  readonly out: string;
  /** Its complaint, the first few kilobytes. */
  readonly complaint: string;
  /** It could not be begun; `ENOENT`: it is not installed. */
  readonly failure: string | undefined;
}

/** Never rejects: what went wrong is in the result. */
export type RunProgram = (args: readonly string[], input: string) => Promise<ProgramResult>;

const TIMEOUT_MS = 20_000;
/** Of output that is kept. */
const MOST_OUTPUT = 64 * 1024 * 1024;
const MOST_COMPLAINT = 16 * 1024;
const PLACES = "/usr/sbin:/sbin:/usr/bin:/bin";

export function programRunner(file: string): RunProgram {
  return (args, input) =>
    new Promise((resolve) => {
      const child = spawn(file, [...args], {
        stdio: ["pipe", "pipe", "pipe"],
        timeout: TIMEOUT_MS,
        env: { PATH: PLACES, LC_ALL: "C" },
      });
      const out: Buffer[] = [];
      let [size, complaint] = [0, ""];
      const end = (code: number | undefined, failure?: string): void =>
        resolve({ code, out: Buffer.concat(out).toString("utf8"), complaint, failure });
      child.stdout.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size <= MOST_OUTPUT) out.push(chunk);
      });
      child.stderr.on("data", (chunk: Buffer) => {
        if (complaint.length < MOST_COMPLAINT) complaint += chunk.toString("utf8");
      });
      child.stdin.on("error", () => {
        // It ended without reading: its exit code tells.
      });
      child.on("error", (error: NodeJS.ErrnoException) =>
        end(undefined, error.code ?? error.message),
      );
      child.on("close", (code) => end(code ?? undefined));
      child.stdin.end(input);
    });
}
