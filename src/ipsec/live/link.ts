/**
 * The way to the IKE daemon, held open: when it is lost, or there is none yet, we try again, soon at first. Two
 * connections: one for commands, one for what the daemon tells unasked, so that a long answer delays no
 * event and a flood of log lines no command. Both stand or fall together.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { ViciError, ViciTree } from "../vici/index.js";
import { Charon, type DaemonVersion } from "./charon.js";
import { SA_EVENTS } from "./event.js";

export interface LinkEvents {
  /** Connected and listening; called again for each new connection. */
  readonly up: (charon: Charon, version: DaemonVersion) => void;
  /** Lost, or not to be had: once for each reason that differs from the one before. */
  readonly down: (problem: string) => void;
  readonly event: (name: string, message: ViciTree) => void;
}

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;

export class DaemonLink {
  private readonly path: string;
  private readonly clock: Clock;
  private readonly events: LinkEvents;
  private pair: readonly Charon[] = [];
  private retry: TimerHandle | undefined;
  private failures = 0;
  private problem: string | undefined;
  private state: "stopped" | "connecting" | "up" = "stopped";
  private extra: readonly string[] = [];

  constructor(path: string, clock: Clock, events: LinkEvents) {
    this.path = path;
    this.clock = clock;
    this.events = events;
  }

  start(): void {
    if (this.state !== "stopped") return;
    this.state = "connecting";
    void this.connect();
  }

  /** The daemon keeps what it has. */
  stop(): void {
    this.state = "stopped";
    this.retry?.cancel();
    this.retry = undefined;
    for (const charon of this.pair) charon.close();
    this.pair = [];
  }

  /** More events than those of SAs, also over later connections: `log`. */
  async listenAlso(events: readonly string[]): Promise<void> {
    const before = this.extra;
    this.extra = events;
    const listener = this.pair[1];
    if (listener === undefined) return;
    await listener.listen(events.filter((one) => !before.includes(one)));
    await listener.unlisten(before.filter((one) => !events.includes(one)));
  }

  private async connect(): Promise<void> {
    const opened: Charon[] = [];
    const options = {
      path: this.path,
      clock: this.clock,
      onEvent: this.events.event,
      onClose: (reason: ViciError) => this.lost(opened, reason),
    };
    try {
      opened.push(await Charon.open(options));
      opened.push(await Charon.open(options));
      const [commands, listener] = opened as [Charon, Charon];
      const version = await commands.version();
      await listener.listen([...SA_EVENTS, ...this.extra]);
      if (this.state !== "connecting") {
        for (const charon of opened) charon.close();
        return;
      }
      this.state = "up";
      this.failures = 0;
      this.problem = undefined;
      this.pair = opened;
      this.events.up(commands, version);
    } catch (error) {
      for (const charon of opened) charon.close();
      this.again(error instanceof Error ? error.message : String(error));
    }
  }

  private lost(pair: readonly Charon[], reason: ViciError): void {
    for (const charon of pair) charon.close();
    // While connecting, the attempt itself fails and says so.
    if (this.state !== "up" || this.pair !== pair) return;
    this.pair = [];
    this.state = "connecting";
    this.again(reason.message);
  }

  private again(problem: string): void {
    if (this.state === "stopped") return;
    if (problem !== this.problem) {
      this.problem = problem;
      this.events.down(problem);
    }
    const wait = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.failures, 10), LONGEST_RETRY_MS);
    this.failures++;
    this.retry?.cancel();
    this.retry = this.clock.setTimer(wait, () => {
      void this.connect();
    });
  }
}
