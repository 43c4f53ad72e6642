/**
 * The middle of the speaker: sessions below hand it UPDATEs, it keeps the table and has the
 * adj-RIB-out send what follows from it.
 *
 * In: `ReflectorSink`. Out: each session's `sendMany`. Everything one turn of the event loop read is
 * applied first, then flushed once; under load flushes keep a distance of `flushIntervalMs`, so that
 * small changes share messages and system calls. Long work (a lost peer's routes, a dump) is cut into
 * slices with a turn of the event loop between them.
 *
 * RFC 4271, 4456, 4684, 4724 (End-of-RIB), 4760, 2918, 7313, 7606.
 */
import { Family } from "../fast-bgp-codec/family.js";
import { Severity, type DecodeFault } from "../fast-bgp-codec/fault.js";
import { RefreshSubtype } from "../fast-bgp-codec/route-refresh.js";
import { toHex } from "../util/bytes.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import { SlicedWork, type SlicedJob } from "../util/sliced-work.js";
import { AdjRibOut, type LogReader } from "./adj-rib-out/adj-rib-out.js";
import { auditNow, type AuditSubject } from "./audit/index.js";
import { Interests, type InterestHost } from "./interest.js";
import type { Maintenance } from "./maintenance.js";
import { ADMITTED, type TrustGrip } from "./trust/grip.js";
import { GripWalk } from "./trust/grip-walk.js";
import type { PeerTrust } from "./trust/peer-trust.js";
import type { Tunnels } from "./tunnels/tunnels.js";
import { OwnMemberships } from "./own-memberships.js";
import { Intake, type IntakeSink } from "./intake.js";
import { changeLive, type LiveChangeHost } from "./live/live-change.js";
import { Limits } from "./limits/limits.js";
import { LocalRoutes } from "./local-routes.js";
import type { MemoryGuard } from "./limits/memory-guard.js";
import { OutLimits, type LimitedOutput } from "./limits/out-limits.js";
import type { ReflectorIdentity } from "./policy/export.js";
import { Policies, type PolicyHost } from "./policies.js";
import { ReflectedPeer } from "./reflected-peer.js";
import { Restarts } from "./restarts.js";
import { AttrStore } from "./rib/attr-store.js";
import { RouteTable } from "./rib/route-table.js";
import { Sources } from "./rib/sources.js";
import type { EstablishedSession, ReflectorSink, SessionDown } from "./session/types.js";
import type { PeerOptions } from "./settings.js";

export interface ReflectorOptions extends ReflectorIdentity {
  readonly compareMobility: boolean;
  /** Least time between the end of a flush and the next one, milliseconds. */
  readonly flushIntervalMs: number;
  /** Octets that laggards may keep alive, 128 MiB unless given. */
  readonly laggardBudget?: number;
  readonly log: Log;
  readonly clock: Clock;
  /** Runs after what this turn of the event loop reads has been read. */
  readonly soon: (run: () => void) => void;
}

/** Longest stretch of sending between two turns of the event loop. */
const FLUSH_BUDGET_MS = 10;
/** Routes of a lost peer removed in one turn. */
const REMOVE_SLICE = 20_000;
/** Octets of log and tombstones that laggards may keep alive before the worst one is closed. */
const LAGGARD_BUDGET = 128 * 1024 * 1024;
const TOMBSTONE_BYTES = 120;
/** Who has been behind for less is no sleeper: the loss of a large peer puts everybody behind for a moment. */
const LAGGARD_PATIENCE_MS = 5000;
/** Longest wait for a peer's End-of-RIB of route-target memberships (RFC 4684 section 6). */
const MEMBERSHIP_WAIT_MS = 60_000;
/** The same for a peer without graceful restart: some of these never send End-of-RIB. */
const MEMBERSHIP_WAIT_WITHOUT_GR_MS = 5_000;

export class Reflector
  implements ReflectorSink, IntakeSink, LiveChangeHost, InterestHost, PolicyHost
{
  readonly attrs = new AttrStore();
  readonly sources = new Sources();
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  private readonly options: ReflectorOptions;
  private readonly peers = new Map<number, ReflectedPeer>();
  /** What sessions may have by route target, beside their memberships. */
  readonly interests: Interests;
  readonly ownMemberships: OwnMemberships;
  /** What we announce ourselves, beside memberships. */
  readonly localRoutes: LocalRoutes;
  /** Import and export rules of the sessions. */
  readonly policies: Policies;
  /** Undefined in tests that have none. */
  maintenance: Maintenance | undefined;
  tunnels: Tunnels | undefined;
  trust: PeerTrust | undefined;
  /** The ceiling on memory; undefined in tests that have none. */
  memory: MemoryGuard | undefined;
  /** On what peers send. */
  readonly limits: Limits;
  /** On what they are sent. */
  readonly outLimits: OutLimits;
  private readonly intake: Intake;
  /** What would stall the sessions if it were done in one turn. */
  private readonly work = new SlicedWork();
  /** What is kept over restarts, the peers' and ours. */
  readonly restarts: Restarts;
  /** Slots of lost sessions whose routes are still being removed. */
  private readonly leaving = new Set<number>();
  private scheduled = false;
  private flushedAt = -Infinity;
  private oversizedLogged = 0;
  private updates = 0;
  private flushes = 0;

  constructor(options: ReflectorOptions) {
    this.options = options;
    this.table = new RouteTable(this.attrs, this.sources, options.compareMobility);
    this.out = new AdjRibOut(this.table, options, options.clock);
    this.ownMemberships = new OwnMemberships(this, options.clock);
    this.localRoutes = new LocalRoutes(this);
    this.interests = new Interests(this, options.clock);
    this.restarts = new Restarts(this, options.clock, options.log);
    this.policies = new Policies(this, () => options.clock.now());
    this.out.setExport(this.policies.engine);
    this.intake = new Intake(this.table, options, this.policies.engine, this, options.log);
    this.table.onMembership = (slot, bytes, start, change) => {
      this.out.membership(slot, bytes, start, change);
      this.schedule();
    };
    this.limits = new Limits({
      table: this.table,
      clock: options.clock,
      log: options.log,
      later: (job) => this.later(job),
      admit: (path) => {
        this.policies.reconsider(path);
        this.policies.engine.endBatch();
      },
      askAgain: (session) => this.peers.get(session.id)?.ask(-1),
    });
    this.outLimits = new OutLimits(
      limitedOutput(this.out),
      options.clock,
      () => this.schedule(),
      this.limits.warn.bind(this.limits),
    );
    this.tick();
  }

  established(session: EstablishedSession): void {
    this.warnOfTwin(session);
    const grip = this.trust?.gripFor(session) ?? ADMITTED;
    // What was kept for the peer's return is not this one's.
    if (grip.effect === "hold") this.restarts.abandon(session.peerAddress, NOT_TRUSTED);
    const peer = ReflectedPeer.admit(session, this.sources, this.restarts.slotFor(session));
    peer.grip = grip;
    this.peers.set(session.id, peer);
    this.trust?.began(peer);
    this.maintenance?.admit(peer);
    this.policies.admit(peer);
    peer.limiter = this.limits.admit(session, peer.slot);
    if (session.options.limits.out.length > 0) this.outLimits.set(session, peer.slot);
    const awaitsInterest = this.interests.admit(peer);
    const deferred = this.restarts.established(session);
    this.out.add({ ...peer.receiver(), awaitsInterest, deferred, untrusted: peer.isHeld });
    this.ownMemberships.touch();
    if ((session.negotiated.families & (1 << Family.RouteTarget)) !== 0) {
      const wait =
        session.negotiated.gracefulRestart === undefined
          ? MEMBERSHIP_WAIT_WITHOUT_GR_MS
          : MEMBERSHIP_WAIT_MS;
      this.options.clock.setTimer(wait, () => this.membershipsDone(peer));
    }
    this.schedule();
  }

  closed(session: EstablishedSession, down: SessionDown): void {
    const peer = this.peers.get(session.id);
    if (peer === undefined) return;
    this.peers.delete(session.id);
    this.policies.leave(peer);
    if (peer.limiter !== undefined) this.limits.leave(peer.limiter);
    this.outLimits.leave(peer.slot);
    peer.gone = true;
    this.interests.leave(peer);
    this.maintenance?.leave(peer);
    this.trust?.ended(peer);
    this.out.remove(peer.slot);
    this.ownMemberships.touch();
    // Routes that did not count are not kept either.
    if (!this.restarts.lost(peer, peer.isHeld ? { ...down, hard: true } : down)) {
      this.removeRoutesOf(peer.slot);
      const { reason } = down;
      this.options.log.debug({ peer: session.peerAddress, reason }, "routes withdrawn");
    }
    this.schedule();
  }

  abandon(address: string, why: string): void {
    this.restarts.abandon(address, why);
  }

  retains(address: string): boolean {
    return this.restarts.retains(address);
  }

  drained(session: EstablishedSession): void {
    const peer = this.peers.get(session.id);
    if (peer === undefined) return;
    this.out.unblock(peer.slot);
    this.schedule();
  }

  routeRefresh(session: EstablishedSession, family: Family, subtype: number): void {
    const peer = this.peers.get(session.id);
    if (peer === undefined) return;
    switch (subtype) {
      case RefreshSubtype.Request:
        this.refreshOut(session, family);
        break;
      case RefreshSubtype.BeginOfRefresh:
        this.restarts.beginRefresh(peer, family);
        break;
      case RefreshSubtype.EndOfRefresh:
        this.restarts.endRefresh(peer, family);
        break;
      default:
        break;
    }
  }

  reconfigured(session: EstablishedSession, before: PeerOptions): string | undefined {
    const peer = this.peers.get(session.id);
    if (peer === undefined) return undefined;
    const obstacle = changeLive(this, peer, before);
    this.schedule();
    return obstacle;
  }

  isLongLived(slot: number, family: Family): boolean {
    return this.restarts.isLongLived(this.addressOf(slot), family);
  }

  /**
   * The peer is trusted, or not, from now on: what it sent follows in slices, then it is served again.
   * @param done once, with the routes looked at, also of a session that has ended since; not when another grip came first
   */
  regrip(peer: ReflectedPeer, grip: TrustGrip, done: (routes: number) => void): void {
    peer.grip = grip;
    this.policies.setGate(peer);
    if (peer.isHeld) this.out.hold(peer.slot);
    this.ownMemberships.touch();
    this.later(
      new GripWalk(this.table, this.policies, peer, this.now, (routes) => {
        if (!peer.gone) this.serveAgain(peer);
        done(routes);
        this.schedule();
      }),
    );
  }

  /** Trust in it has changed, and what it sent is in line with that. */
  private serveAgain(peer: ReflectedPeer): void {
    if (peer.isHeld) {
      // Behind what others are to lose of it: that is what gating must be quick at.
      this.out.withdrawHeld(peer.slot);
    } else {
      this.out.releaseTrust(peer.slot);
      peer.askNow();
    }
  }

  private readonly now = (): number => this.options.clock.now();

  /** Sends the family to the peer once more. */
  refreshOut(session: EstablishedSession, family: Family): void {
    const peer = this.peers.get(session.id);
    if (peer === undefined) return;
    this.out.refresh(peer.slot, family);
    this.schedule();
  }

  update(
    session: EstablishedSession,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): DecodeFault | undefined {
    const peer = this.peers.get(session.id);
    if (peer === undefined) return undefined;
    try {
      this.updates++;
      if (!this.scheduled) this.tick();
      const changes = this.table.changeMark;
      const fatal = this.intake.apply(peer, bytes, start, end);
      if (this.table.changeMark !== changes) this.schedule();
      return fatal;
    } catch (error) {
      // A bug of ours costs the session whose message found it, not the others.
      this.options.log.error(
        { err: error, peer: session.peerAddress, message: toHex(bytes, start, end) },
        "an UPDATE met a bug in evpnd: please report it with these octets",
      );
      return INTERNAL_ERROR;
    }
  }

  /** Numbers for metrics and tests; those that count live things are 0 when nobody is there. */
  stats(): Record<string, number> {
    let accepted = 0;
    let loops = 0;
    let unknownTypes = 0;
    let nlriDropped = 0;
    for (const peer of this.peers.values()) {
      accepted += peer.routes(this.sources);
      loops += peer.faults.loops;
      unknownTypes += peer.faults.unknownType;
      nlriDropped += peer.faults.nlriDropped;
    }
    return {
      sessions: this.peers.size,
      routes: this.table.pathCount,
      routes_accepted: accepted,
      destinations: this.table.destinationCount,
      tombstones: this.table.tombstones,
      attribute_sets: this.attrs.count,
      attribute_bytes: this.attrs.usedBytes,
      table_bytes: this.table.usedBytes,
      log_entries: this.table.log.tail - this.table.log.head,
      leaving_sessions: this.leaving.size,
      ...this.restarts.stats(),
      updates_total: this.updates,
      flushes_total: this.flushes,
      best_path_changes_total: this.table.stats.changes,
      duplicate_announcements_total: this.table.stats.duplicates,
      unknown_withdrawals_total: this.table.stats.unknownWithdraws,
      oversized_routes_total: this.out.oversized,
      loops_in_sessions: loops,
      unknown_types_in_sessions: unknownTypes,
      nlri_dropped_in_sessions: nlriDropped,
    };
  }

  /** Recounts and cross-checks everything; the findings in words, none when all is well. Walks all tables. */
  audit(): string[] {
    return auditNow(this.auditSubject());
  }

  auditSubject(): AuditSubject {
    const live = (): number[] => [...this.peers.values()].map((peer) => peer.slot);
    return {
      table: this.table,
      out: this.out,
      liveSlots: live,
      knownSlots: () => [
        ...live(),
        ...this.leaving,
        ...this.restarts.slots(),
        ...this.ownMemberships.slots,
        ...this.localRoutes.slots,
      ],
      forEachReference: (visit) => this.policies.engine.forEachReference(visit),
      addressOf: (slot) => this.addressOf(slot),
    };
  }

  /** Routes of lost sessions are still being taken out. */
  get isRemoving(): boolean {
    return this.leaving.size > 0;
  }

  peer(sessionId: number): ReflectedPeer | undefined {
    return this.peers.get(sessionId);
  }

  /** A reader of best-path changes, from now on: the FIB. It is called after each turn's sending. */
  attachReader(reader: LogReader): void {
    this.out.attachReader(reader);
    this.ownMemberships.touch();
    this.schedule();
  }

  /** Address of the peer whose session has, or had, the slot. */
  addressOf(slot: number): string {
    return this.sources.address[slot]!;
  }

  /** Every live session. */
  livePeers(): Iterable<ReflectedPeer> {
    return this.peers.values();
  }

  get identity(): ReflectorIdentity {
    return this.options;
  }

  checkLimits(peer: ReflectedPeer): void {
    this.intake.checkLimits(peer);
  }

  /** Prefers the higher MAC mobility sequence, or not, from now on: destinations are decided again. */
  compareMobility(compare: boolean): void {
    this.later(this.table.decideMobility(compare));
  }

  /** It reads no more. */
  detachReader(reader: LogReader): void {
    this.out.detachReader(reader);
    this.schedule();
  }

  syncExport(slot: number, before: number, done: () => void): void {
    this.out.syncExport(slot, before, done);
    this.schedule();
  }

  /** Long work, a slice a turn of the event loop. */
  later(job: SlicedJob): void {
    this.work.add(job);
    this.schedule();
  }

  endOfRib(peer: ReflectedPeer, family: Family): void {
    peer.endOfRibReceived |= 1 << family;
    this.restarts.endOfRib(peer, family);
    if (family === Family.RouteTarget) this.membershipsDone(peer);
    if (peer.infers) this.interests.endOfRib(peer);
  }

  targetsAnnounced(peer: ReflectedPeer, combination: number): void {
    this.interests.announced(peer, combination);
  }

  wake(): void {
    this.schedule();
  }

  disableFamily(peer: ReflectedPeer, family: Family): void {
    peer.disable(family);
    this.restarts.dropFamily(peer, family);
  }

  /** Peers that share a BGP identifier drop each other's routes as their own (RFC 4456 section 8). */
  private warnOfTwin(session: EstablishedSession): void {
    const { peerId, peerIdText, ibgp } = session.negotiated;
    if (!ibgp) return;
    for (const { session: other } of this.peers.values()) {
      if (other.negotiated.peerId !== peerId || !other.negotiated.ibgp) continue;
      this.options.log.warn(
        { peer: session.peerAddress, other: other.peerAddress, routerId: peerIdText },
        "two peers have one router id and will drop each other's routes: give each its own",
      );
      return;
    }
  }

  /** The peer has named its route targets, or has had the time to: it gets the routes (RFC 4684 section 6). */
  private membershipsDone(peer: ReflectedPeer): void {
    if (peer.gone) return;
    this.out.release(peer.slot);
    this.schedule();
  }

  /** The table's clock is now's. */
  tick(): void {
    this.table.nowMs = this.options.clock.now();
    this.table.nowSeconds = Math.floor(this.options.clock.wall() / 1000);
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.tick();
    const wait = this.flushedAt + this.options.flushIntervalMs - this.table.nowMs;
    if (wait <= 0) this.options.soon(this.turn);
    else this.options.clock.setTimer(Math.max(1, Math.round(wait)), this.turn);
  }

  private readonly turn = (): void => {
    this.scheduled = false;
    this.tick();
    this.flushes++;
    const working = this.work.run();
    const unsent = this.out.run(FLUSH_BUDGET_MS);
    const mark = this.table.changeMark;
    const unread = this.out.runReaders(FLUSH_BUDGET_MS);
    // A reader may have announced something (host routes).
    const wrote = this.table.changeMark !== mark;
    this.flushedAt = this.options.clock.now();
    this.closeWorstLaggard();
    this.logOversized();
    this.memory?.pulse();
    const room = !this.outLimits.isIdle && this.outLimits.check();
    if (!working && !unsent && !unread && !wrote && !room) return;
    this.scheduled = true;
    this.options.soon(this.turn);
  };

  /** The routes of a lost session go, a slice a turn; then its slot is free. */
  removeRoutesOf(slot: number): void {
    this.leaving.add(slot);
    this.later({
      step: () => {
        if (this.table.removePathsOf(slot, REMOVE_SLICE) > 0) return false;
        this.leaving.delete(slot);
        this.sources.give(slot);
        return true;
      },
    });
  }

  /**
   * Sleepers keep log entries and tombstones alive: above the budget the worst one goes (Cease, out of
   * resources). What the one before it held must be released first, or innocents would follow it.
   */
  private closeWorstLaggard(): void {
    const held = this.table.logBytes + this.table.tombstones * TOMBSTONE_BYTES;
    if (held < (this.options.laggardBudget ?? LAGGARD_BUDGET) || this.out.isReleasing) return;
    const slot = this.out.worstLaggard(LAGGARD_PATIENCE_MS);
    if (slot === undefined) return;
    for (const peer of this.peers.values()) {
      if (peer.slot !== slot) continue;
      peer.session.reset(6, 8, new Uint8Array(0), "does not read; its backlog is above the budget");
      return;
    }
  }

  private logOversized(): void {
    const fresh = this.out.oversized - this.oversizedLogged;
    if (fresh === 0) return;
    this.oversizedLogged = this.out.oversized;
    this.options.log.warn(
      { routes: fresh },
      "routes withheld: their attributes fit no message to some peer",
    );
  }
}

function limitedOutput(out: AdjRibOut): LimitedOutput {
  return {
    setLimit: (slot, family, maximum, kinds) => out.setLimit(slot, family, maximum, kinds),
    kindCount: (slot, family, nth) => out.kindCount(slot, family, nth),
    count: (slot, family) => out.sentCount(slot, family),
    withheld: (slot, family) => out.withheld(slot, family),
    takeRoom: () => out.takeRoom(),
    sync: (slot) => out.sync(slot),
  };
}

const NOT_TRUSTED = "the peer is not trusted";
const INTERNAL_ERROR: DecodeFault = {
  severity: Severity.SessionReset,
  code: 6,
  subcode: 8,
  data: new Uint8Array(0),
  detail: "internal error",
};
