/** A clock that goes when it is told to. */
import type { Clock, TimerHandle } from "../../../../src/util/clock.js";

export class TestClock implements Clock {
  private time = 1000;
  /** Monday, 1 January 2024, 12:00 UTC. */
  offset = Date.UTC(2024, 0, 1, 12) - 1000;
  private readonly timers = new Set<{ at: number; run: () => void }>();

  now(): number {
    return this.time;
  }

  wall(): number {
    return this.time + this.offset;
  }

  setTimer(milliseconds: number, run: () => void): TimerHandle {
    const timer = { at: this.time + milliseconds, run };
    this.timers.add(timer);
    return { cancel: () => this.timers.delete(timer) };
  }

  pass(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const next = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.run();
    }
    this.time = end;
  }
}
