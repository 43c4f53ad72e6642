/**
 * One tick for all sessions (10 Hz) instead of a timer per session and message: restarting a hold or
 * keepalive timer is a number store.
 *
 * Two times are kept. `now` is the clock's, for what the peer waits for: our KEEPALIVEs. `readTime`
 * only advances while the event loop turns, at most MAX_STEP_MS per tick, and is what hold timers run on: time in
 * which we did not read is not the peer's silence. A timer that seems expired is confirmed after a
 * poll phase, so that what lay in the socket is heard first (RFC 4271 section 6.5 asks for silence, not for
 * our being busy).
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { PeerOptions } from "../settings.js";

export const TICK_MS = 100;
const MAX_STEP_MS = 2 * TICK_MS;

/** RFC 4271 section 8.2.2: "a large value" while waiting for the OPEN. */
export const OPEN_WAIT_SECONDS = 240;
/** RFC 9687 section 4: at least eight minutes. */
const SEND_HOLD_MINIMUM_SECONDS = 480;

export interface Ticking {
  /** May write; must not close anything: leave that to `afterPoll`. */
  tick(): void;
}

/** Runs `check` when the event loop has been through a whole poll phase. */
export type AfterPoll = (check: () => void) => void;

/** From a timer the first setImmediate comes after a poll phase, from elsewhere it may not; the second one surely does. */
export const afterNextPoll: AfterPoll = (check) => {
  setImmediate(() => setImmediate(check));
};

export class TimerWheel {
  /** Clock's milliseconds at the last tick. */
  now: number;
  /** Milliseconds in which we could read. */
  readTime = 0;
  readonly afterPoll: AfterPoll;
  private readonly clock: Clock;
  private readonly members = new Set<Ticking>();
  private timer: TimerHandle | undefined;

  constructor(clock: Clock, afterPoll: AfterPoll = afterNextPoll) {
    this.clock = clock;
    this.afterPoll = afterPoll;
    this.now = clock.now();
  }

  add(member: Ticking): void {
    this.pulse();
    this.members.add(member);
    if (this.timer === undefined) {
      this.now = this.clock.now();
      this.arm();
    }
  }

  remove(member: Ticking): void {
    this.members.delete(member);
    if (this.members.size > 0) return;
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** A tick if one is due: called from busy places, so that KEEPALIVEs go out in the middle of a long turn. */
  pulse(): void {
    const now = this.clock.now();
    const elapsed = now - this.now;
    // A timer may fire a little early by the clock.
    if (elapsed < TICK_MS - 10) return;
    this.now = now;
    this.readTime += Math.min(elapsed, MAX_STEP_MS);
    for (const member of this.members) member.tick();
  }

  private arm(): void {
    this.timer = this.clock.setTimer(TICK_MS, () => {
      this.arm();
      this.pulse();
    });
  }
}

/** RFC 4271 section 10: three quarters to the whole of the interval, anew each time. */
export function jitter(milliseconds: number, random: () => number): number {
  return milliseconds * (0.75 + 0.25 * random());
}

/** Seconds of the send hold timer (RFC 9687); 0 = off, as with a hold time of 0. */
export function sendHoldSeconds(configured: number, holdTime: number): number {
  if (holdTime === 0) return 0;
  return configured > 0 ? configured : Math.max(SEND_HOLD_MINIMUM_SECONDS, 2 * holdTime);
}

/** Milliseconds in Idle after the n-th failure in a row, n from 0 (DampPeerOscillations). */
export function idleHoldMs(failures: number, firstSeconds: number, mostSeconds: number): number {
  return 1000 * Math.min(firstSeconds * 2 ** Math.min(failures, 20), mostSeconds);
}

/** How long a peer that passed a limit stays down: that of `limits` where one of them ends sessions; 0 = until enabled. */
export function limitRestartSeconds({ limits, prefixLimitRestart }: PeerOptions): number {
  const stops = [...limits.in, ...limits.out].some((limit) => limit.action === "stop");
  return stops ? limits.restart : prefixLimitRestart;
}
