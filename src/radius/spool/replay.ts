/**
 * From the spool to the home servers: in order, with Acct-Delay-Time raised by the time waited (RFC 2866
 * section 5.2), again and again until one takes it. Records of one session go one after the other, those
 * of different sessions side by side. A record that a living server never answers steps aside, with what
 * belongs to its session, so that the others go on.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { Attr } from "../packet/iana.js";
import { checkPacket, findText } from "../packet/packet.js";
import { macOf } from "../session/station.js";
import type { Pool } from "../upstream/pool.js";
import { nextWait, SPOOLED } from "../upstream/retransmission.js";
import type { Spool, Spooled } from "./spool.js";

export interface ReplayParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly spool: Spool;
  readonly pools: ReadonlyMap<string, Pool>;
  /** 0 to 1, by chance. */
  readonly random: () => number;
}

/** Records of a pool under way at a time. */
const UNDER_WAY = 64;
/** Sent so often without an answer, a record steps aside. */
const STUBBORN = 3;
/** Of those, under way at a time, beside the others: they must not take the others' room. */
const STUBBORN_UNDER_WAY = 16;

/** A record that was sent. */
interface Attempt {
  readonly entry: Spooled;
  readonly session: string;
  readonly since: number;
  sent: number;
  wait: number;
  /** Waits for its answer, or for its next turn. */
  timer: TimerHandle | undefined;
}

export class Replay {
  private readonly parts: ReplayParts;
  /** By pool, by key; the one that was sent longest ago first. */
  private readonly attempts = new Map<string, Map<string, Attempt>>();
  private stopped = false;
  private pendingTurn = false;

  constructor(parts: ReplayParts) {
    this.parts = parts;
  }

  /** Sends what waits, as far as servers live and answers come. */
  run(): void {
    if (this.stopped) return;
    for (const pool of this.parts.pools.values()) this.runPool(pool);
  }

  /** Whether a new request must wait its turn behind what is spooled. */
  isBehind(pool: string, packet: Uint8Array): boolean {
    const waiting = this.parts.spool.waiting(pool);
    if (waiting === 0) return false;
    const session = sessionOf(packet);
    for (const one of this.attempts.get(pool)?.values() ?? []) {
      if (one.session === session) return true;
    }
    return waiting > this.parts.spool.aside(pool);
  }

  stop(): void {
    this.stopped = true;
    for (const attempts of this.attempts.values()) {
      for (const { timer } of attempts.values()) timer?.cancel();
    }
    this.attempts.clear();
  }

  private runPool(pool: Pool): void {
    const { spool } = this.parts;
    if (spool.waiting(pool.name) === 0) return;
    let attempts = this.attempts.get(pool.name);
    if (attempts === undefined) {
      attempts = new Map<string, Attempt>();
      this.attempts.set(pool.name, attempts);
    }
    let room = UNDER_WAY;
    let stubbornRoom = STUBBORN_UNDER_WAY;
    const stubborn = new Set<string>();
    for (const { sent, timer, session } of attempts.values()) {
      if (sent >= STUBBORN) stubborn.add(session);
      if (timer === undefined) continue;
      if (sent >= STUBBORN) stubbornRoom--;
      else room--;
    }
    let aside = 0;
    const busy = new Set<string>();
    for (const entry of spool.oldest(pool.name)) {
      // How many are aside is only known at the end.
      if (room <= 0 && stubborn.size === 0) break;
      const attempt = attempts.get(entry.key);
      const session = attempt?.session ?? sessionOf(entry.packet);
      if (stubborn.has(session)) aside++;
      if (room <= 0 || stubborn.has(session) || busy.has(session)) continue;
      busy.add(session);
      // Under way, or its next turn has not come.
      if (attempt?.timer !== undefined) continue;
      if (!this.send(entry, pool, attempts, session)) return;
      room--;
    }
    spool.setAside(pool.name, aside);
    for (const { entry, session, sent, timer } of attempts.values()) {
      if (stubbornRoom <= 0) return;
      if (sent < STUBBORN || timer !== undefined) continue;
      if (!this.send(entry, pool, attempts, session)) return;
      stubbornRoom--;
    }
  }

  /** @returns false when nobody can take anything now */
  private send(
    entry: Spooled,
    pool: Pool,
    attempts: Map<string, Attempt>,
    session: string,
  ): boolean {
    const { clock, spool, log, random } = this.parts;
    const server = pool.choose(undefined);
    if (server === undefined) return false;
    const facts = checkPacket(entry.packet);
    if (typeof facts === "string") {
      log.error({ pool: pool.name, fault: facts }, "a spooled record is damaged and goes");
      attempts.delete(entry.key);
      spool.remove(entry);
      return true;
    }
    const delaySeconds = Math.max(0, Math.round((clock.wall() - entry.arrivedAt) / 1000));
    const request = { packet: entry.packet, facts, secret: undefined, delaySeconds };
    const now = clock.now();
    const fresh = { entry, session, since: now, sent: 0, wait: 0, timer: undefined };
    const attempt: Attempt = attempts.get(entry.key) ?? fresh;
    const ticket = server.send(request, () => {
      attempt.timer?.cancel();
      attempts.delete(entry.key);
      spool.remove(entry);
      this.soon(pool);
    });
    if (ticket === undefined) {
      // No room now; or it grew too long on the way, which no time heals.
      if (server.pending > 0) return false;
      log.error({ pool: pool.name }, "a spooled record is too long to be sent and goes");
      attempts.delete(entry.key);
      spool.remove(entry);
      return true;
    }
    attempts.delete(entry.key);
    attempts.set(entry.key, attempt);
    attempt.sent++;
    attempt.wait =
      nextWait(SPOOLED, attempt.sent, attempt.wait, now - attempt.since, random()) ?? SPOOLED.most;
    attempt.timer = clock.setTimer(attempt.wait, () => {
      server.forget(ticket);
      attempt.timer = undefined;
      if (attempt.sent === STUBBORN && server.state === "alive") {
        log.warn(
          { pool: pool.name, homeServer: server.name },
          "a home server does not answer a spooled accounting record; it is tried on, others pass it",
        );
      }
    });
    return true;
  }

  /** Answers that came together make room together. */
  private soon(pool: Pool): void {
    if (this.pendingTurn) return;
    this.pendingTurn = true;
    queueMicrotask(() => {
      this.pendingTurn = false;
      if (!this.stopped) this.runPool(pool);
    });
  }
}

/** What must stay in order. */
function sessionOf(packet: Uint8Array): string {
  return `${macOf(packet)} ${findText(packet, Attr.AcctSessionId) ?? ""}`;
}
