/**
 * Tells when somebody takes something out of the gateway's table: `nft monitor destroy` says it at once. It is a
 * hint only; what is really there is looked at then, and now and then without a hint.
 */
import { spawn, type ChildProcess } from "node:child_process";

export interface Monitor {
  close(): void;
}

/** @param hint called once for many events; may be called for the gateway's own changes */
export type StartMonitor = (table: string, hint: () => void) => Monitor;

const AGAIN_MS = 5000;

export const startNftMonitor: StartMonitor = nftMonitor(["nft"]);

/** @param command how nft is run */
export function nftMonitor([program = "nft", ...before]: readonly string[]): StartMonitor {
  return (table, hint) => {
    let child: ChildProcess | undefined;
    let timer: NodeJS.Timeout | undefined;
    let closed = false;
    const start = (): void => {
      timer = undefined;
      child = spawn(program, [...before, "monitor", "destroy"], {
        stdio: ["ignore", "pipe", "ignore"],
        env: { PATH: "/usr/sbin:/sbin:/usr/bin:/bin", LC_ALL: "C" },
      });
      child.stdout?.on("data", (chunk: Buffer) => {
        if (chunk.includes(` inet ${table}`)) hint();
      });
      child.on("error", () => {
        // Not installed: every other call says so.
      });
      child.on("close", () => {
        if (closed) return;
        timer = setTimeout(start, AGAIN_MS);
        timer.unref();
      });
      child.unref();
    };
    start();
    return {
      close() {
        closed = true;
        clearTimeout(timer);
        child?.kill("SIGTERM");
      },
    };
  };
}
