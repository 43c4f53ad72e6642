/**
 * The helper's side of graceful restart as a state machine (RFC 4724 section 4.2, RFC 8538, RFC 9494): of
 * which peers routes are kept, in what phase each family is, and until when. No table, no socket: what is
 * to be done goes to the `RetentionHost`, time comes from the clock.
 *
 *   session lost -> "stale" until the restart time is over -> "long-lived" until its stale time is over -> gone
 *   session back -> families it vouches for wait for End-of-RIB, at most `staleTime`; others are swept at once
 *
 * Invariants: an address is kept once; its slot belongs to it until its routes are gone or its next session
 * has it; a family is listed as long as a stale path of that loss may be there.
 */
import { FAMILIES, type Family } from "../../fast-bgp-codec/family.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { EstablishedSession, SessionDown } from "../session/types.js";
import { coverageOf } from "./coverage.js";

/** What the table's side has to do; none of it may take long by itself. */
export interface RetentionHost {
  routes(slot: number, family: Family): number;
  staleRoutes(slot: number, family: Family): number;
  /** Every path is stale until announced again; returns the mark. */
  mark(slot: number, family: Family): number;
  /** The newest mark made. */
  newestMark(slot: number, family: Family): number;
  /** Paths not announced since the mark go. */
  sweep(slot: number, family: Family, mark: number): void;
  /** Stale paths become the last choice (RFC 9494 section 4.3). */
  makeLongLived(slot: number, family: Family): void;
  /** Nobody will come back for the slot: its paths go, then it is free. */
  release(slot: number): void;
}

/** Who routes of a slot are from, as far as best path and reflection care. */
export interface SlotIdentity {
  readonly kind: number;
  readonly routerId: number;
  readonly as: number;
}

type LiveSession = Pick<EstablishedSession, "peerAddress" | "negotiated" | "options">;

export type RetentionPhase = "stale" | "long-lived";

interface Kept {
  phase: RetentionPhase;
  /** Clock's milliseconds at which the phase ends. */
  until: number;
  /** Milliseconds of the long-lived phase to come; 0 = none. */
  longLivedMs: number;
  /** Clock's milliseconds since which the oldest path has been stale. */
  readonly oldest: number;
}

interface RetainedPeer {
  readonly address: string;
  readonly slot: number;
  readonly identity: SlotIdentity;
  /** Without a session. */
  away: boolean;
  /** Clock's milliseconds of the loss. */
  readonly since: number;
  readonly families: Map<Family, Kept>;
}

export interface RetainedFamilyView {
  readonly family: string;
  readonly phase: RetentionPhase;
  readonly staleRoutes: number;
  /** Until the phase ends. */
  readonly secondsLeft: number;
}

/** Why routes of a peer are still kept; plain data. */
export interface RetentionView {
  /** "restarting": no session, its return is waited for. "resynchronizing": it is back, its End-of-RIB is. */
  readonly state: "restarting" | "resynchronizing";
  readonly secondsSinceLoss: number;
  readonly families: readonly RetainedFamilyView[];
}

export interface RetentionStats {
  /** Sessions lost whose routes were kept. */
  kept: number;
  /** Peers back in time. */
  returned: number;
  /** Peers that did not come back in time, long-lived time included. */
  expired: number;
  /** Families that became long-lived stale. */
  longLived: number;
}

/** Timers of any length are cut to what every runtime can hold. */
const LONGEST_TIMER_MS = 3_600_000;

export class RetainedPeers {
  readonly stats: RetentionStats = { kept: 0, returned: 0, expired: 0, longLived: 0 };
  private readonly host: RetentionHost;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly peers = new Map<string, RetainedPeer>();
  private timer: TimerHandle | undefined;

  constructor(host: RetentionHost, clock: Clock, log: Log) {
    this.host = host;
    this.clock = clock;
    this.log = log;
  }

  /** Peers without a session whose routes are kept. */
  get away(): number {
    let away = 0;
    for (const peer of this.peers.values()) if (peer.away) away++;
    return away;
  }

  /** Routes of any peer that are stale for a restart. */
  get staleRoutes(): number {
    let routes = 0;
    for (const { slot, families } of this.peers.values()) {
      for (const family of families.keys()) routes += this.host.staleRoutes(slot, family);
    }
    return routes;
  }

  retains(address: string): boolean {
    return this.peers.get(address)?.away === true;
  }

  /** Slots without a session. */
  slots(): number[] {
    return [...this.peers.values()].filter(({ away }) => away).map(({ slot }) => slot);
  }

  /** The family's stale paths of the slot are long-lived: whoever computes their attributes anew adds the mark. */
  isLongLived(address: string, family: Family): boolean {
    return this.peers.get(address)?.families.get(family)?.phase === "long-lived";
  }

  /** End-of-RIB after a restart is still to come: BoRR and EoRR mean nothing yet (RFC 7313 section 4). */
  awaitsEndOfRib(address: string, family: Family): boolean {
    const peer = this.peers.get(address);
    return peer !== undefined && !peer.away && peer.families.has(family);
  }

  view(address: string): RetentionView | undefined {
    const peer = this.peers.get(address);
    if (peer === undefined) return undefined;
    const now = this.clock.now();
    const left = (until: number): number => Math.max(0, Math.ceil((until - now) / 1000));
    return {
      state: peer.away ? "restarting" : "resynchronizing",
      secondsSinceLoss: Math.floor((now - peer.since) / 1000),
      families: [...peer.families].map(([family, { phase, until }]) => ({
        family: FAMILIES[family]!.name,
        phase,
        staleRoutes: this.host.staleRoutes(peer.slot, family),
        secondsLeft: left(until),
      })),
    };
  }

  /**
   * The session is gone. Returns whether its slot stays with what is kept; otherwise all its routes are
   * the caller's to remove.
   */
  lost(session: LiveSession, slot: number, identity: SlotIdentity, down: SessionDown): boolean {
    const { peerAddress: address, negotiated, options } = session;
    const before = this.peers.get(address);
    this.peers.delete(address);
    const now = this.clock.now();
    const { graceful, longLived } = coverageOf(session, down);
    const held = FAMILIES.filter(({ family }) => this.host.routes(slot, family) > 0);
    if (!held.some(({ family }) => ((graceful | longLived) & (1 << family)) !== 0)) return false;
    const settings = options.gracefulRestart;
    const peerTime = negotiated.gracefulRestart?.time ?? 0;
    const notification = negotiated.gracefulRestart?.notification === true;
    const restartMs = 1000 * Math.min(peerTime, settings.restartTimeMax);
    const families = new Map<Family, Kept>();
    for (const { family } of held) {
      const bit = 1 << family;
      const mark = this.host.mark(slot, family);
      if (((graceful | longLived) & bit) === 0) {
        this.host.sweep(slot, family, mark);
        continue;
      }
      const earlier = before?.families.get(family);
      let oldest = earlier?.oldest ?? now;
      // A second restart: what was stale before it goes (RFC 4724 section 4.2). Not so in notification mode
      // (RFC 8538 section 4.1), but a peer that is lost time and again must not keep it for ever.
      const goes = !notification || now - oldest >= 1000 * settings.staleTime;
      if (earlier?.phase === "stale" && goes) {
        this.host.sweep(slot, family, mark - 1);
        oldest = now;
      }
      const peerLongMs = 1000 * (negotiated.longLived?.times[family] ?? 0);
      const longMs = Math.min(peerLongMs, 1000 * settings.longLived.staleTimeMax);
      // The long-lived time runs on until End-of-RIB, over any number of sessions (RFC 9494 section 4.2).
      const rest = earlier?.phase === "long-lived" ? Math.max(0, earlier.until - now) : longMs;
      families.set(family, {
        phase: "stale",
        until: now + ((graceful & bit) === 0 ? 0 : restartMs),
        longLivedMs: (longLived & bit) === 0 ? 0 : rest,
        oldest,
      });
    }
    const peer = { address, slot, identity, away: true, since: now, families };
    this.peers.set(address, peer);
    this.stats.kept++;
    this.log.warn(
      { peer: address, reason: down.reason, seconds: restartMs / 1000, ...this.named(peer) },
      "peer lost: its routes are kept for its return",
    );
    // Where the peer asks for no restart time, long-lived begins at once.
    this.expire();
    return true;
  }

  /** The peer has a session again: the slot it is to have, undefined for a new one. */
  returned(session: LiveSession, identity: SlotIdentity): number | undefined {
    const { peerAddress: address, negotiated, options } = session;
    const peer = this.peers.get(address);
    if (peer === undefined || !peer.away) return undefined;
    if (!sameIdentity(peer.identity, identity)) {
      this.end(peer, "another speaker has its address now");
      return undefined;
    }
    peer.away = false;
    this.stats.returned++;
    const { mode, staleTime } = options.gracefulRestart;
    const bound = this.clock.now() + 1000 * staleTime;
    for (const [family, kept] of [...peer.families]) {
      const restart = kept.phase === "stale" ? negotiated.gracefulRestart : negotiated.longLived;
      const vouched = mode === "off" ? 0 : (restart?.forwarding ?? 0) & negotiated.families;
      if ((vouched & (1 << family)) === 0) {
        this.log.info(
          { peer: address, family: FAMILIES[family]!.name },
          "stale routes removed: the peer is back and did not keep its forwarding for the family",
        );
        this.finish(peer, family);
      } else if (kept.phase === "stale") kept.until = bound;
    }
    if (peer.families.size > 0) {
      this.log.info(
        { peer: address, ...this.named(peer) },
        "peer is back: its stale routes wait for End-of-RIB",
      );
    }
    this.arm();
    return peer.slot;
  }

  /** The peer has sent all it has of the family: what is stale still is gone there. */
  endOfRib(address: string, family: Family): void {
    const peer = this.peers.get(address);
    if (peer === undefined || peer.away || !peer.families.has(family)) return;
    this.log.info(
      {
        peer: address,
        family: FAMILIES[family]!.name,
        removed: this.host.staleRoutes(peer.slot, family),
        seconds: (this.clock.now() - peer.since) / 1000,
      },
      "End-of-RIB after a restart: what is still stale goes",
    );
    this.finish(peer, family);
    this.arm();
  }

  /** Somebody decided that nothing of the peer is to be kept. */
  abandon(address: string, why: string): void {
    const peer = this.peers.get(address);
    if (peer === undefined || !peer.away) return;
    this.end(peer, why);
    this.arm();
  }

  /** A phase of some family may be over. */
  private expire(): void {
    const now = this.clock.now();
    for (const peer of [...this.peers.values()]) {
      for (const [family, kept] of [...peer.families]) {
        if (kept.until > now) continue;
        if (peer.away && kept.phase === "stale" && kept.longLivedMs > 0) {
          kept.phase = "long-lived";
          kept.until = now + kept.longLivedMs;
          this.stats.longLived++;
          this.log.warn(
            {
              peer: peer.address,
              family: FAMILIES[family]!.name,
              routes: this.host.staleRoutes(peer.slot, family),
              seconds: kept.longLivedMs / 1000,
            },
            "peer did not come back in time: its routes are long-lived stale",
          );
          this.host.makeLongLived(peer.slot, family);
          continue;
        }
        this.log.warn(
          {
            peer: peer.address,
            family: FAMILIES[family]!.name,
            routes: this.host.staleRoutes(peer.slot, family),
          },
          peer.away
            ? "peer did not come back in time: its stale routes go"
            : "no End-of-RIB in time: stale routes go",
        );
        if (peer.away && peer.families.size === 1) this.stats.expired++;
        this.finish(peer, family);
      }
    }
    this.arm();
  }

  /** The family's stale paths go, and the peer with its last family. */
  private finish(peer: RetainedPeer, family: Family): void {
    peer.families.delete(family);
    const { slot } = peer;
    if (peer.families.size > 0) {
      return this.host.sweep(slot, family, this.host.newestMark(slot, family));
    }
    this.peers.delete(peer.address);
    if (peer.away) this.host.release(slot);
    else this.host.sweep(slot, family, this.host.newestMark(slot, family));
  }

  private end(peer: RetainedPeer, why: string): void {
    this.log.info({ peer: peer.address, why, ...this.named(peer) }, "stale routes no longer kept");
    this.peers.delete(peer.address);
    peer.families.clear();
    this.host.release(peer.slot);
  }

  private arm(): void {
    let next = Infinity;
    for (const { families } of this.peers.values()) {
      for (const { until } of families.values()) next = Math.min(next, until);
    }
    this.timer?.cancel();
    this.timer = undefined;
    if (next === Infinity) return;
    const wait = Math.min(LONGEST_TIMER_MS, Math.max(0, next - this.clock.now()));
    this.timer = this.clock.setTimer(wait, () => {
      this.timer = undefined;
      this.expire();
    });
  }

  private named({ slot, families }: RetainedPeer): { families: string[]; routes: number } {
    let routes = 0;
    for (const family of families.keys()) routes += this.host.staleRoutes(slot, family);
    return { families: [...families.keys()].map((family) => FAMILIES[family]!.name), routes };
  }
}

function sameIdentity(a: SlotIdentity, b: SlotIdentity): boolean {
  return a.kind === b.kind && a.routerId === b.routerId && a.as === b.as;
}
