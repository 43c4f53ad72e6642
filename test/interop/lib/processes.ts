/** A long-running program of a lab: its output in a file, its end known, killed with the lab. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { GiveUp, waitFor } from "./wait.js";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  readonly namespace: string;
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
}

export class Program {
  readonly name: string;
  readonly logFile: string;
  readonly pid: number;
  /** Set when it has ended. */
  exit: Exit | undefined;
  private readonly child: ChildProcess;

  private constructor(name: string, logFile: string, child: ChildProcess, pid: number) {
    this.name = name;
    this.logFile = logFile;
    this.child = child;
    this.pid = pid;
    child.on("exit", (code, signal) => {
      this.exit = { code, signal };
    });
  }

  /** `ip netns exec` replaces itself by the command: the pid is the program's own. */
  static start(options: StartOptions): Program {
    const log = openSync(options.logFile, "a");
    const child = spawn(
      "ip",
      ["netns", "exec", options.namespace, options.command, ...options.args],
      { stdio: ["ignore", log, log], env: { ...process.env, ...options.env } },
    );
    closeSync(log);
    child.on("error", () => {
      // Shows as a missing pid below, or as an exit.
    });
    if (child.pid === undefined) throw new Error(`${options.name}: cannot start ip netns exec`);
    return new Program(options.name, options.logFile, child, child.pid);
  }

  get running(): boolean {
    return this.exit === undefined;
  }

  log(): string {
    return readFileSync(this.logFile, "utf8");
  }

  /** Waits for words in its output: what it does shows elsewhere before it is logged. Fails early when it has died. */
  async says(words: string | RegExp): Promise<void> {
    const said = (): boolean => {
      const log = this.log();
      return typeof words === "string" ? log.includes(words) : words.test(log);
    };
    await waitFor(`${this.name} to say ${String(words)}`, () => {
      if (said()) return true;
      this.mustRun();
      return false;
    });
  }

  /** Last lines of its output, for error messages. */
  tail(lines = 25): string {
    return this.log().split("\n").slice(-lines).join("\n");
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.child.kill(signal);
  }

  /** Sends the signal and waits for the end; SIGKILL after `patience` milliseconds. */
  async stop(signal: NodeJS.Signals = "SIGTERM", patience = 5_000): Promise<Exit> {
    this.signal(signal);
    try {
      return await this.ended(patience);
    } catch {
      this.signal("SIGKILL");
      return this.ended(10_000);
    }
  }

  ended(deadline?: number): Promise<Exit> {
    return waitFor(
      `${this.name} to end`,
      () => this.exit,
      deadline === undefined ? {} : { deadline },
    );
  }

  /** Fails early, with its last words, when the program has died. */
  mustRun(): void {
    if (this.exit !== undefined) {
      throw new GiveUp(`${this.name} ended (${JSON.stringify(this.exit)}):\n${this.tail()}`);
    }
  }
}
