/**
 * Many waits of one length behind one timer: who begins first is late first. What ends in time, as nearly
 * everything does, costs a place in a list and no timer of its own.
 */
import type { Clock, TimerHandle } from "./clock.js";

export interface Deadline {
  /** It came in time. */
  end(): void;
}

export class Deadlines {
  private readonly clock: Clock;
  private readonly milliseconds: number;
  private readonly waits = new Wait(0, () => {});
  private timer: TimerHandle | undefined;

  constructor(clock: Clock, milliseconds: number) {
    this.clock = clock;
    this.milliseconds = milliseconds;
  }

  /** @param late is called once, unless `end` is before that */
  begin(late: () => void): Deadline {
    const wait = new Wait(this.clock.now() + this.milliseconds, late);
    wait.joinBefore(this.waits);
    this.timer ??= this.clock.setTimer(this.milliseconds, this.look);
    return wait;
  }

  /** Nobody is late any more. */
  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private readonly look = (): void => {
    const now = this.clock.now();
    this.timer = undefined;
    for (;;) {
      const first = this.waits.next;
      if (first === this.waits) return;
      if (first.at > now) {
        this.timer = this.clock.setTimer(first.at - now, this.look);
        return;
      }
      first.end();
      first.late();
    }
  };
}

/** In a ring, so that none is first or last. */
class Wait implements Deadline {
  readonly at: number;
  readonly late: () => void;
  next: Wait = this;
  private previous: Wait = this;

  constructor(at: number, late: () => void) {
    this.at = at;
    this.late = late;
  }

  joinBefore(other: Wait): void {
    this.next = other;
    this.previous = other.previous;
    other.previous.next = this;
    other.previous = this;
  }

  end(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    // Two that are gone know nothing of each other: the old one would keep the new one from being collected.
    this.next = this;
    this.previous = this;
  }
}
