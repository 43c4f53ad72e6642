/**
 * What happened to sessions lately, in order, for those who watch: each has a position of its own, and is told how
 * much it lost when it falls behind by more than what is kept.
 */
import type { Clock } from "../../util/clock.js";
import type { SessionEvent } from "./session.js";

export interface SessionEventBatch {
  readonly events: readonly SessionEvent[];
  /** Events between the position asked for and the first one here that are gone. */
  readonly lost: number;
  /** Where to go on. */
  readonly next: number;
}

/** Events kept. */
const KEPT = 4096;
const MOST = 1000;
const MOST_WAIT_MS = 30_000;
/** Watches that may wait at once; further ones are answered at once. */
const MOST_WAITING = 256;

export class SessionEventLog {
  private readonly clock: Clock;
  private readonly ring: SessionEvent[] = [];
  private next = 0;
  private readonly waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  note(event: SessionEvent): void {
    this.ring[this.next++ % KEPT] = event;
    for (const wake of [...this.waiting]) wake();
  }

  async read(after: number | undefined, most: number, waitMs: number): Promise<SessionEventBatch> {
    // A position of another run is none of ours.
    const from = after === undefined || after > this.next ? this.next : Math.max(0, after);
    if (from === this.next && waitMs > 0) await this.wait(waitMs);
    const start = Math.max(from, this.next - KEPT);
    const end = Math.min(this.next, start + Math.min(MOST, Math.max(0, most)));
    const events: SessionEvent[] = [];
    for (let at = start; at < end; at++) {
      const event = this.ring[at % KEPT];
      if (event !== undefined) events.push(event);
    }
    return { events, lost: start - from, next: end };
  }

  private wait(waitMs: number): Promise<void> {
    if (this.waiting.size >= MOST_WAITING) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.waiting.delete(wake);
        resolve();
      };
      const timer = this.clock.setTimer(Math.min(MOST_WAIT_MS, waitMs), wake);
      this.waiting.add(wake);
    });
  }
}
