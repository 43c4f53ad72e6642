/**
 * One test file's corner of the machine: namespaces, programs and a temporary directory, all gone
 * when the lab closes. A detached shell holds the reading end of a pipe and does the same when this
 * process ends in any other way, SIGKILL included.
 *
 * When it closes, everything that its programs wrote, and what the API and evpnctl answered, is searched for the
 * secrets of the suite (`canary` of test/lib): one that is found fails the test file.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canaryIn } from "../../lib/canary.js";
import { canariesUnder } from "./canary-search.js";
import { command, commandSync } from "./command.js";
import {
  deleteNamespace,
  ipBatch,
  namespaceNames,
  newLabPrefix,
  sweepDeadRuns,
} from "./namespaces.js";
import { Program } from "./processes.js";
import { Relay } from "./relay.js";

/** $1 = namespace prefix, $2 = directory. Waits for the end of its standard input. */
const REAPER = `
cat >/dev/null
for ns in $(ls /run/netns 2>/dev/null | grep "^$1"); do
  for pid in $(ip netns pids "$ns" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
  ip netns del "$ns" 2>/dev/null
done
rm -rf "$2"
`;

/** In the command line of whoever runs evpnctl. */
const EVPNCTL = join("src", "cli", "main.js");

export class Lab {
  readonly directory: string;
  private readonly prefix: string;
  private readonly programs: Program[] = [];
  private readonly relays = new Map<string, Promise<Relay>>();
  private readonly reaper: ChildProcess;
  private files = 0;
  private readonly secretPlaces = new Set<string>();
  private readonly leaks: string[] = [];

  constructor() {
    sweepDeadRuns();
    this.prefix = newLabPrefix();
    // Daemons that drop root read and write here.
    this.directory = mkdtempSync(join(tmpdir(), this.prefix));
    chmodSync(this.directory, 0o777);
    this.reaper = spawn("sh", ["-c", REAPER, "reaper", this.prefix, this.directory], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.reaper.unref();
  }

  /** Full name of the namespace with this label in this lab. */
  name(label: string): string {
    return `${this.prefix}${label}`;
  }

  /** Makes a namespace with loopback up, IPv6 chatter off, and the given addresses on loopback. */
  namespace(label: string, addresses: readonly string[] = []): string {
    const name = this.name(label);
    ipBatch(undefined, [`netns add ${name}`]);
    ipBatch(name, [
      "link set lo up",
      ...addresses.map(
        (address) => `addr add ${address} dev lo${address.includes(":") ? " nodad" : ""}`,
      ),
    ]);
    return name;
  }

  removeNamespace(label: string): void {
    deleteNamespace(this.name(label));
  }

  ip(label: string, lines: readonly string[]): void {
    ipBatch(this.name(label), lines);
  }

  /** Runs a command inside a namespace; it must succeed. */
  async run(label: string, file: string, args: readonly string[]): Promise<string> {
    const words = ["netns", "exec", this.name(label), file, ...args];
    // Other people's programs may say what they were given.
    if (!words.some((word) => word.includes(EVPNCTL))) return command("ip", words);
    try {
      const text = await command("ip", words);
      this.answered("evpnctl", text);
      return text;
    } catch (error) {
      this.answered("evpnctl", String(error));
      throw error;
    }
  }

  runSync(label: string, file: string, args: readonly string[]): string {
    return commandSync("ip", ["netns", "exec", this.name(label), file, ...args]);
  }

  start(
    label: string,
    name: string,
    file: string,
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Program {
    const program = Program.start({
      namespace: this.name(label),
      name,
      command: file,
      args,
      env,
      logFile: join(this.directory, `${name}.log`),
    });
    this.programs.push(program);
    return program;
  }

  /** A way into the namespace's TCP for this process; one helper process per namespace. */
  relay(label: string): Promise<Relay> {
    let relay = this.relays.get(label);
    if (relay === undefined) {
      relay = Relay.start(this, label);
      this.relays.set(label, relay);
    }
    return relay;
  }

  /** A directory of its own that every user may write to. */
  makeDirectory(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o777);
    return path;
  }

  writeFile(name: string, content: string): string {
    this.files += 1;
    const path = join(this.directory, `${String(this.files)}-${name}`);
    writeFileSync(path, content, { mode: 0o644 });
    if (canaryIn(content) !== undefined) this.mayHoldSecrets(path);
    return path;
  }

  /** A file of its own name and mode 0600, for a secret. */
  secretFile(name: string, secret: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, `${secret}\n`, { mode: 0o600 });
    return this.mayHoldSecrets(path);
  }

  /** Secrets belong there: a store of them, or the directory of somebody else's configuration. */
  mayHoldSecrets(path: string): string {
    this.secretPlaces.add(path);
    return path;
  }

  /** Something of ours said this: no secret may be in it. */
  answered(who: string, text: string): void {
    const form = canaryIn(text);
    if (form !== undefined) this.leaks.push(`${who} answered with a secret (${form})`);
  }

  /** What was found so far, a sentence each; programs may still be writing. */
  leaksNow(): string[] {
    return [...this.leaks, ...canariesUnder(this.directory, this.secretPlaces)];
  }

  /** Every program's last words: printed when a test fails. */
  logs(): string {
    return this.programs.map((program) => `--- ${program.name}\n${program.tail()}`).join("\n");
  }

  async close(): Promise<void> {
    const running = this.programs.filter((program) => program.running);
    for (const program of running) program.signal("SIGKILL");
    await Promise.allSettled(running.map((program) => program.ended(10_000)));
    for (const name of namespaceNames(this.prefix)) deleteNamespace(name);
    const leaks = this.leaksNow();
    if (process.env["EVPND_KEEP_LOGS"] === undefined) {
      rmSync(this.directory, { recursive: true, force: true });
    } else {
      process.stderr.write(`kept ${this.directory}: ${readdirSync(this.directory).join(" ")}\n`);
      this.reaper.kill("SIGKILL");
    }
    this.reaper.stdin?.end();
    if (leaks.length > 0) throw new Error(leaks.join("\n"));
  }
}
