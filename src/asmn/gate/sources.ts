/**
 * The Sec-EMs that a gate listens to: which of them is alive. Trust hangs on heartbeats, never on a connection:
 * without one for too long all that a Sec-EM has said is stale, and after a grace nothing of it counts.
 */
export interface SourceView {
  readonly name: string;
  readonly link: "up" | "down";
  /** Why it is down, or why it is not believed. */
  readonly why: string;
  /** `alive`; `grace`: live sessions keep their last verdict; `out-of-reach`: nothing counts any more. */
  readonly state: "alive" | "grace" | "out-of-reach";
  /** Since the last heartbeat; undefined = none yet. */
  readonly secondsSinceHeartbeat: number | undefined;
  readonly synchronized: boolean;
  readonly entries: number;
  readonly refused: number;
  readonly lastRefusal: string;
}

export interface SourceTimes {
  readonly staleMs: number;
  readonly graceMs: number;
}

export class Source {
  readonly name: string;
  link: "up" | "down" = "down";
  why = "not connected yet";
  /** Monotonic milliseconds of the last heartbeat. */
  aliveAt: number | undefined;
  /** Since when it is not believed although it speaks. */
  suspectAt: number | undefined;
  synchronized = false;
  refused = 0;
  lastRefusal = "";

  constructor(name: string) {
    this.name = name;
  }

  /** Monotonic milliseconds from which on its verdicts are stale. */
  staleAt({ staleMs }: SourceTimes): number {
    if (this.aliveAt === undefined) return -Infinity;
    return Math.min(this.suspectAt ?? Infinity, this.aliveAt + staleMs);
  }

  /** And from which on live sessions do not keep them either. */
  graceUntil(times: SourceTimes): number {
    return this.staleAt(times) + times.graceMs;
  }

  view(times: SourceTimes, now: number, entries: number): SourceView {
    const state =
      now < this.staleAt(times) ? "alive" : now < this.graceUntil(times) ? "grace" : "out-of-reach";
    return {
      name: this.name,
      link: this.link,
      why: this.why,
      state,
      secondsSinceHeartbeat:
        this.aliveAt === undefined ? undefined : Math.floor((now - this.aliveAt) / 1000),
      synchronized: this.synchronized,
      entries,
      refused: this.refused,
      lastRefusal: this.lastRefusal,
    };
  }
}
