/**
 * What BGP of one VNF is held to, all its sessions together: UPDATEs a second (reading from the session that
 * is ahead pauses, as with limits of a peer) and routes (Cease 6/1). How many sessions it may have is looked
 * at when one begins. There is nothing of this while no VNF has limits.
 */
import type { TrustLimits } from "../../contract.js";
import { FAMILIES } from "../../fast-bgp-codec/family.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import { TokenBucket } from "../limits/token-bucket.js";
import type { Sources } from "../rib/sources.js";
import type { EstablishedSession } from "../session/types.js";

/** Seconds' worth of UPDATEs that may come at once. */
const BURST_SECONDS = 2;
/** Less debt than this waits for more. */
const SHORTEST_PAUSE_MS = 5;
const CEASE = 6;
const MAXIMUM_PREFIXES = 1;

export class VnfPolice {
  readonly name: string;
  readonly clock: Clock;
  readonly members = new Set<PolicedSession>();
  limits: TrustLimits;
  bucket: TokenBucket | undefined;
  private readonly sources: Sources;

  constructor(name: string, limits: TrustLimits, sources: Sources, clock: Clock) {
    this.name = name;
    this.sources = sources;
    this.clock = clock;
    this.limits = limits;
    this.bucket = this.bucketFor(limits);
  }

  configure(limits: TrustLimits): void {
    if (limits.updatesPerSecond !== this.limits.updatesPerSecond) {
      this.bucket = this.bucketFor(limits);
    }
    this.limits = limits;
  }

  /** More sessions than it may have. */
  get isCrowded(): boolean {
    const { sessions } = this.limits;
    return sessions > 0 && this.members.size > sessions;
  }

  /** Routes of all its sessions. */
  get routes(): number {
    let routes = 0;
    for (const { slot } of this.members) {
      for (const { family } of FAMILIES) routes += this.sources.count(slot, family);
    }
    return routes;
  }

  private bucketFor({ updatesPerSecond: rate }: TrustLimits): TokenBucket | undefined {
    if (rate === 0) return undefined;
    return new TokenBucket(rate, Math.max(1, rate * BURST_SECONDS), this.clock.now());
  }
}

export class PolicedSession {
  readonly slot: number;
  readonly police: VnfPolice;
  pauses = 0;
  private readonly session: EstablishedSession;
  private timer: TimerHandle | undefined;
  private closed = false;

  constructor(police: VnfPolice, session: EstablishedSession, slot: number) {
    this.police = police;
    this.session = session;
    this.slot = slot;
    police.members.add(this);
  }

  /** One UPDATE has been applied. May end the session. */
  took(): void {
    const { police } = this;
    const { prefixes } = police.limits;
    if (prefixes > 0 && !this.closed && police.routes > prefixes) {
      const why = `more than ${prefixes} routes of ${police.name} (limits of its VNF)`;
      this.session.reset(CEASE, MAXIMUM_PREFIXES, new Uint8Array(0), why);
      return;
    }
    const { bucket } = police;
    if (bucket === undefined) return;
    const now = police.clock.now();
    bucket.take(1, now);
    if (this.timer === undefined && !this.closed) this.pauseFor(bucket.debtMs(now));
  }

  /** The session is over, or policed no more. */
  close(): void {
    this.closed = true;
    this.police.members.delete(this);
    if (this.timer === undefined) return;
    this.timer.cancel();
    this.timer = undefined;
    this.session.resume();
  }

  private pauseFor(debt: number): void {
    if (debt < SHORTEST_PAUSE_MS) return;
    this.pauses++;
    this.session.pause();
    this.wait(debt);
  }

  private wait(milliseconds: number): void {
    this.timer = this.police.clock.setTimer(milliseconds, () => {
      this.timer = undefined;
      const debt = this.police.bucket?.debtMs(this.police.clock.now()) ?? 0;
      if (debt >= SHORTEST_PAUSE_MS) this.wait(debt);
      else this.session.resume();
    });
  }
}
