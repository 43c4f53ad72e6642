/** Programs of the system, run without a shell: with text on their input and bounded in time and output, or listened to. */
import { spawn } from "node:child_process";
import { outcomeOf } from "./bounded-command.js";

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
/** Of output; one that says more is ended. */
const MOST_OUTPUT = 64 * 1024 * 1024;
/** Programs are looked for here, and say things in English. */
const ENVIRONMENT = { PATH: "/usr/sbin:/sbin:/usr/bin:/bin", LC_ALL: "C" };

export function programRunner(file: string): RunProgram {
  return async (args, input) => {
    const bounds = { timeoutMs: TIMEOUT_MS, mostOutput: MOST_OUTPUT };
    const options = { input, env: ENVIRONMENT, bare: true, ...bounds };
    const { code, out, complaint, failure } = await outcomeOf([file, ...args], options);
    return { code, out: Buffer.from(out).toString("utf8"), complaint, failure };
  };
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
