/** Programs of the system, run without a shell: with text on their input and bounded in time and output, or listened to. */
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
/** Programs are looked for here, and say things in English. */
const ENVIRONMENT = { PATH: "/usr/sbin:/sbin:/usr/bin:/bin", LC_ALL: "C" };

export function programRunner(file: string): RunProgram {
  return (args, input) =>
    new Promise((resolve) => {
      const child = spawn(file, [...args], {
        stdio: ["pipe", "pipe", "pipe"],
        timeout: TIMEOUT_MS,
        env: ENVIRONMENT,
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

/**
 * Runs a program that talks until it ends, or is ended. The process does not live for it.
 * @param onText its output in pieces; @param onEnd it ended by itself, or never began. @returns what ends it
 */
export type ListenToProgram = (onText: (text: string) => void, onEnd: () => void) => () => void;

export function programListener([file = "", ...args]: readonly string[]): ListenToProgram {
  return (onText, onEnd) => {
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "ignore"], env: ENVIRONMENT });
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      onEnd();
    };
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", onText);
    child.on("error", end);
    child.on("close", end);
    child.unref();
    return () => {
      ended = true;
      child.kill("SIGKILL");
    };
  };
}

export interface ProgramFailure {
  /** This system cannot: the program is missing, or may not; else it refused what it was asked. */
  readonly unsupported: boolean;
  /** What is wrong, and what to do where that is known. */
  readonly sentence: string;
}

export interface ProgramNames {
  readonly program: string;
  /** Debian's, which has the program. */
  readonly from: string;
  /** What does not work without it: "tunnels cannot fail closed". */
  readonly without: string;
}

/** Why a program that needs CAP_NET_ADMIN did not do what it was asked. */
export function failureOf(
  { program, from, without }: ProgramNames,
  { code, complaint, failure }: ProgramResult,
): ProgramFailure {
  if (failure === "ENOENT") {
    const sentence = `${program} is not installed: install ${from}, without which ${without}`;
    return { unsupported: true, sentence };
  }
  if (failure !== undefined) return { unsupported: true, sentence: `${program}: ${failure}` };
  const first = /Error: .*/.exec(complaint)?.[0] ?? complaint.trim().split("\n")[0] ?? "";
  if (/not permitted|Permission denied/i.test(complaint)) {
    const sentence = `${program} may not change anything (${first}): give evpnd CAP_NET_ADMIN`;
    return { unsupported: true, sentence };
  }
  const reason = first === "" ? "no reason given" : first;
  const ended = code === undefined ? " to end in time" : "";
  return { unsupported: false, sentence: `${program} failed${ended}: ${reason}` };
}
