/**
 * `nft` and `tc` as the gateway runs them. A script of nft is one transaction of the kernel: all of it is in
 * force afterwards, or nothing of it. Where it fails, the line that nft names is told along.
 */
import {
  failureOf,
  programRunner,
  type ProgramResult,
  type RunProgram,
} from "../../util/run-program.js";
import { GatewayError } from "./error.js";

/** Standard output. Rejects with `GatewayError`. */
export type Nft = (args: readonly string[], script: string) => Promise<string>;
/** The same, with a batch of commands on standard input. */
export type Tc = Nft;
/** `ip`, to look. Rejects with `GatewayError`. */
export type Ip = (args: readonly string[]) => Promise<string>;

export function nftOver(run: RunProgram = programRunner("nft")): Nft {
  return async (args, script) => {
    const result = await run(args, script);
    if (result.code === 0) return result.out;
    throw explained("nft", "nftables", result, ruleOf(result.complaint, script));
  };
}

export function tcOver(run: RunProgram = programRunner("tc")): Tc {
  return async (args, script) => {
    const result = await run(args, script);
    if (result.code === 0) return result.out;
    const line = /Command failed -:(\d+)/.exec(result.complaint)?.[1];
    throw explained("tc", "iproute2", result, script.split("\n")[Number(line ?? 0) - 1]);
  };
}

export function ipOver(run: RunProgram = programRunner("ip")): Ip {
  return async (args) => {
    const result = await run(args, "");
    if (result.code === 0) return result.out;
    throw explained("ip", "iproute2", result, undefined);
  };
}

/** Whether what was asked for is not there, in contrast to a program that failed. */
export function isAbsent(error: unknown): boolean {
  return (
    error instanceof GatewayError && /No such file|does not exist|Cannot find/.test(error.message)
  );
}

const LONGEST_RULE = 240;

/** `/dev/stdin:12:5-9: Error: …`: the twelfth line of what it read. */
function ruleOf(complaint: string, script: string): string | undefined {
  const line = /^(?:\/dev\/stdin|-|internal:0):(\d+):/m.exec(complaint)?.[1];
  return line === undefined ? undefined : script.split("\n")[Number(line) - 1]?.trim();
}

function explained(
  program: string,
  from: string,
  result: ProgramResult,
  rule: string | undefined,
): GatewayError {
  const names = { program, from, without: "nothing is enforced" };
  const { unsupported, sentence } = failureOf(names, result);
  if (unsupported) return new GatewayError("unsupported", sentence);
  const where = rule === undefined ? "" : `, in: ${rule.slice(0, LONGEST_RULE)}`;
  return new GatewayError("refused", sentence + where);
}
