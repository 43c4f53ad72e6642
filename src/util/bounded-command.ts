/**
 * Runs a command, an operator's or one of ours: no shell, bounded in time and output. It is over when it has
 * ended or its time is over, also where a child of it goes on and holds its output open.
 */
import { spawn } from "node:child_process";

export interface CommandOptions {
  /** Standard input. */
  readonly input?: string | undefined;
  /** Beside the variables of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** None of the variables of this process. */
  readonly bare?: boolean;
  readonly timeoutMs: number;
  /** Octets of standard output. */
  readonly mostOutput: number;
}

export type CommandEnd =
  | { readonly ok: true; readonly out: Uint8Array }
  /** What went wrong, with the first line of the command's complaint; no full stop. */
  | { readonly ok: false; readonly why: string };

const MOST_COMPLAINT = 16 * 1024;
const LINE_MAX = 200;
/** Nothing more for so long behind its end: nothing more will come. */
const DRAIN_MS = 500;

/** How a command ended, in full. */
export interface CommandOutcome {
  /** What went wrong; undefined: it ended with code 0. */
  readonly why: string | undefined;
  /** Undefined: it was ended by a signal, or never began. */
  readonly code: number | undefined;
  /** Of the system, when it never began; `ENOENT`: it is not installed. */
  readonly failure: string | undefined;
  readonly out: Uint8Array;
  /** The first kilobytes of standard error, and behind them of standard output where it failed. */
  readonly complaint: string;
}

/** Never rejects. */
export async function runCommand(
  command: readonly string[],
  options: CommandOptions,
): Promise<CommandEnd> {
  const { why, out, complaint } = await outcomeOf(command, options);
  return why === undefined ? { ok: true, out } : { ok: false, why: why + firstLine(complaint) };
}

/** Never rejects. */
export function outcomeOf(
  [file = "", ...words]: readonly string[],
  { input = "", env, bare = false, timeoutMs, mostOutput }: CommandOptions,
): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    const out: Buffer[] = [];
    let [size, complaint] = [0, ""];
    let draining: NodeJS.Timeout | undefined;
    let over = false;
    const done = (why: string | undefined, code?: number, failure?: string): void =>
      resolve({ why, code, failure, out: new Uint8Array(Buffer.concat(out)), complaint });
    const child = begin(file, words, bare ? { ...env } : { ...process.env, ...env });
    if (child instanceof Error) return done(whyNot(child), undefined, failureOf(child));
    const end: typeof done = (...outcome) => {
      over = true;
      clearTimeout(deadline);
      clearTimeout(draining);
      child.stdout.destroy();
      child.stderr.destroy();
      done(...outcome);
    };
    const kill = (why: string): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
      end(why);
    };
    const deadline = setTimeout(() => kill(`it took longer than ${timeoutMs / 1000} s`), timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > mostOutput) kill(`it printed more than ${mostOutput} octets`);
      else out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (complaint.length < MOST_COMPLAINT) complaint += chunk.toString("utf8");
    });
    child.stdin.on("error", () => {
      // It ended without reading: its exit code tells.
    });
    child.on("error", (error) => end(whyNot(error), undefined, failureOf(error)));
    child.on("exit", (code, signal) => {
      if (over) return;
      const why =
        code === 0 ? undefined : `it ended ${code === null ? `by ${signal}` : `with code ${code}`}`;
      const last = (): void => {
        // Some programs complain where they should answer.
        if (code !== 0 && size > 0)
          complaint += `\n${Buffer.concat(out).toString("utf8", 0, MOST_COMPLAINT)}`;
        end(why, code ?? undefined);
      };
      // A child of it may hold the output open; what is in the pipe is read all the same, however busy we are.
      const drain = (): void => {
        const before = size;
        draining = setTimeout(
          () => setImmediate(() => (size === before ? last() : drain())),
          DRAIN_MS,
        );
      };
      drain();
      child.once("close", last);
    });
    child.stdin.end(input);
  });
}

function begin(file: string, words: readonly string[], env: NodeJS.ProcessEnv) {
  try {
    // A group of its own: what a script has begun ends with it when its time is over.
    return spawn(file, [...words], { detached: true, env });
  } catch (error) {
    return error as Error;
  }
}

function failureOf(error: NodeJS.ErrnoException): string {
  return error.code ?? error.message;
}

function whyNot(error: NodeJS.ErrnoException): string {
  return error.code === "ENOENT"
    ? "there is no such program"
    : `it cannot be run (${failureOf(error)})`;
}

/** Behind a colon; nothing when nothing was said. */
function firstLine(complaint: string): string {
  const line = complaint
    .split("\n")
    .map((one) => one.replace(/\p{C}/gu, " ").trim())
    .find((one) => one !== "");
  return line === undefined ? "" : `: ${line.slice(0, LINE_MAX)}`;
}
