/**
 * The update rate of one peer. Beyond it reading from the peer pauses, TCP's window closes and the peer
 * has to wait; our KEEPALIVEs go on, and the time in which we do not read is not the peer's silence.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { UpdateRateLimit } from "./settings.js";
import { TokenBucket } from "./token-bucket.js";

/** Reading can be stopped and go on. */
export interface Readable {
  pause(): void;
  resume(): void;
}

/** Less debt than this waits for more. */
const SHORTEST_PAUSE_MS = 5;

export class ReadPace {
  /** Pauses so far, and how long they were, milliseconds; the present one is in `pausedMs`. */
  pauses = 0;
  private pastMs = 0;
  private pausedAt: number | undefined;
  private readonly clock: Clock;
  private readonly session: Readable;
  private updates: TokenBucket | undefined;
  private routes: TokenBucket | undefined;
  private timer: TimerHandle | undefined;

  constructor(clock: Clock, session: Readable) {
    this.clock = clock;
    this.session = session;
  }

  get isPaused(): boolean {
    return this.pausedAt !== undefined;
  }

  get pausedMs(): number {
    return this.pastMs + (this.pausedAt === undefined ? 0 : this.clock.now() - this.pausedAt);
  }

  /** A new rate holds from now on; what is owed under the old one is forgiven. */
  set(limit: UpdateRateLimit): void {
    const now = this.clock.now();
    const bucket = (rate: number): TokenBucket | undefined =>
      rate === 0 ? undefined : new TokenBucket(rate, Math.max(1, rate * limit.burst), now);
    this.updates = bucket(limit.updates);
    this.routes = bucket(limit.routes);
    this.goOn();
  }

  /** One UPDATE with so many routes has been read. */
  took(routes: number): void {
    const { updates, routes: routeBucket } = this;
    if (updates === undefined && routeBucket === undefined) return;
    const now = this.clock.now();
    updates?.take(1, now);
    routeBucket?.take(routes, now);
    if (this.isPaused) return;
    const debt = Math.max(updates?.debtMs(now) ?? 0, routeBucket?.debtMs(now) ?? 0);
    if (debt < SHORTEST_PAUSE_MS) return;
    this.pauses++;
    this.pausedAt = now;
    this.session.pause();
    this.wait(debt);
  }

  /** The session is over. */
  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** What was read before reading stopped may have added to the debt. */
  private wait(milliseconds: number): void {
    this.timer = this.clock.setTimer(milliseconds, () => {
      this.timer = undefined;
      const now = this.clock.now();
      const debt = Math.max(this.updates?.debtMs(now) ?? 0, this.routes?.debtMs(now) ?? 0);
      if (debt >= SHORTEST_PAUSE_MS) this.wait(debt);
      else this.goOn();
    });
  }

  private goOn(): void {
    this.timer?.cancel();
    this.timer = undefined;
    if (this.pausedAt === undefined) return;
    this.pastMs += this.clock.now() - this.pausedAt;
    this.pausedAt = undefined;
    this.session.resume();
  }
}
