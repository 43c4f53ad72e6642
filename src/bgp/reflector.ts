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
import { writeCanonicalAttributes } from "../fast-bgp-codec/canonical.js";
import { FAMILIES, Family } from "../fast-bgp-codec/family.js";
import { Severity, type DecodeFault } from "../fast-bgp-codec/fault.js";
import { maskNlri, NlriScan, NlriStatus, scanNlri } from "../fast-bgp-codec/nlri-scan.js";
import { RefreshSubtype } from "../fast-bgp-codec/route-refresh.js";
import { scanUpdate, UpdateScan } from "../fast-bgp-codec/update-scan.js";
import { copyBytes, toHex } from "../util/bytes.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import { AdjRibOut, type LogReader } from "./adj-rib-out/adj-rib-out.js";
import { EXTENDED_MESSAGE } from "./adj-rib-out/packer.js";
import { auditTables } from "./audit.js";
import { findLoop, Refusal } from "./policy/import.js";
import type { ReflectorIdentity } from "./policy/export.js";
import { ReflectedPeer } from "./reflected-peer.js";
import { AttrStore } from "./rib/attr-store.js";
import { RouteTable } from "./rib/route-table.js";
import { Sources } from "./rib/sources.js";
import type { EstablishedSession, ReflectorSink, SessionDown } from "./session/types.js";

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
/** Ever-present scratch: next hop and canonical attributes of one message. */
const SCRATCH = 3 * 65536;
/** Malformed routes of one peer logged in full; further ones are only counted. */
const LOGGED_FAULTS = 100;
/** Longest wait for a peer's End-of-RIB of route-target memberships (RFC 4684 section 6). */
const MEMBERSHIP_WAIT_MS = 60_000;
/** The same for a peer without graceful restart: some of these never send End-of-RIB. */
const MEMBERSHIP_WAIT_WITHOUT_GR_MS = 5_000;

export class Reflector implements ReflectorSink {
  readonly attrs = new AttrStore();
  readonly sources = new Sources();
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  private readonly options: ReflectorOptions;
  private readonly peers = new Map<number, ReflectedPeer>();
  /** Slots of lost sessions whose routes are still being removed. */
  private readonly leaving: number[] = [];
  private readonly scan = new UpdateScan();
  private readonly nlri = new NlriScan();
  private readonly masked = new Uint8Array(512);
  private readonly scratch = new Uint8Array(SCRATCH);
  private scheduled = false;
  private flushedAt = -Infinity;
  private oversizedLogged = 0;
  private updates = 0;
  private flushes = 0;

  constructor(options: ReflectorOptions) {
    this.options = options;
    this.table = new RouteTable(this.attrs, this.sources, options.compareMobility);
    this.out = new AdjRibOut(this.table, options, options.clock);
    this.table.onMembership = (slot, bytes, start, change) => {
      this.out.membership(slot, bytes, start, change);
      this.schedule();
    };
    this.tick();
  }

  established(session: EstablishedSession): void {
    this.warnOfTwin(session);
    const peer = ReflectedPeer.admit(session, this.sources);
    this.peers.set(session.id, peer);
    this.out.add(peer.receiver());
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
    peer.gone = true;
    this.out.remove(peer.slot);
    this.leaving.push(peer.slot);
    this.options.log.debug({ peer: session.peerAddress, reason: down.reason }, "routes withdrawn");
    this.schedule();
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
    const bit = 1 << family;
    switch (subtype) {
      case RefreshSubtype.Request:
        this.refreshOut(session, family);
        break;
      case RefreshSubtype.BeginOfRefresh:
        peer.refreshing |= bit;
        this.table.markStale(peer.slot, family);
        break;
      case RefreshSubtype.EndOfRefresh:
        if ((peer.refreshing & bit) === 0) break;
        peer.refreshing &= ~bit;
        this.table.removeFamilyOf(peer.slot, family, true);
        this.schedule();
        break;
      default:
        break;
    }
  }

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
      return this.apply(peer, bytes, start, end);
    } catch (error) {
      // A bug of ours costs the session whose message found it, not the others.
      this.options.log.error(
        { err: error, peer: session.peerAddress, message: toHex(bytes, start, end) },
        "an UPDATE met a bug in evpnd: please report it with these octets",
      );
      return INTERNAL_ERROR;
    }
  }

  private apply(
    peer: ReflectedPeer,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): DecodeFault | undefined {
    this.updates++;
    if (!this.scheduled) this.tick();
    const { scan } = this;
    scanUpdate(bytes, start, end, peer.context, scan);
    if (scan.severity !== Severity.None) {
      const fatal = this.faults(peer, bytes, start, end);
      if (fatal !== undefined) return fatal;
    }
    if (scan.endOfRib >= 0) {
      peer.endOfRibReceived |= 1 << scan.endOfRib;
      if (scan.endOfRib === Family.RouteTarget) this.membershipsDone(peer);
      return undefined;
    }
    const changes = this.table.log.tail;
    // Withdrawals first: the order within one message is undefined, and this one loses nothing.
    this.field(peer, Family.Ipv4Unicast, bytes, scan.withdrawnStart, scan.withdrawnEnd, 0);
    if (scan.unreachFamily >= 0) {
      this.field(peer, scan.unreachFamily as Family, bytes, scan.unreachStart, scan.unreachEnd, 0);
    }
    this.announcements(peer, bytes);
    if (this.table.log.tail !== changes) this.schedule();
    return undefined;
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
      leaving_sessions: this.leaving.length,
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
    return auditTables(this.table, this.out, [...this.peers.values()], this.leaving);
  }

  peer(sessionId: number): ReflectedPeer | undefined {
    return this.peers.get(sessionId);
  }

  /** A reader of best-path changes, from now on: the FIB. It is called after each turn's sending. */
  attachReader(reader: LogReader): void {
    this.out.attachReader(reader);
  }

  /** Address of the peer whose session has, or had, the slot. */
  addressOf(slot: number): string {
    return this.sources.address[slot]!;
  }

  /** Every live session. */
  livePeers(): Iterable<ReflectedPeer> {
    return this.peers.values();
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

  private announcements(peer: ReflectedPeer, bytes: Uint8Array): void {
    const { scan } = this;
    if (scan.reachFamily >= 0) {
      const reach = scan.reachFamily as Family;
      const attr = this.attributes(
        peer,
        bytes,
        reach,
        scan.reachNextHopStart,
        scan.reachNextHopLength,
      );
      this.fieldWith(attr, peer, reach, bytes, scan.reachStart, scan.reachEnd);
    }
    if (
      scan.nlriEnd > scan.nlriStart &&
      (peer.context.families & (1 << Family.Ipv4Unicast)) !== 0
    ) {
      const attr =
        scan.nextHopStart < 0
          ? 0
          : this.attributes(peer, bytes, Family.Ipv4Unicast, scan.nextHopStart, 4);
      this.fieldWith(attr, peer, Family.Ipv4Unicast, bytes, scan.nlriStart, scan.nlriEnd);
    }
  }

  /** `field`, and gives back the reference to `attr` however that ends. */
  private fieldWith(
    attr: number,
    peer: ReflectedPeer,
    family: Family,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    try {
      this.field(peer, family, bytes, start, end, attr);
    } finally {
      if (attr !== 0) this.attrs.release(attr);
    }
  }

  /** The message's attribute set with a reference for the caller; 0 when its routes count as withdrawn. */
  private attributes(
    peer: ReflectedPeer,
    bytes: Uint8Array,
    family: Family,
    nextHop: number,
    nextHopLength: number,
  ): number {
    const { scan, scratch } = this;
    if (scan.severity >= Severity.TreatAsWithdraw) return 0;
    if (!peer.acceptsIn) {
      peer.faults.notAccepted++;
      return 0;
    }
    copyBytes(bytes, nextHop, nextHop + nextHopLength, scratch, 0);
    const end = writeCanonicalAttributes(bytes, scan, peer.context, scratch, nextHopLength);
    if (end < 0) throw new Error("canonical attributes are larger than their scratch");
    // Paths of 2-octet ASes grow in canonical form, beyond what the length of an attribute can say.
    if (end - nextHopLength > EXTENDED_MESSAGE) {
      peer.faults.treatAsWithdraw++;
      return 0;
    }
    const loop = findLoop(
      scratch,
      nextHopLength,
      end,
      this.options,
      peer.session.options.allowAsIn,
    );
    if (loop !== Refusal.None) {
      peer.faults.loops++;
      return 0;
    }
    return this.attrs.intern(family, nextHopLength, scratch, 0, end);
  }

  /** One NLRI field: announces with `attr`, or withdraws when it is 0. */
  private field(
    peer: ReflectedPeer,
    family: Family,
    bytes: Uint8Array,
    start: number,
    end: number,
    attr: number,
  ): void {
    if (start >= end || (peer.context.families & (1 << family)) === 0 || peer.gone) return;
    const { nlri, table } = this;
    const addPath = (peer.context.addPath & (1 << family)) !== 0;
    let at = start;
    while (at < end) {
      at = scanNlri(family, bytes, at, end, addPath, nlri);
      if (at < 0) break;
      if (nlri.status !== NlriStatus.Ok && !this.isUsable(peer, family, bytes, attr === 0))
        continue;
      let source = bytes;
      if (nlri.hostBits) {
        const length = maskNlri(family, bytes, nlri, this.masked, 0);
        scanNlri(family, this.masked, 0, length, false, nlri);
        source = this.masked;
      }
      if (attr === 0) table.withdraw(peer.slot, family, source, nlri);
      else if (family === Family.Evpn && !peer.acceptsType(nlri.routeType))
        peer.faults.typeRefused++;
      else table.announce(peer.slot, family, source, nlri, attr);
    }
    if (attr !== 0) this.checkPrefixLimit(peer, family);
  }

  /** What a route with a fault costs: an unknown type by the peer's option, a bad body itself alone. */
  private isUsable(
    peer: ReflectedPeer,
    family: Family,
    bytes: Uint8Array,
    withdrawing: boolean,
  ): boolean {
    const { nlri } = this;
    if (nlri.status === NlriStatus.UnknownType) {
      if (peer.session.options.evpnUnknownTypes) return true;
      peer.faults.unknownType++;
      return false;
    }
    if (peer.faults.nlriDropped++ < LOGGED_FAULTS) {
      this.options.log.warn(
        {
          peer: peer.session.peerAddress,
          family: FAMILIES[family]!.name,
          nlri: toHex(bytes, nlri.start, nlri.start + nlri.length),
        },
        "malformed NLRI dropped",
      );
    }
    if (nlri.status === NlriStatus.MalformedKeyed && !withdrawing) {
      this.table.withdraw(peer.slot, family, bytes, nlri);
    }
    return false;
  }

  private checkPrefixLimit(peer: ReflectedPeer, family: Family): void {
    const { prefixLimit } = peer.session.options;
    if (prefixLimit === 0 || this.sources.count(peer.slot, family) <= prefixLimit) return;
    const spec = FAMILIES[family]!;
    const data = new Uint8Array(7);
    new DataView(data.buffer).setUint16(0, spec.afi);
    data[2] = spec.safi;
    new DataView(data.buffer).setUint32(3, prefixLimit);
    peer.session.reset(6, 1, data, `more than ${prefixLimit} ${spec.name} routes (prefix-limit)`);
  }

  /** Logs and counts; returns the fault that ends the session, if one does. */
  private faults(
    peer: ReflectedPeer,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): DecodeFault | undefined {
    const { scan } = this;
    let fatal: DecodeFault | undefined;
    for (const fault of scan.faults) {
      if (fault.severity === Severity.SessionReset) fatal ??= fault;
      else if (fault.severity === Severity.AttributeDiscard) peer.faults.attributeDiscard++;
    }
    if (scan.severity === Severity.TreatAsWithdraw) peer.faults.treatAsWithdraw++;
    if (peer.faults.logged++ < LOGGED_FAULTS || fatal !== undefined) {
      this.options.log.warn(
        {
          peer: peer.session.peerAddress,
          faults: scan.faults.map((fault) => fault.detail),
          outcome: OUTCOMES[scan.severity],
          message: toHex(bytes, start, end),
        },
        "bad UPDATE",
      );
    }
    if (scan.severity === Severity.DisableFamily) {
      const family = scan.reachFamily >= 0 ? scan.reachFamily : scan.unreachFamily;
      if (family >= 0) {
        peer.disable(family as Family);
        this.table.removeFamilyOf(peer.slot, family as Family, false);
        this.schedule();
      }
    }
    return fatal;
  }

  private tick(): void {
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
    const removing = this.removeLeaving();
    const unsent = this.out.run(FLUSH_BUDGET_MS);
    const unread = this.out.runReaders(FLUSH_BUDGET_MS);
    this.flushedAt = this.options.clock.now();
    this.closeWorstLaggard();
    this.logOversized();
    if (!removing && !unsent && !unread) return;
    this.scheduled = true;
    this.options.soon(this.turn);
  };

  /** A slice of the routes of lost sessions; whether some are left. */
  private removeLeaving(): boolean {
    const slot = this.leaving[0];
    if (slot === undefined) return false;
    if (this.table.removePathsOf(slot, REMOVE_SLICE) === 0) {
      this.leaving.shift();
      this.sources.give(slot);
    }
    return this.leaving.length > 0;
  }

  /**
   * Sleepers keep log entries and tombstones alive: above the budget the worst one goes (Cease, out of
   * resources). What the one before it held must be released first, or innocents would follow it.
   */
  private closeWorstLaggard(): void {
    const held = this.table.log.usedBytes + this.table.tombstones * TOMBSTONE_BYTES;
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

const INTERNAL_ERROR: DecodeFault = {
  severity: Severity.SessionReset,
  code: 6,
  subcode: 8,
  data: new Uint8Array(0),
  detail: "internal error",
};

/** Indexed by `Severity`. */
const OUTCOMES = [
  "accept",
  "attribute discard",
  "treat as withdraw",
  "family disabled",
  "session reset",
] as const;
