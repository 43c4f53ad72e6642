/** The one program that the guard runs: `nft`, with a script on its standard input, all or nothing. */
import { spawn } from "node:child_process";

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

const TIMEOUT_MS = 20_000;
/** Of output that is kept. */
const MOST_OUTPUT = 64 * 1024 * 1024;
/** Where programs are looked for. */
export const PLACES = "/usr/sbin:/sbin:/usr/bin:/bin";

export const runNft: Nft = (args, input) =>
  new Promise((resolve, reject) => {
    const child = spawn("nft", [...args], {
      stdio: ["pipe", "pipe", "pipe"],
      timeout: TIMEOUT_MS,
      env: { PATH: PLACES },
    });
    const out: Buffer[] = [];
    let [size, complaint] = [0, ""];
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MOST_OUTPUT) out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (complaint.length < 4096) complaint += chunk.toString("utf8");
    });
    child.stdin.on("error", () => {
      // It ended without reading: its exit code tells.
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      reject(
        new GuardError(
          error.code === "ENOENT"
            ? "nft is not installed: install nftables, without which tunnels cannot fail closed"
            : `nft: ${error.message}`,
        ),
      );
    });
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString("utf8"));
      else reject(new GuardError(explained(complaint.trim(), code)));
    });
    child.stdin.end(input);
  });

function explained(complaint: string, code: number | null): string {
  const first = complaint.split("\n")[0] ?? "";
  if (/not permitted|Permission denied/i.test(complaint)) {
    return `nft may not change rules (${first}): give evpnd CAP_NET_ADMIN`;
  }
  return `nft failed${code === null ? " to end in time" : ""}: ${first === "" ? "no reason given" : first}`;
}
