/**
 * Runs a command that an operator has named: no shell, bounded in time and output. It is over when it has
 * ended or its time is over, also where a child of it goes on and holds its output open.
 */
import { spawn } from "node:child_process";

export interface CommandOptions {
  /** Standard input. */
  readonly input?: string | undefined;
  /** Beside the variables of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs: number;
  /** Octets of standard output. */
  readonly mostOutput: number;
}

export type CommandEnd =
  | { readonly ok: true; readonly out: Uint8Array }
  /** What went wrong, with the first line of the command's complaint; no full stop. */
  | { readonly ok: false; readonly why: string };

const MOST_COMPLAINT = 4096;
const LINE_MAX = 200;
/** Nothing more for so long behind its end: nothing more will come. */
const DRAIN_MS = 500;

/** Never rejects. */
export function runCommand(
  [file = "", ...words]: readonly string[],
  { input = "", env, timeoutMs, mostOutput }: CommandOptions,
): Promise<CommandEnd> {
  return new Promise((resolve) => {
    const child = begin(file, words, env);
    if (child instanceof Error) return resolve({ ok: false, why: whyNot(child) });
    const out: Buffer[] = [];
    let [size, said] = [0, ""];
    let draining: NodeJS.Timeout | undefined;
    let over = false;
    const end = (why: string | undefined): void => {
      over = true;
      clearTimeout(deadline);
      clearTimeout(draining);
      child.stdout.destroy();
      child.stderr.destroy();
      if (why === undefined) return resolve({ ok: true, out: new Uint8Array(Buffer.concat(out)) });
      resolve({ ok: false, why: `${why}${complaint(said)}` });
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
      if (said.length < MOST_COMPLAINT) said += chunk.toString("utf8");
    });
    child.stdin.on("error", () => {
      // It ended without reading: its exit code tells.
    });
    child.on("error", (error) => end(whyNot(error)));
    child.on("exit", (code, signal) => {
      if (over) return;
      const why =
        code === 0 ? undefined : `it ended ${code === null ? `by ${signal}` : `with code ${code}`}`;
      const last = (): void => {
        // Some programs complain where they should answer.
        if (code !== 0) said += `\n${Buffer.concat(out).toString("utf8", 0, MOST_COMPLAINT)}`;
        end(why);
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

function begin(file: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  try {
    // A group of its own: what a script has begun ends with it when its time is over.
    return spawn(file, [...words], { detached: true, env: { ...process.env, ...env } });
  } catch (error) {
    return error as Error;
  }
}

function whyNot(error: NodeJS.ErrnoException): string {
  return error.code === "ENOENT"
    ? "there is no such program"
    : `it cannot be run (${error.code ?? error.message})`;
}

function complaint(said: string): string {
  const line = said
    .split("\n")
    .map((one) => one.replace(/\p{C}/gu, " ").trim())
    .find((one) => one !== "");
  return line === undefined ? "" : `: ${line.slice(0, LINE_MAX)}`;
}
