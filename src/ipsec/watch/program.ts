/** Runs a program of the system for a probe: without a shell, bounded in time and output. */
import { execFile } from "node:child_process";
import type { RunProgram } from "./ping.js";

const MOST_OUTPUT = 64 * 1024;

export const runProgram: RunProgram = (program, args, timeoutMs) =>
  new Promise((resolve) => {
    const options = {
      timeout: timeoutMs,
      maxBuffer: MOST_OUTPUT,
      killSignal: "SIGKILL",
      env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
    } as const;
    execFile(program, [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      const missing = error !== null && (error as NodeJS.ErrnoException).code === "ENOENT";
      const out = missing
        ? `${program}: cannot be run: install it (iputils-ping)`
        : `${stdout}${stderr}`;
      resolve({ code, out });
    });
  });
