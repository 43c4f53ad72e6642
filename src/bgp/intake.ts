/**
 * What one UPDATE does to the table: the scan with its RFC 7606 verdict, the attribute set in canonical
 * form, loop detection, then each NLRI field's routes, announced or withdrawn. An announcement that is
 * looped, refused or faulty goes on as a withdrawal.
 *
 * Nothing is allocated per route. Whoever calls looks at the change log to see whether anything changed.
 *
 * RFC 4271, 4456, 4760, 7606, 7911, 8212.
 */
import { writeCanonicalAttributes } from "../fast-bgp-codec/canonical.js";
import { FAMILIES, Family } from "../fast-bgp-codec/family.js";
import { Severity, type DecodeFault } from "../fast-bgp-codec/fault.js";
import { maskNlri, NlriScan, NlriStatus, scanNlri } from "../fast-bgp-codec/nlri-scan.js";
import { scanUpdate, UpdateScan } from "../fast-bgp-codec/update-scan.js";
import { copyBytes, toHex } from "../util/bytes.js";
import type { Log } from "../util/log.js";
import { EXTENDED_MESSAGE } from "./adj-rib-out/packer.js";
import { findLoop, Refusal } from "./policy/import.js";
import type { ImportGate } from "./policy/import-gate.js";
import type { ReflectorIdentity } from "./policy/export.js";
import type { ImportRules, PolicyEngine } from "./policy/rules/engine.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { AttrStore } from "./rib/attr-store.js";
import { HoldReason } from "./rib/hold.js";
import type { RouteScreen } from "./rib/route-screen.js";
import { MOST_PATH_IDS, type RouteTable } from "./rib/route-table.js";
import type { Sources } from "./rib/sources.js";

const MAC_IP = 2;
/** Ever-present scratch: next hop and canonical attributes of one message. */
const SCRATCH = 3 * 65536;
/** Malformed routes of one peer logged in full; further ones are only counted. */
const LOGGED_FAULTS = 100;

/** What of an UPDATE concerns more than the table. */
export interface IntakeSink {
  endOfRib(peer: ReflectedPeer, family: Family): void;
  /** RFC 7606 section 2: the family is ignored from now on, and its routes go. */
  disableFamily(peer: ReflectedPeer, family: Family): void;
  /** A peer that `infers` announces routes with this combination of route targets. */
  targetsAnnounced(peer: ReflectedPeer, combination: number): void;
}

export class Intake {
  private readonly table: RouteTable;
  private readonly attrs: AttrStore;
  private readonly sources: Sources;
  private readonly identity: ReflectorIdentity;
  private readonly sink: IntakeSink;
  private readonly log: Log;
  private readonly policies: PolicyEngine;
  private readonly scan = new UpdateScan();
  private readonly nlri = new NlriScan();
  private readonly masked = new Uint8Array(512);
  private readonly scratch = new Uint8Array(SCRATCH);

  constructor(
    table: RouteTable,
    identity: ReflectorIdentity,
    policies: PolicyEngine,
    sink: IntakeSink,
    log: Log,
  ) {
    this.table = table;
    this.attrs = table.attrs;
    this.sources = table.sources;
    this.identity = identity;
    this.sink = sink;
    this.policies = policies;
    this.log = log;
  }

  /**
   * One UPDATE, header included.
   * @returns the fault that ends the session, if one does
   */
  apply(
    peer: ReflectedPeer,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): DecodeFault | undefined {
    const { scan } = this;
    scanUpdate(bytes, start, end, peer.context, scan);
    if (scan.severity !== Severity.None) {
      const fatal = this.faults(peer, bytes, start, end);
      if (fatal !== undefined) return fatal;
    }
    if (scan.endOfRib >= 0) {
      this.sink.endOfRib(peer, scan.endOfRib as Family);
      return undefined;
    }
    // Withdrawals first: the order within one message is undefined, and this one loses nothing.
    this.field(peer, Family.Ipv4Unicast, bytes, scan.withdrawnStart, scan.withdrawnEnd, 0);
    if (scan.unreachFamily >= 0) {
      this.field(peer, scan.unreachFamily as Family, bytes, scan.unreachStart, scan.unreachEnd, 0);
    }
    this.announcements(peer, bytes);
    peer.limiter?.took();
    peer.police?.took();
    return undefined;
  }

  /** Ends the session of a peer that has more routes than it may. */
  checkLimits(peer: ReflectedPeer): void {
    for (const { family } of FAMILIES) if (!peer.gone) this.checkPrefixLimit(peer, family);
    if (!peer.gone) peer.limiter?.check();
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
      this.identity,
      peer.session.options.allowAsIn,
    );
    if (loop !== Refusal.None) {
      peer.faults.loops++;
      return 0;
    }
    if (peer.limiter?.refusesAttributes(scratch, nextHopLength, end) === true) return 0;
    const attr = this.attrs.intern(family, nextHopLength, scratch, 0, end);
    if (peer.infers) this.sink.targetsAnnounced(peer, this.attrs.targets(attr));
    return attr;
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
    const rules =
      attr === 0 || family === Family.RouteTarget ? undefined : this.policies.importOf(peer.slot);
    const own = attr === 0 ? undefined : this.policies.gates[peer.slot];
    // Memberships pass by all rules, but for trust.
    const gate = family === Family.RouteTarget && own?.isClosed !== true ? undefined : own;
    const screen = attr === 0 || family !== Family.Evpn ? undefined : this.policies.screen;
    const tunnels = attr === 0 || family === Family.RouteTarget ? undefined : this.policies.tunnels;
    const isPlain =
      rules === undefined && gate === undefined && screen === undefined && tunnels === undefined;
    const { limiter } = peer;
    const discards = limiter?.discards === true;
    const { excessPaths } = table.stats;
    let routes = 0;
    let at = start;
    while (at < end) {
      at = scanNlri(family, bytes, at, end, addPath, nlri);
      if (at < 0) break;
      routes++;
      if (nlri.status !== NlriStatus.Ok && !this.isUsable(peer, family, bytes, attr === 0))
        continue;
      let source = bytes;
      if (nlri.hostBits) {
        const { pathId } = nlri;
        const length = maskNlri(family, bytes, nlri, this.masked, 0);
        scanNlri(family, this.masked, 0, length, false, nlri);
        nlri.pathId = pathId;
        source = this.masked;
      }
      if (attr === 0) table.withdraw(peer.slot, family, source, nlri);
      else if (family === Family.Evpn && !peer.acceptsType(nlri.routeType))
        peer.faults.typeRefused++;
      else if (discards && limiter.holds(family, source, nlri, attr)) continue;
      else if (isPlain) table.announce(peer.slot, family, source, nlri, attr, attr);
      else this.announceRuled(peer.slot, family, source, attr, rules, gate, screen);
    }
    if (rules !== undefined) this.policies.endBatch();
    gate?.endBatch();
    tunnels?.endBatch();
    limiter?.read(routes);
    if (attr === 0) return;
    if (table.stats.excessPaths !== excessPaths) this.noteExcess(peer, family, excessPaths);
    this.checkPrefixLimit(peer, family);
    if (!peer.gone) limiter?.check();
  }

  /** The route under `nlri` goes in as its peer's import rules, and what stands behind them, leave it. */
  private announceRuled(
    slot: number,
    family: Family,
    bytes: Uint8Array,
    received: number,
    rules: ImportRules | undefined,
    gate: ImportGate | undefined,
    screen: RouteScreen | undefined,
  ): void {
    const { nlri, table } = this;
    if (gate?.isClosed === true) {
      table.announce(slot, family, bytes, nlri, received, 0, HoldReason.Trust);
      return;
    }
    let effective = received;
    let hold: HoldReason = HoldReason.None;
    if (rules !== undefined) {
      const { chain } = rules;
      chain.evaluate(received, family, bytes, nlri.start, rules.mask);
      effective = chain.attr;
      hold = chain.hold;
    }
    if (gate !== undefined && effective !== 0) {
      gate.pass(effective);
      effective = gate.attr;
      hold = gate.hold;
    }
    const { tunnels } = this.policies;
    if (tunnels !== undefined && effective !== 0) {
      tunnels.pass(effective);
      effective = tunnels.attr;
      hold = tunnels.hold;
    }
    if (
      screen !== undefined &&
      effective !== 0 &&
      nlri.routeType === MAC_IP &&
      screen.holds(effective, bytes, nlri.start)
    ) {
      this.announceScreened(slot, bytes, received, screen);
      return;
    }
    table.announce(slot, family, bytes, nlri, received, effective, hold);
  }

  private announceScreened(
    slot: number,
    bytes: Uint8Array,
    received: number,
    screen: RouteScreen,
  ): void {
    const { nlri, table } = this;
    const known = table.find(Family.Evpn, bytes, nlri);
    const before = known === 0 ? 0 : table.pathFrom(known, slot, nlri.pathId);
    const isNews = before === 0 || table.pathReceived(before) !== received;
    table.announce(slot, Family.Evpn, bytes, nlri, received, 0, HoldReason.Duplicate);
    const dest = known === 0 ? table.find(Family.Evpn, bytes, nlri) : known;
    if (dest !== 0) screen.held(dest, isNews);
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
      this.log.warn(
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

  private noteExcess(peer: ReflectedPeer, family: Family, before: number): void {
    const dropped = this.table.stats.excessPaths - before;
    const { faults, session } = peer;
    if (faults.nlriDropped < LOGGED_FAULTS) {
      this.log.warn(
        { peer: session.peerAddress, family: FAMILIES[family]!.name, dropped },
        `more than ${MOST_PATH_IDS} paths of one destination: let the peer send fewer (add-path)`,
      );
    }
    faults.nlriDropped += dropped;
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
      this.log.warn(
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
        this.sink.disableFamily(peer, family as Family);
      }
    }
    return fatal;
  }
}

/** Indexed by `Severity`. */
const OUTCOMES = [
  "accept",
  "attribute discard",
  "treat as withdraw",
  "family disabled",
  "session reset",
] as const;
