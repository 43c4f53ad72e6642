/**
 * Gives the router beside the agent its TCP-MD5 key, by the command that the operator named. The key is in no
 * log and no status; what the command says is told with the key taken out.
 */
import { BackOff } from "../../../util/back-off.js";
import { runCommand } from "../../../util/bounded-command.js";
import type { Clock, TimerHandle } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";
import { RETRIES } from "../retries.js";
import type { AgentBinding } from "../settings.js";
import type { BindingState } from "../status.js";

export type Md5Binding = Extract<AgentBinding, { kind: "tcp-md5" }>;

/** Runs a command with this standard input; resolves with what was wrong, or undefined. */
export type RunCommand = (
  command: readonly string[],
  input: string | undefined,
) => Promise<string | undefined>;

const COMMAND_MS = 10_000;
const OUTPUT_MAX = 64 * 1024;
const PLACE = "{key}";

export interface Md5HookParts {
  readonly binding: Md5Binding;
  readonly clock: Clock;
  readonly log: Log;
  readonly run?: RunCommand;
  readonly onState: (state: BindingState) => void;
}

export class Md5Hook {
  private readonly parts: Md5HookParts;
  private readonly run: RunCommand;
  private readonly backOff = new BackOff(RETRIES);
  private retry: TimerHandle | undefined;
  private installed: string | undefined;
  private wanted: string | undefined;
  private running = false;

  constructor(parts: Md5HookParts) {
    this.parts = parts;
    this.run = parts.run ?? runHook;
  }

  /** Installs the key unless the router has it; undefined changes nothing: the reflector refuses by itself. */
  give(key: string | undefined): void {
    if (key === undefined || key === this.wanted) return;
    this.wanted = key;
    void this.install();
  }

  stop(): void {
    this.wanted = undefined;
    this.retry?.cancel();
  }

  private async install(): Promise<void> {
    const key = this.wanted;
    if (this.running || key === undefined || key === this.installed) return;
    this.running = true;
    this.retry?.cancel();
    const { binding, log, clock, onState } = this.parts;
    const fill = (text: string): string => text.replaceAll(PLACE, key);
    const input = binding.input === undefined ? undefined : fill(binding.input);
    const trouble = await this.run(binding.command.map(fill), input);
    this.running = false;
    if (trouble === undefined) {
      this.installed = key;
      this.backOff.reset();
      onState({ kind: "tcp-md5", bound: true, detail: "the router has its key" });
      log.info({}, "the router has its TCP-MD5 key");
    } else {
      const detail = `the command that installs the key failed: ${trouble.replaceAll(key, "***")}`;
      onState({ kind: "tcp-md5", bound: false, detail });
      log.warn({}, detail);
      if (this.wanted !== undefined) {
        this.retry = clock.setTimer(this.backOff.next(), () => void this.install());
      }
      return;
    }
    // Another key came meanwhile.
    if (this.wanted !== undefined && this.wanted !== this.installed) void this.install();
  }
}

const runHook: RunCommand = async (command, input) => {
  const bounds = { input, timeoutMs: COMMAND_MS, mostOutput: OUTPUT_MAX };
  const end = await runCommand(command, bounds);
  return end.ok ? undefined : `${command[0] ?? ""}: ${end.why}`;
};
