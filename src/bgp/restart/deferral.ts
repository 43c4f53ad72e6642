/**
 * Our own restart (RFC 4724 section 4.1): peers that keep our routes are sent nothing before we know again
 * what we knew, for they drop what is not announced by our End-of-RIB. Waited for is the End-of-RIB of every
 * peer that was Established in the life before, and of whoever else comes up with graceful restart
 * meanwhile; a timer bounds the wait. Pure: time comes from the clock, families are bit masks.
 *
 * Not waited for: peers that say that they restarted themselves (R), which may be waiting for us; peers
 * without graceful restart, of which some never send End-of-RIB; peers somebody took down.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Family } from "../../fast-bgp-codec/family.js";
import type { EstablishedSession } from "../session/types.js";

export interface DeferralView {
  readonly secondsLeft: number;
  /** Addresses waited for. */
  readonly waitingFor: readonly string[];
}

/**
 * Between the last End-of-RIB and the end: FRR 8.4 sends its own up to half a second before its routes, which
 * it announces by a timer.
 */
export const SETTLE_MS = 1_000;
/** Not back yet. */
const ALL = -1;

export class Deferral {
  private readonly clock: Clock;
  private readonly ends: number;
  private readonly timer: TimerHandle;
  private readonly done: (why: string, missing: readonly string[]) => void;
  /** Families whose End-of-RIB is missing, by address. */
  private readonly waiting = new Map<string, number>();
  private over = false;
  private settling: TimerHandle | undefined;

  /**
   * @param expected addresses of the peers that were Established; not empty
   * @param done called once, later than this returns, with those that were waited for in vain
   */
  constructor(
    expected: readonly string[],
    clock: Clock,
    seconds: number,
    done: (why: string, missing: readonly string[]) => void,
  ) {
    this.clock = clock;
    this.done = done;
    this.ends = clock.now() + 1000 * seconds;
    for (const address of expected) this.waiting.set(address, ALL);
    this.timer = clock.setTimer(1000 * seconds, () => {
      this.finish(`the selection deferral time of ${seconds} s is over`);
    });
  }

  get active(): boolean {
    return !this.over;
  }

  view(): DeferralView | undefined {
    if (this.over) return undefined;
    const secondsLeft = Math.max(0, Math.ceil((this.ends - this.clock.now()) / 1000));
    return { secondsLeft, waitingFor: [...this.waiting.keys()] };
  }

  established({
    peerAddress,
    negotiated,
  }: Pick<EstablishedSession, "peerAddress" | "negotiated">): void {
    if (this.over) return;
    const { gracefulRestart, families } = negotiated;
    const sendsEnd = gracefulRestart !== undefined && !gracefulRestart.restarting;
    if (sendsEnd) this.waiting.set(peerAddress, families);
    else this.forget(peerAddress);
  }

  /** Lost again: its routes are to come anew. */
  lost(address: string): void {
    if (!this.over && this.waiting.has(address)) this.waiting.set(address, ALL);
  }

  endOfRib(address: string, family: Family): void {
    const missing = this.waiting.get(address);
    if (this.over || missing === undefined || missing === ALL) return;
    const left = missing & ~(1 << family);
    if (left !== 0) this.waiting.set(address, left);
    else this.forget(address);
  }

  /** The peer is not to be waited for. */
  forget(address: string): void {
    if (this.over) return;
    this.waiting.delete(address);
    if (this.waiting.size > 0 || this.settling !== undefined) return;
    this.settling = this.clock.setTimer(SETTLE_MS, () => {
      this.settling = undefined;
      // Meanwhile one more may have come up.
      if (this.waiting.size === 0) this.finish("every peer has sent what it has");
    });
  }

  private finish(why: string): void {
    if (this.over) return;
    this.over = true;
    this.timer.cancel();
    this.settling?.cancel();
    this.done(why, [...this.waiting.keys()]);
  }
}
