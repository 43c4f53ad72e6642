/**
 * From the spool to the home servers: in order, with Acct-Delay-Time raised by the time waited (RFC 2866
 * section 5.2), again and again until one takes it. Records of one session go one after the other, those
 * of different sessions side by side. A record that is not answered steps aside, with what belongs to its
 * session, so that the others go on; one that is not answered while its server answers others is parked
 * (`parked-lane.ts`), and its session goes on without it. While a server answers nobody, all wait.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import type { Pool } from "../upstream/pool.js";
import { nextWait, SPOOLED } from "../upstream/retransmission.js";
import { ParkedLane } from "./parked-lane.js";
import { repliesOf, sendSpooled } from "./send.js";
import { sessionOf } from "./session-of.js";
import { ASIDE_MAX } from "./spool.js";
import type { Spool, Spooled } from "./spool.js";

export interface ReplayParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly spool: Spool;
  /** Where records stand that nobody answers. */
  readonly parked: Spool;
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
/** Sent so often without an answer while the server answered others, it is parked. */
const IGNORED_MAX = 6;
/** Parked at a time, when those aside leave no room for others to be seen. */
const MAKE_ROOM = 512;

/** A record that was sent. */
interface Attempt {
  readonly entry: Spooled;
  readonly session: string;
  readonly since: number;
  sent: number;
  wait: number;
  /** Times that its server answered others and not this one. */
  ignored: number;
  /** On its way into the store of those that are parked. */
  isParking: boolean;
  /** Waits for its answer, or for its next turn. */
  timer: TimerHandle | undefined;
}

export class Replay {
  private readonly parts: ReplayParts;
  /** By pool, by key; the one that was sent longest ago first. */
  private readonly attempts = new Map<string, Map<string, Attempt>>();
  private readonly lane: ParkedLane;
  private readonly rate: LogRate;
  /** Pools where room is being made. */
  private readonly makingRoom = new Set<string>();
  /** Of what is in memory: it is looked at again and again. */
  private readonly sessions = new WeakMap<Spooled, string>();
  private stopped = false;
  private pendingTurn = false;

  constructor(parts: ReplayParts) {
    const { clock, log, pools, parked } = parts;
    this.parts = parts;
    this.lane = new ParkedLane({ clock, log, pools, spool: parked });
    this.rate = new LogRate(clock);
  }

  /** Sends what waits, as far as servers live and answers come. */
  run(): void {
    if (this.stopped) return;
    for (const pool of this.parts.pools.values()) this.runPool(pool);
    this.lane.run();
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
    this.lane.stop();
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
    const setAside: Spooled[] = [];
    const busy = new Set<string>();
    for (const entry of spool.oldest(pool.name)) {
      // How many are aside is only known at the end.
      if (room <= 0 && stubborn.size === 0) break;
      const attempt = attempts.get(entry.key);
      const session = attempt?.session ?? this.sessionOf(entry);
      if (stubborn.has(session)) setAside.push(entry);
      if (room <= 0 || stubborn.has(session) || busy.has(session)) continue;
      busy.add(session);
      // Under way, or its next turn has not come.
      if (attempt?.timer !== undefined) continue;
      if (!this.send(entry, pool, attempts, session)) return;
      room--;
    }
    spool.setAside(pool.name, setAside.length);
    if (setAside.length >= ASIDE_MAX) this.makeRoom(pool, setAside, attempts);
    for (const { entry, session, sent, timer, isParking } of attempts.values()) {
      if (stubbornRoom <= 0) return;
      if (sent < STUBBORN || timer !== undefined || isParking) continue;
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
    const now = clock.now();
    const fresh = { entry, session, since: now, sent: 0, wait: 0, ignored: 0 };
    const attempt: Attempt = attempts.get(entry.key) ?? {
      ...fresh,
      isParking: false,
      timer: undefined,
    };
    const sent = sendSpooled(entry, pool, clock, () => {
      attempt.timer?.cancel();
      attempts.delete(entry.key);
      spool.remove(entry);
      this.soon(pool);
    });
    if (sent === "busy") return false;
    if (typeof sent === "string") {
      log.error({ pool: pool.name }, `a spooled accounting record ${sent} and goes`);
      attempts.delete(entry.key);
      spool.remove(entry);
      return true;
    }
    const { server, ticket } = sent;
    const replies = repliesOf(server);
    attempts.delete(entry.key);
    attempts.set(entry.key, attempt);
    attempt.sent++;
    attempt.wait =
      nextWait(SPOOLED, attempt.sent, attempt.wait, now - attempt.since, random()) ?? SPOOLED.most;
    attempt.timer = clock.setTimer(attempt.wait, () => {
      server.forget(ticket);
      attempt.timer = undefined;
      // Its first way to a home server was the faster one after all.
      if (!spool.isWaiting(entry)) attempts.delete(entry.key);
      else if (repliesOf(server) > replies && ++attempt.ignored >= IGNORED_MAX) {
        void this.park(pool, [entry], attempts);
      }
    });
    return true;
  }

  /** Those aside fill what is in memory: the oldest of them go, so that what is behind can be seen. */
  private makeRoom(pool: Pool, setAside: readonly Spooled[], attempts: Map<string, Attempt>): void {
    if (this.parts.spool.waiting(pool.name) <= setAside.length) return;
    if (this.makingRoom.has(pool.name)) return;
    this.makingRoom.add(pool.name);
    const oldest = setAside.filter(({ key }) => attempts.get(key)?.timer === undefined);
    void this.park(pool, oldest.slice(0, MAKE_ROOM), attempts).then(() => {
      this.makingRoom.delete(pool.name);
    });
  }

  /** On disk there before it goes here: a crash between doubles a record, and loses none. Never rejects. */
  private async park(
    { name: pool }: Pool,
    entries: readonly Spooled[],
    attempts: Map<string, Attempt>,
  ): Promise<void> {
    const { spool, parked, log } = this.parts;
    await Promise.all(
      entries.map(async (entry) => {
        const attempt = attempts.get(entry.key);
        if (attempt !== undefined) attempt.isParking = true;
        try {
          await parked.append(pool, entry.packet, entry.arrivedAt);
          attempts.delete(entry.key);
          spool.remove(entry);
        } catch {
          // The disk refuses, and has said so: it stays, and is tried on.
          if (attempt !== undefined) attempt.isParking = false;
        }
      }),
    );
    const suppressed = this.rate.pass(pool);
    if (suppressed === undefined) return;
    log.error(
      { pool, parked: parked.waiting(pool), ...LogRate.fields(suppressed) },
      "home servers do not answer accounting records that they should know: these are parked, kept and tried every minute, and the others pass them",
    );
  }

  private sessionOf(entry: Spooled): string {
    let session = this.sessions.get(entry);
    if (session === undefined) this.sessions.set(entry, (session = sessionOf(entry.packet)));
    return session;
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
