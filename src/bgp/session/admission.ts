/**
 * A thousand peers at once: at most `limit` dynamic handshakes run, the rest wait with their
 * connections unread, first come first served, for at most WAIT_MS.
 */
import { Cease } from "../../fast-bgp-codec/iana.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import { refuse } from "./refuse.js";
import type { Connection } from "./types.js";

/** Peers wait about as long for an OPEN before they give up. */
export const WAIT_MS = 60_000;

interface Waiting {
  readonly connection: Connection;
  readonly until: number;
}

export class Admission {
  limit: number;
  private readonly clock: Clock;
  private readonly running: () => number;
  private readonly admit: (connection: Connection) => void;
  private queue: Waiting[] = [];
  private head = 0;
  private timer: TimerHandle | undefined;
  private admitting = false;

  /** @param running handshakes now; @param admit starts one */
  constructor(
    clock: Clock,
    limit: number,
    running: () => number,
    admit: (connection: Connection) => void,
  ) {
    this.clock = clock;
    this.limit = limit;
    this.running = running;
    this.admit = admit;
  }

  get waiting(): number {
    return this.queue.length - this.head;
  }

  enter(connection: Connection): void {
    this.queue.push({ connection, until: this.clock.now() + WAIT_MS });
    this.next();
  }

  /** Admits while there is room. Call when a handshake is over. */
  next(): void {
    // Admitting one may end one at once: the loop below sees to it.
    if (this.admitting) return;
    this.admitting = true;
    while (this.waiting > 0 && this.running() < this.limit) {
      const { connection } = this.queue[this.head++]!;
      this.admit(connection);
    }
    this.admitting = false;
    this.settle();
  }

  close(subcode: number): void {
    for (const { connection } of this.queue.slice(this.head)) refuse(connection, subcode);
    this.head = this.queue.length;
    this.settle();
  }

  private expire(): void {
    const now = this.clock.now();
    while (this.waiting > 0 && this.queue[this.head]!.until <= now) {
      refuse(this.queue[this.head++]!.connection, Cease.OutOfResources);
    }
    this.settle();
  }

  private settle(): void {
    if (this.waiting === 0) {
      this.queue = [];
      this.head = 0;
      this.timer?.cancel();
      this.timer = undefined;
      return;
    }
    this.timer ??= this.clock.setTimer(
      Math.max(0, this.queue[this.head]!.until - this.clock.now()),
      () => {
        this.timer = undefined;
        this.expire();
      },
    );
  }
}
