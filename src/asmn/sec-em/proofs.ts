/** Who waits for an instance to speak next: an operator's `verify`, another VNF's question. */
import type { Clock, TimerHandle } from "../../util/clock.js";

interface Waiter {
  readonly settle: (spoke: boolean) => void;
  readonly timer: TimerHandle;
}

const MOST_WAITERS = 4096;

export class Proofs {
  private readonly clock: Clock;
  private readonly waiters = new Map<string, Set<Waiter>>();
  private count = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** @returns whether it spoke in time, whatever it proved */
  wait(identity: string, milliseconds: number): Promise<boolean> {
    if (this.count >= MOST_WAITERS) return Promise.resolve(false);
    this.count++;
    return new Promise((resolve) => {
      const waiter: Waiter = {
        settle: (spoke) => {
          waiter.timer.cancel();
          this.count--;
          const known = this.waiters.get(identity);
          known?.delete(waiter);
          if (known?.size === 0) this.waiters.delete(identity);
          resolve(spoke);
        },
        timer: this.clock.setTimer(milliseconds, () => waiter.settle(false)),
      };
      const known = this.waiters.get(identity);
      if (known === undefined) this.waiters.set(identity, new Set([waiter]));
      else known.add(waiter);
    });
  }

  stepped(identity: string): void {
    for (const waiter of [...(this.waiters.get(identity) ?? [])]) waiter.settle(true);
  }
}
