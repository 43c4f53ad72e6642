/**
 * Slow peers: who does not take what it is sent while others do. Once a second each session's backlog
 * (changes not read from the log) and pending octets (not taken by the kernel) are looked at; above a
 * threshold for long enough it is *slow*, well below for a while it is not any more. Nothing is done
 * about it: it is said (log, metric, views). The send hold timer closes who takes nothing at all
 * (RFC 9687), and the budget for laggards who holds too much (`reflector.ts`).
 *
 * When most are behind it is us, or a burst, and nobody is slow. Time in which this thread stood still
 * is not the peer's. A first table on its way is no backlog as long as it moves.
 */
import type { Clock, TimerHandle } from "../util/clock.js";
import type { Log } from "../util/log.js";
import type { AdjRibOut } from "./adj-rib-out/adj-rib-out.js";
import type { EstablishedSession } from "./session/types.js";
import type { SlowPeerSettings } from "./slow-settings.js";

export interface SlowPeersParts {
  readonly sessions: () => Iterable<{
    readonly slot: number;
    readonly session: EstablishedSession;
  }>;
  readonly out: AdjRibOut;
  readonly clock: Clock;
  readonly log: Log;
}

/** A peer that is slow now. */
export interface Slowness {
  /** Wall-clock milliseconds. */
  readonly since: number;
}

interface Watched {
  /** Milliseconds above the thresholds in a row, and well below them. */
  behindMs: number;
  pastMs: number;
  slow: Slowness | undefined;
  /** Where its dump stood. */
  dumpAt: number;
}

const LOOK_MS = 1000;
/** A longer step is a stall of our own. */
const MOST_STEP_MS = 2 * LOOK_MS;

export class SlowPeers {
  private readonly parts: SlowPeersParts;
  private settings: SlowPeerSettings | undefined;
  private readonly watched = new Map<number, Watched>();
  private timer: TimerHandle | undefined;
  private lookedAt = 0;
  private events = 0;

  constructor(parts: SlowPeersParts) {
    this.parts = parts;
  }

  configure(settings: SlowPeerSettings): void {
    this.settings = settings;
    this.timer?.cancel();
    this.timer = undefined;
    this.lookedAt = this.parts.clock.now();
    if (settings.enabled) this.arm();
    else this.watched.clear();
  }

  stop(): void {
    this.timer?.cancel();
  }

  /** Undefined when the session is not slow. */
  of(sessionId: number): Slowness | undefined {
    return this.watched.get(sessionId)?.slow;
  }

  stats(): Record<string, number> {
    let slow = 0;
    for (const { slow: now } of this.watched.values()) if (now !== undefined) slow++;
    return { slow_peers: slow, slow_peer_events_total: this.events };
  }

  /** One look at everybody; the timer's, and the tests'. */
  look(): void {
    const { settings } = this;
    if (settings === undefined) return;
    const now = this.parts.clock.now();
    const step = Math.min(now - this.lookedAt, MOST_STEP_MS);
    this.lookedAt = now;
    const sessions = [...this.parts.sessions()];
    const behind = new Set<number>();
    for (const { slot, session } of sessions) {
      if (this.isBehind(slot, session, settings)) behind.add(session.id);
    }
    const most = sessions.length > 1 && 2 * behind.size > sessions.length;
    const live = new Set<number>();
    for (const { slot, session } of sessions) {
      live.add(session.id);
      const watched = this.watch(session.id);
      if (!behind.has(session.id)) watched.behindMs = 0;
      else if (!most) watched.behindMs += step;
      if (this.isPast(slot, session, settings)) watched.pastMs += step;
      else watched.pastMs = 0;
      this.judge(slot, session, watched, settings);
    }
    for (const id of this.watched.keys()) if (!live.has(id)) this.watched.delete(id);
  }

  private arm(): void {
    this.timer = this.parts.clock.setTimer(LOOK_MS, () => {
      this.arm();
      this.look();
    });
  }

  private watch(id: number): Watched {
    let watched = this.watched.get(id);
    if (watched === undefined) {
      watched = { behindMs: 0, pastMs: 0, slow: undefined, dumpAt: -1 };
      this.watched.set(id, watched);
    }
    return watched;
  }

  private isBehind(slot: number, session: EstablishedSession, settings: SlowPeerSettings): boolean {
    if (this.parts.out.backlog(slot) >= settings.backlog) return true;
    const moves = this.dumpMoves(slot, session);
    return session.pendingBytes >= settings.pendingOctets && !moves;
  }

  /** Well below: half of each, so that who hovers at the threshold does not come and go. */
  private isPast(slot: number, session: EstablishedSession, settings: SlowPeerSettings): boolean {
    return (
      this.parts.out.backlog(slot) < settings.backlog / 2 &&
      session.pendingBytes < settings.pendingOctets / 2
    );
  }

  private dumpMoves(slot: number, session: EstablishedSession): boolean {
    const watched = this.watch(session.id);
    const dump = this.parts.out.cursor(slot)?.dump;
    const at = dump === undefined ? -1 : dump.stage * 2 ** 32 + dump.next;
    const moved = at !== watched.dumpAt && at >= 0;
    watched.dumpAt = at;
    return moved;
  }

  private judge(
    slot: number,
    session: EstablishedSession,
    watched: Watched,
    settings: SlowPeerSettings,
  ): void {
    const { log, clock, out } = this.parts;
    const fields = {
      peer: session.peerAddress,
      pendingOctets: session.pendingBytes,
      backlog: out.backlog(slot),
    };
    if (watched.slow === undefined && watched.behindMs >= 1000 * settings.seconds) {
      watched.slow = { since: clock.wall() - watched.behindMs };
      watched.pastMs = 0;
      this.events++;
      log.warn(fields, `the peer is slow: it has been behind for ${settings.seconds} s`);
    } else if (watched.slow !== undefined && watched.pastMs >= 1000 * settings.recoverySeconds) {
      const seconds = Math.round((clock.wall() - watched.slow.since) / 1000);
      watched.slow = undefined;
      log.info(fields, `the peer is no longer slow, after ${seconds} s`);
    }
  }
}
