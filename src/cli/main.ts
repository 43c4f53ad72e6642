#!/usr/bin/env node
/** evpnctl's entry: standard streams, and the exit code. */
import { buffer } from "node:stream/consumers";
import type { CliHost } from "./host.js";
import { runProgram } from "./program.js";

const host: CliHost = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  columns: process.stdout.columns ?? 80,
  env: process.env,
  now: () => Date.now(),
  readStdin: () => buffer(process.stdin),
  interrupted: () =>
    new Promise((resolve) => {
      process.once("SIGINT", resolve);
      process.once("SIGTERM", resolve);
    }),
  code: 0,
};

// `evpnctl show routes | head` closes the pipe: that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});
process.exitCode = await runProgram(process.argv.slice(2), host);
