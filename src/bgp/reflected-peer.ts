/** An Established session as the reflector keeps it: its slot, how to decode what it sends, what it did wrong. */
import { makeAttribute } from "../fast-bgp-codec/attribute/list.js";
import { FAMILIES, Family } from "../fast-bgp-codec/family.js";
import { encodeMessage } from "../fast-bgp-codec/message.js";
import { encodeRouteRefresh } from "../fast-bgp-codec/route-refresh.js";
import type { DecodeContext } from "../fast-bgp-codec/update-scan.js";
import { parseIp } from "../fast-bgp-codec/values/ip.js";
import { toHex } from "../util/bytes.js";
import type { ReceiverOptions } from "./adj-rib-out/adj-rib-out.js";
import type { PeerLimiter } from "./limits/peer-limiter.js";
import { SourceKind, type Sources } from "./rib/sources.js";
import { ADMITTED, type TrustGrip } from "./trust/grip.js";
import type { PolicedSession } from "./trust/police.js";
import type { EstablishedSession } from "./session/types.js";

export interface PeerFaults {
  attributeDiscard: number;
  treatAsWithdraw: number;
  nlriDropped: number;
  unknownType: number;
  loops: number;
  /** Announcements of an eBGP peer without accept (RFC 8212). */
  notAccepted: number;
  /** Routes of a type that the peer's settings exclude. */
  typeRefused: number;
  /** Messages with a fault. */
  logged: number;
}

export class ReflectedPeer {
  readonly session: EstablishedSession;
  readonly slot: number;
  kind: SourceKind;
  readonly faults: PeerFaults = {
    attributeDiscard: 0,
    treatAsWithdraw: 0,
    nlriDropped: 0,
    unknownType: 0,
    loops: 0,
    notAccepted: 0,
    typeRefused: 0,
    logged: 0,
  };
  context: DecodeContext;
  acceptsIn = false;
  /** Bit masks over `Family`. */
  endOfRibReceived = 0;
  /** Between BoRR and EoRR. */
  refreshing = 0;
  /** What it is sent is marked as the last choice (RFC 8326). */
  inMaintenance = false;
  /** What it wants is inferred from the route targets of what it announces. */
  infers = false;
  /** Of what it sends; undefined without limits. */
  limiter: PeerLimiter | undefined = undefined;
  /** What trust lets it do. */
  grip: TrustGrip = ADMITTED;
  /** With the other sessions of its VNF; undefined where nothing limits that. */
  police: PolicedSession | undefined = undefined;
  /** Families to be asked for once it may be sent something, bit mask. */
  private asksLater = 0;
  /** The session was closed; a message being worked on ends early. */
  gone = false;
  /** Accepted EVPN route types; undefined = all. */
  private types: ReadonlySet<number> | undefined;

  private constructor(session: EstablishedSession, slot: number, kind: SourceKind) {
    const { options, negotiated } = session;
    this.session = session;
    this.slot = slot;
    this.kind = kind;
    this.context = {
      as4: negotiated.as4,
      ibgp: negotiated.ibgp,
      peerAs: negotiated.ibgp ? 0 : negotiated.peerAs,
      families: negotiated.families,
      addPath: negotiated.addPathIn,
      malformedNlri: options.malformedNlri,
    };
    this.reconfigure();
  }

  /** @param kept the slot of the peer's last session with the routes that wait for this one (graceful restart) */
  static admit(session: EstablishedSession, sources: Sources, kept?: number): ReflectedPeer {
    const { negotiated } = session;
    const kind = kindOf(session);
    if (kept !== undefined) return new ReflectedPeer(session, kept, kind);
    const slot = sources.take(
      kind,
      negotiated.peerId,
      session.peerAddress,
      addressKey(session.peerAddress),
      negotiated.peerAs,
    );
    return new ReflectedPeer(session, slot, kind);
  }

  receiver(): ReceiverOptions {
    const { session } = this;
    const { options, negotiated } = session;
    const ebgp = this.kind === SourceKind.Ebgp;
    const defaultMembership =
      (this.kind === SourceKind.Client || options.interest.defaultMembership) &&
      (negotiated.families & (1 << Family.RouteTarget)) !== 0;
    return {
      slot: this.slot,
      kind: this.kind,
      acceptOut: options.ebgpAcceptOut,
      families: negotiated.families,
      addPath: options.addPath.filter(
        ({ family }) => (negotiated.addPathOut & (1 << family)) !== 0,
      ),
      evpnTypes: options.evpnTypesOut,
      extendedNextHop: negotiated.extendedNextHop,
      outlet: session,
      encoding: {
        ebgp,
        as4: negotiated.as4,
        nextHopSelf: ebgp && options.nextHopSelf ? parseIp(session.localAddress) : undefined,
        lastChoice: this.inMaintenance,
        lastResort:
          negotiated.ibgp &&
          negotiated.longLived === undefined &&
          options.gracefulRestart.longLived.partial,
      },
      llgr:
        negotiated.longLived !== undefined ||
        (negotiated.ibgp && options.gracefulRestart.longLived.partial),
      extendedMessage: negotiated.maxMessageOut > 4096,
      enhancedRefresh: negotiated.enhancedRefresh,
      defaultMembership,
      greeting: defaultMembership ? encodeDefaultMembership(session.localAddress) : undefined,
    };
  }

  /** Takes over what the session's options say now; the tables are somebody else's. */
  reconfigure(): void {
    const { options } = this.session;
    this.kind = kindOf(this.session);
    this.acceptsIn = this.kind !== SourceKind.Ebgp || options.ebgpAcceptIn;
    this.types = options.evpnTypesIn === undefined ? undefined : new Set(options.evpnTypesIn);
    this.context = { ...this.context, malformedNlri: options.malformedNlri };
  }

  /** Nothing is sent to it, and nothing of it counts. */
  get isHeld(): boolean {
    return this.grip.effect === "hold";
  }

  /** It is asked to send these families once more (RFC 2918): now, or as soon as it is trusted. */
  ask(families: number): void {
    const { negotiated } = this.session;
    if (!negotiated.routeRefresh) return;
    if (this.isHeld) {
      this.asksLater |= families;
      return;
    }
    const asked = families & negotiated.families;
    for (const { family, afi, safi } of FAMILIES) {
      if ((asked & (1 << family)) !== 0) this.session.send(encodeRouteRefresh(afi, safi, 0));
    }
  }

  /** What it was not asked for while it was not trusted. */
  askNow(): void {
    const asked = this.asksLater;
    this.asksLater = 0;
    if (asked !== 0) this.ask(asked);
  }

  acceptsType(type: number): boolean {
    return this.types === undefined || this.types.has(type);
  }

  /** Ignores the family until the session ends (RFC 7606 section 2, RFC 4760 section 7). */
  disable(family: Family): void {
    this.context = { ...this.context, families: this.context.families & ~(1 << family) };
  }

  /** Routes held from it. */
  routes(sources: Sources): number {
    let routes = 0;
    for (const { family } of FAMILIES) routes += sources.count(this.slot, family);
    return routes;
  }
}

export function kindOf({ options, negotiated }: EstablishedSession): SourceKind {
  if (!negotiated.ibgp) return SourceKind.Ebgp;
  return options.client ? SourceKind.Client : SourceKind.NonClient;
}

/** UPDATE with the membership of length 0: send us everything (RFC 4684 section 3.2). */
function encodeDefaultMembership(localAddress: string): Uint8Array {
  return encodeMessage({
    message: "UPDATE",
    attributes: [
      makeAttribute(14, {
        afi: 1,
        safi: 132,
        nextHop: localAddress,
        nlri: [{ prefixLen: 0, default: true }],
      }),
      makeAttribute(1, "IGP"),
      makeAttribute(2, []),
      makeAttribute(5, 100),
    ],
  });
}

/** Text whose order is that of the addresses, IPv4 first. */
function addressKey(address: string): string {
  const bytes = parseIp(address.split("%")[0]!);
  return bytes === undefined ? `z${address}` : `${bytes.length === 4 ? "4" : "6"}${toHex(bytes)}`;
}
