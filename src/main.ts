#!/usr/bin/env node
/**
 * evpnd's entry: reads the configuration, starts speaker and HTTP door, stops them in reverse order.
 *
 * Exit codes: 0 stopped as asked; 1 a bug; 2 usage or configuration; 3 environment (port in use, no
 * permission). SIGHUP reads the configuration again; a bad one is refused and the running one stays.
 * SIGTERM and SIGINT send a Cease to every peer and end; a second one ends at once.
 */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createSpeaker } from "./bgp/speaker.js";
import { parseDaemonArguments } from "./config/command-line.js";
import type { DaemonArguments, Output } from "./config/command-line.js";
import { Daemon, EnvironmentError } from "./daemon.js";
import type { SpeakerFactory } from "./daemon.js";
import { formatIssue, loadConfig } from "./config/index.js";
import { createLog } from "./telemetry/index.js";
import { tuneEngine } from "./util/engine.js";
import { PrivilegeError } from "./util/privileges.js";

export const EXIT = { ok: 0, bug: 1, usage: 2, environment: 3 } as const;

/** What the daemon takes from its process; tests bring their own. */
export interface Process extends Output {
  onSignal(signal: "SIGHUP" | "SIGTERM" | "SIGINT", run: () => void): void;
  /** For a second signal: at once, without waiting for anything. */
  exit(code: number): void;
}

/** Resolves with the exit code when the daemon has ended. */
export async function runDaemon(
  words: readonly string[],
  host: Process,
  factory: SpeakerFactory,
): Promise<number> {
  const parsed = parseDaemonArguments(words, host);
  if (parsed.kind === "exit") return parsed.code;
  const given = parsed.arguments;
  const config = loadConfig(given);
  if (!config.ok) {
    for (const issue of config.issues) host.err(`${formatIssue(issue)}\n`);
    host.err(`evpnd: not started; ${config.issues.length} to correct\n`);
    return EXIT.usage;
  }
  const log = createLog(config.settings.log);
  for (const issue of config.warnings) log.warn({}, formatIssue(issue));
  const daemon = new Daemon(given, config, log, factory);
  const ended = new Promise<number>((resolve) => {
    let stopping = false;
    const stop = (signal: string) => {
      if (stopping) {
        log.flush();
        host.exit(EXIT.ok);
        return;
      }
      stopping = true;
      log.info({ signal }, "stopping");
      void daemon.stop("evpnd is stopping").then(
        () => resolve(EXIT.ok),
        (error: unknown) => {
          log.error({ err: error }, "stopping failed");
          resolve(EXIT.bug);
        },
      );
    };
    host.onSignal("SIGTERM", () => stop("SIGTERM"));
    host.onSignal("SIGINT", () => stop("SIGINT"));
    host.onSignal("SIGHUP", () => void daemon.reload());
  });
  try {
    await daemon.start();
    if (isBare(given)) log.info({}, HINT);
    return await ended;
  } catch (error) {
    await daemon.stop("evpnd could not start").catch(() => {});
    if (error instanceof EnvironmentError || error instanceof PrivilegeError) {
      log.error({}, error.message);
      return EXIT.environment;
    }
    throw error;
  } finally {
    log.flush();
  }
}

function isBare(given: DaemonArguments): boolean {
  return given.file === undefined && given.overlay.values.length === 0;
}

const HINT =
  "running the built-in default: any peer of this machine may connect to 127.0.0.1:1790 in AS 65000. " +
  "Next, in another terminal: npx evpnctl demo (two peers that exchange a route), " +
  "npx evpnctl show peers. README.md says how to peer with FRR or GoBGP";

function main(): void {
  tuneEngine();
  const host: Process = {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    onSignal: (signal, run) => void process.on(signal, run),
    exit: (code) => process.exit(code),
  };
  const die = (error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`evpnd: a bug, please report it: ${text}\n`);
    process.exit(EXIT.bug);
  };
  process.on("uncaughtException", die);
  process.on("unhandledRejection", die);
  runDaemon(process.argv.slice(2), host, createSpeaker).then((code) => process.exit(code), die);
}

if (process.argv[1] !== undefined) {
  if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main();
}
