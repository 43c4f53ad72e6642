/**
 * Network namespaces of one lab. Names are `evi-<pid>-<lab>-<label>`: unique per run, and the pid
 * tells a later run whether their owner still lives.
 */
import { existsSync, readdirSync } from "node:fs";
import { commandSync } from "./command.js";

const PREFIX = "evi-";
const NETNS_DIR = "/run/netns";
let labs = 0;

/** A name prefix nobody else has. */
export function newLabPrefix(): string {
  labs += 1;
  return `${PREFIX}${String(process.pid)}-${String(labs)}-`;
}

/** Runs `ip` with one command a line, in the namespace when given. */
export function ipBatch(namespace: string | undefined, lines: readonly string[]): void {
  const where = namespace === undefined ? [] : ["-n", namespace];
  commandSync("ip", [...where, "-batch", "-"], lines.map((line) => `${line}\n`).join(""));
}

export function namespaceNames(prefix: string): string[] {
  if (!existsSync(NETNS_DIR)) return [];
  return readdirSync(NETNS_DIR).filter((name) => name.startsWith(prefix));
}

/** Kills what runs in the namespace and deletes it with its links. Never throws. */
export function deleteNamespace(name: string): void {
  try {
    for (const pid of commandSync("ip", ["netns", "pids", name]).split("\n")) {
      if (pid !== "") kill(Number(pid));
    }
    commandSync("ip", ["netns", "del", name]);
  } catch {
    // Gone already, or going: the reaper and the next run's sweep look again.
  }
}

/** Removes namespaces of runs that no longer live. */
export function sweepDeadRuns(): void {
  for (const name of namespaceNames(PREFIX)) {
    const pid = /^evi-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) deleteNamespace(name);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}
