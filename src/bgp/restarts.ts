/**
 * Where the reflector meets restarts: the table's side of what is kept for a lost peer's return, and our
 * own deferral after a restart. One call for each thing that happens to a session.
 */
import { FAMILIES, type Family } from "../fast-bgp-codec/family.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import type { SlicedJob } from "../util/sliced-work.js";
import type { AdjRibOut } from "./adj-rib-out/adj-rib-out.js";
import { kindOf, type ReflectedPeer } from "./reflected-peer.js";
import {
  agreedRestart,
  Deferral,
  familyNames,
  longLivedJob,
  RetainedPeers,
  sweepJob,
  type DeferralView,
  type PeerRestartView,
  type RememberedPeer,
  type SlotIdentity,
} from "./restart/index.js";
import type { RouteTable } from "./rib/route-table.js";
import type { EstablishedSession, SessionDown } from "./session/types.js";

/** Longest wait for those who read the table beside the sessions. */
const READERS_MS = 10_000;

export interface RestartsHost {
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  /** Long work, a slice a turn. */
  later(job: SlicedJob): void;
  /** There is something to send. */
  wake(): void;
  /** The slot's routes go, then it is free. */
  removeRoutesOf(slot: number): void;
  livePeers(): Iterable<ReflectedPeer>;
}

export class Restarts {
  private readonly host: RestartsHost;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly retained: RetainedPeers;
  private deferral: Deferral | undefined;
  private expected: readonly RememberedPeer[] = [];
  /** Told when our restart is over. */
  onSent: () => void = () => {};
  /** Told when who is Established changed. */
  onSessions: () => void = () => {};

  constructor(host: RestartsHost, clock: Clock, log: Log) {
    this.host = host;
    this.clock = clock;
    this.log = log;
    const { sources } = host.table;
    this.retained = new RetainedPeers(
      {
        routes: (slot, family) => sources.count(slot, family),
        staleRoutes: (slot, family) => sources.staleCount(slot, family),
        mark: (slot, family) => host.table.markStale(slot, family),
        newestMark: (slot, family) => this.newestMark(slot, family),
        sweep: (slot, family, mark) => host.later(sweepJob(host.table, slot, family, mark)),
        makeLongLived: (slot, family) => this.makeLongLived(slot, family),
        release: (slot) => host.removeRoutesOf(slot),
      },
      clock,
      log,
    );
  }

  /** We have restarted: peers that keep our routes are sent nothing before these have sent theirs. */
  begin(expected: readonly RememberedPeer[], seconds: number): void {
    this.expected = expected;
    const addresses = expected.map(({ address }) => address);
    const since = this.clock.now();
    this.log.info({ peers: expected.length, seconds }, "restarted: sending waits for the peers");
    this.deferral = new Deferral(addresses, this.clock, seconds, (why, missing) => {
      const waited = (this.clock.now() - since) / 1000;
      this.log.info({ why, seconds: waited, missing: missing.slice(0, 20) }, "sending begins");
      this.expected = [];
      this.afterReaders(() => {
        for (const peer of this.host.livePeers()) this.host.out.releaseDeferred(peer.slot);
        this.host.wake();
        this.onSent();
      });
    });
  }

  /**
   * What follows from the table, as host routes do, is to be sent with it, before the End-of-RIB: after that
   * peers drop what they have kept of ours and were not sent again.
   */
  private afterReaders(run: () => void): void {
    const { out } = this.host;
    if (out.areReadersDone) {
      run();
      return;
    }
    const until = this.clock.now() + READERS_MS;
    this.host.later({
      step: () => {
        if (!out.areReadersDone && this.clock.now() < until) return false;
        run();
        return true;
      },
    });
  }

  /** Said in our OPENs (R). */
  get isRestarting(): boolean {
    return this.deferral?.active === true;
  }

  deferralView(): DeferralView | undefined {
    return this.deferral?.view();
  }

  /** Whose End-of-RIB is to be waited for after a restart of ours: also those still missed from the last one. */
  toRemember(): RememberedPeer[] {
    const missing = new Set(this.deferral?.view()?.waitingFor);
    const peers = new Map<string, RememberedPeer>();
    for (const peer of this.expected) if (missing.has(peer.address)) peers.set(peer.address, peer);
    for (const { session } of this.host.livePeers()) {
      const { peerAddress: address, localAddress, negotiated } = session;
      if (negotiated.gracefulRestart !== undefined) peers.set(address, { address, localAddress });
    }
    return [...peers.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
  }

  /** The slot that waits for the peer's new session. */
  slotFor(session: EstablishedSession): number | undefined {
    const { peerId, peerAs } = session.negotiated;
    return this.retained.returned(session, { kind: kindOf(session), routerId: peerId, as: peerAs });
  }

  /** Whether sending to the new session waits: it keeps our routes, and we have restarted. */
  established(session: EstablishedSession): boolean {
    this.deferral?.established(session);
    this.onSessions();
    const { mode } = session.options.gracefulRestart;
    const keeps = mode === "full" && session.negotiated.gracefulRestart !== undefined;
    return keeps && this.isRestarting;
  }

  /** Whether the slot and its routes stay for the peer's return. */
  lost({ session, slot }: ReflectedPeer, down: SessionDown): boolean {
    this.deferral?.lost(session.peerAddress);
    this.onSessions();
    return this.retained.lost(session, slot, this.identityOf(slot), down);
  }

  endOfRib({ session }: ReflectedPeer, family: Family): void {
    this.deferral?.endOfRib(session.peerAddress, family);
    this.retained.endOfRib(session.peerAddress, family);
  }

  /** Begin of an enhanced refresh; before the End-of-RIB of a restart it means nothing (RFC 7313 section 4). */
  beginRefresh(peer: ReflectedPeer, family: Family): void {
    if (this.retained.awaitsEndOfRib(peer.session.peerAddress, family)) return;
    const bit = 1 << family;
    const { sources } = this.host.table;
    // Begun again with nothing announced in between: all of it is stale already.
    const isMarked = sources.staleCount(peer.slot, family) === sources.count(peer.slot, family);
    if ((peer.refreshing & bit) !== 0 && isMarked) return;
    peer.refreshing |= bit;
    this.host.table.markStale(peer.slot, family);
  }

  endRefresh(peer: ReflectedPeer, family: Family): void {
    const bit = 1 << family;
    if ((peer.refreshing & bit) === 0) return;
    peer.refreshing &= ~bit;
    this.sweepStale(peer.slot, family);
  }

  /** The family is ignored from now on (RFC 7606 section 2): all of it goes. */
  dropFamily({ session, slot }: ReflectedPeer, family: Family): void {
    this.retained.endOfRib(session.peerAddress, family);
    this.host.table.markStale(slot, family);
    this.sweepStale(slot, family);
  }

  abandon(address: string, why: string): void {
    this.deferral?.forget(address);
    this.retained.abandon(address, why);
  }

  retains(address: string): boolean {
    return this.retained.retains(address);
  }

  /** Stale routes of this peer and family carry LLGR_STALE: whoever thinks again of their attributes adds it. */
  isLongLived(address: string, family: Family): boolean {
    return this.retained.isLongLived(address, family);
  }

  /** @param peer its session, if it has one */
  peerView(address: string, peer: ReflectedPeer | undefined): PeerRestartView {
    const held = peer === undefined ? undefined : this.host.out.heldBack(peer.slot);
    return {
      agreed: agreedRestart(peer?.session.negotiated),
      retention: this.retained.view(address),
      waitingForMemberships: familyNames(held?.awaiting ?? 0),
      waitingForRestart: familyNames(held?.deferred ?? 0),
    };
  }

  /** Slots that nobody has a session for. */
  slots(): number[] {
    return this.retained.slots();
  }

  stats(): Record<string, number> {
    const { stats } = this.retained;
    return {
      retained_peers: this.retained.away,
      stale_routes: this.retained.staleRoutes,
      restarting: this.isRestarting ? 1 : 0,
      peers_retained_total: stats.kept,
      peers_returned_total: stats.returned,
      peers_expired_total: stats.expired,
      long_lived_families_total: stats.longLived,
    };
  }

  private sweepStale(slot: number, family: Family): void {
    const { table } = this.host;
    this.host.later(sweepJob(table, slot, family, this.newestMark(slot, family)));
  }

  private makeLongLived(slot: number, family: Family): void {
    const { table } = this.host;
    const address = table.sources.address[slot]!;
    const isWanted = (): boolean => this.retained.isLongLived(address, family);
    this.host.later(longLivedJob(table, slot, family, isWanted));
  }

  private newestMark(slot: number, family: Family): number {
    return this.host.table.sources.marks[slot * FAMILIES.length + family]!;
  }

  private identityOf(slot: number): SlotIdentity {
    const { kind, routerId, peerAs } = this.host.table.sources;
    return { kind: kind[slot]!, routerId: routerId[slot]!, as: peerAs[slot]! };
  }
}
