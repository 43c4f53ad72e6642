/**
 * What happened to sessions lately, in order, for those who watch: each has a position of its own, and is told how
 * much it lost when it falls behind by more than what is kept. Of a change only whose it is is kept: a watch is told
 * the session as it is by then, once, and a busy relay does not keep thousands of outdated sessions for nobody.
 */
import type { Clock } from "../../util/clock.js";
import type { Session, SessionEvent } from "./session.js";

export interface SessionEventBatch {
  readonly events: readonly SessionEvent[];
  /** Events between the position asked for and the first one here that are gone. */
  readonly lost: number;
  /** Where to go on. */
  readonly next: number;
}

/** A session as it is now; undefined when it is over. */
export type SessionFinder = (tenant: string, mac: string, id: number) => Session | undefined;

/** Events kept. */
const KEPT = 4096;
const MOST = 1000;
const MOST_WAIT_MS = 30_000;
/** Watches that may wait at once; further ones are answered at once. */
const MOST_WAITING = 256;

export class SessionEventLog {
  private readonly clock: Clock;
  private readonly current: SessionFinder;
  /** Beginnings and ends; undefined where there is a change. */
  private readonly ring: (SessionEvent | undefined)[] = [];
  /** Of changes: tenant, MAC and the session's id. */
  private readonly tenants: string[] = [];
  private readonly macs: string[] = [];
  private readonly ids: number[] = [];
  private next = 0;
  private readonly waiting = new Set<() => void>();

  constructor(clock: Clock, current: SessionFinder) {
    this.clock = clock;
    this.current = current;
  }

  note(event: SessionEvent): void {
    const at = this.next++ % KEPT;
    const { kind, session } = event;
    this.ring[at] = kind === "changed" ? undefined : event;
    this.tenants[at] = session.tenant;
    this.macs[at] = session.mac;
    this.ids[at] = session.id;
    if (this.waiting.size > 0) for (const wake of [...this.waiting]) wake();
  }

  async read(after: number | undefined, most: number, waitMs: number): Promise<SessionEventBatch> {
    // A position of another run is none of ours.
    const from = after === undefined || after > this.next ? this.next : Math.max(0, after);
    if (from === this.next && waitMs > 0) await this.wait(waitMs);
    const start = Math.max(from, this.next - KEPT);
    const end = Math.min(this.next, start + Math.min(MOST, Math.max(0, most)));
    return { events: this.between(start, end), lost: start - from, next: end };
  }

  /** Of the changes of a session the last, where it is still the same session. */
  private between(start: number, end: number): SessionEvent[] {
    const events: SessionEvent[] = [];
    const told = new Set<Session>();
    for (let at = end - 1; at >= start; at--) {
      const event = this.ring[at % KEPT];
      if (event !== undefined) {
        events.push(event);
        continue;
      }
      const row = at % KEPT;
      const { tenants, macs, ids } = this;
      const session = this.current(tenants[row] ?? "", macs[row] ?? "", ids[row] ?? 0);
      if (session === undefined || told.has(session)) continue;
      told.add(session);
      events.push({ kind: "changed", session });
    }
    return events.reverse();
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
