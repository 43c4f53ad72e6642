/** The one program that the guard runs: `nft`, with a script on its standard input, all or nothing. */
import { failureOf, programRunner, type RunProgram } from "../../util/run-program.js";

/** What stands in the way of failing closed; the sentence says what to do. */
export class GuardError extends Error {
  readonly code: "invalid" | "unsupported";

  constructor(message: string, code: GuardError["code"] = "unsupported") {
    super(message);
    this.name = "GuardError";
    this.code = code;
  }
}

/** Runs `nft` with these arguments and input; its standard output. Rejects with `GuardError`. */
export type Nft = (args: readonly string[], input: string) => Promise<string>;

const NAMES = {
  program: "nft",
  from: "nftables",
  without: "tunnels cannot fail closed",
};

export const runNft: Nft = nftOver(programRunner("nft"));

export function nftOver(run: RunProgram): Nft {
  return async (args, input) => {
    const result = await run(args, input);
    if (result.code === 0) return result.out;
    throw new GuardError(failureOf(NAMES, result).sentence);
  };
}
