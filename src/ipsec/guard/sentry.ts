/**
 * Hears at once when somebody takes rules out of the packet filter: `nft monitor destroy` runs beside us and
 * prints a line for each thing that goes. Lines that name the guard's table call for a look. Should the program
 * not run, looks from time to time remain, which do not depend on it.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import { programListener, type ListenToProgram } from "../../util/run-program.js";
import { GUARD_TABLE } from "./ruleset.js";

/** Starts the program: text in pieces, then its end. Returns what ends it. */
export type NftMonitor = ListenToProgram;

export const monitorNft: NftMonitor = programListener(["nft", "monitor", "destroy"]);

export interface SentryParts {
  readonly clock: Clock;
  readonly monitor: NftMonitor;
  /** Something of ours may have gone. */
  readonly onLoss: () => void;
}

/** A flush is many lines. */
const SOON_MS = 50;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
/** Of a line without an end. */
const MOST_LINE = 4096;

export class GuardSentry {
  private readonly parts: SentryParts;
  private end: (() => void) | undefined;
  private soon: TimerHandle | undefined;
  private retry: TimerHandle | undefined;
  private retryMs = FIRST_RETRY_MS;
  private rest = "";

  constructor(parts: SentryParts) {
    this.parts = parts;
  }

  start(): void {
    this.retry = undefined;
    this.rest = "";
    this.end = this.parts.monitor(
      (text) => this.take(text),
      () => this.ended(),
    );
    // What went before it listened nobody has told.
    this.look();
  }

  stop(): void {
    this.end?.();
    this.soon?.cancel();
    this.retry?.cancel();
  }

  private take(text: string): void {
    this.retryMs = FIRST_RETRY_MS;
    const all = this.rest + text;
    if (all.includes(GUARD_TABLE)) this.look();
    this.rest = all.slice(all.lastIndexOf("\n") + 1).slice(-MOST_LINE);
  }

  private look(): void {
    this.soon ??= this.parts.clock.setTimer(SOON_MS, () => {
      this.soon = undefined;
      this.parts.onLoss();
    });
  }

  private ended(): void {
    this.retry = this.parts.clock.setTimer(this.retryMs, () => this.start());
    this.retryMs = Math.min(2 * this.retryMs, LAST_RETRY_MS);
  }
}
