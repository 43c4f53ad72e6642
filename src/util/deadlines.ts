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
  private closed = false;

  constructor(clock: Clock, milliseconds: number) {
    this.clock = clock;
    this.milliseconds = milliseconds;
  }

  /** @param late is called once, unless `end` is before that; must not throw */
  begin(late: () => void): Deadline {
    const wait = new Wait(this.clock.now() + this.milliseconds, late);
    if (this.closed) {
      late();
      return wait;
    }
    wait.joinBefore(this.waits);
    this.timer ??= this.clock.setTimer(this.milliseconds, this.look);
    return wait;
  }

  /** Whoever waits is late at once, and whoever begins from now on. */
  close(): void {
    this.closed = true;
    this.look();
  }

  private readonly look = (): void => {
    this.timer?.cancel();
    this.timer = undefined;
    const now = this.closed ? Infinity : this.clock.now();
    const late: Wait[] = [];
    let first = this.waits.next;
    for (; first !== this.waits && first.at <= now; first = this.waits.next) {
      first.end();
      late.push(first);
    }
    if (first !== this.waits) this.timer = this.clock.setTimer(first.at - now, this.look);
    for (const wait of late) wait.late();
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
