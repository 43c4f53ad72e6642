/**
 * Records that no home server answered while it answered others: they stand aside in a store of their own, so
 * that the queue goes on without them. None is dropped: a few are tried every minute, in turn, and as soon
 * as one of them is taken the others follow at once. Their place in the order of their session is lost; the
 * home server has Event-Timestamp and Acct-Delay-Time to tell when they were.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { Pool } from "../upstream/pool.js";
import { sendSpooled } from "./send.js";
import { sessionOf } from "./session-of.js";
import type { Spool, Spooled } from "./spool.js";

export interface ParkedParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly spool: Spool;
  readonly pools: ReadonlyMap<string, Pool>;
}

/** Tried at a time: as a question, and when the answer was good. */
const FEW = 16;
const MANY = 256;
const ANSWER_MS = 8000;
const PAUSE_MS = 60_000;

/** A try of some records of a pool. */
interface Round {
  underWay: number;
  taken: number;
  /** Of the next one. */
  nextAt: number;
  readonly timers: Set<TimerHandle>;
}

export class ParkedLane {
  private readonly parts: ParkedParts;
  private readonly rounds = new Map<string, Round>();
  private stopped = false;

  constructor(parts: ParkedParts) {
    this.parts = parts;
  }

  /** To be called a few times a second. */
  run(): void {
    if (this.stopped) return;
    for (const pool of this.parts.pools.values()) {
      if (this.parts.spool.waiting(pool.name) > 0) this.runPool(pool);
    }
  }

  stop(): void {
    this.stopped = true;
    for (const { timers } of this.rounds.values()) for (const timer of timers) timer.cancel();
    this.rounds.clear();
  }

  private runPool(pool: Pool): void {
    const now = this.parts.clock.now();
    let round = this.rounds.get(pool.name);
    if (round === undefined) {
      // The first that is parked has just been tried.
      round = { underWay: 0, taken: 0, nextAt: now + PAUSE_MS, timers: new Set() };
      this.rounds.set(pool.name, round);
    }
    if (round.underWay > 0 || now < round.nextAt) return;
    const most = round.taken > 0 ? MANY : FEW;
    round.taken = 0;
    round.nextAt = now + PAUSE_MS;
    const sessions = new Set<string>();
    for (const entry of this.parts.spool.oldest(pool.name)) {
      if (sessions.size >= most) break;
      const session = sessionOf(entry.packet);
      if (sessions.has(session)) continue;
      sessions.add(session);
      if (!this.send(entry, pool, round)) break;
    }
  }

  /** @returns false when nobody can take anything now */
  private send(entry: Spooled, pool: Pool, round: Round): boolean {
    const { clock, log, spool } = this.parts;
    const sent = sendSpooled(entry, pool, clock, () => {
      timer.cancel();
      round.taken++;
      spool.remove(entry);
      done();
    });
    if (sent === "busy") return false;
    if (typeof sent === "string") {
      log.error({ pool: pool.name }, `a parked accounting record ${sent} and goes`);
      spool.remove(entry);
      return true;
    }
    round.underWay++;
    const timer = clock.setTimer(ANSWER_MS, () => {
      sent.server.forget(sent.ticket);
      this.toTheEnd(entry);
      done();
    });
    round.timers.add(timer);
    const done = (): void => {
      round.timers.delete(timer);
      round.underWay--;
      if (round.underWay === 0 && round.taken > 0) round.nextAt = clock.now();
    };
    return true;
  }

  /** Others have their turn first. Where the disk refuses it stays where it is. */
  private toTheEnd(entry: Spooled): void {
    const { spool } = this.parts;
    if (spool.waiting(entry.pool) <= FEW) return;
    spool.append(entry.pool, entry.packet, entry.arrivedAt).then(
      () => spool.remove(entry),
      () => {},
    );
  }
}
