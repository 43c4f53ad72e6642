/** A session as collectors are told of it, and the streams of routes it may be the source of. */
import { FAMILIES } from "../../../fast-bgp-codec/family.js";
import { capability, encodeOpen, AS_TRANS } from "../../../fast-bgp-codec/open.js";
import type { SessionDown, TappedSession } from "../../session/types.js";
import {
  FLAG_AS2,
  FLAG_OUT,
  FLAG_POST_POLICY,
  locRibIdentity,
  peerIdentity,
  type DownReason,
  type PeerIdentity,
  type PeerUpBody,
  type Stamp,
} from "./message.js";

/** One view of one peer's routes, or the loc-RIB: what the headers of its messages have in common. */
export interface Stream {
  readonly peer: PeerIdentity;
  readonly flags: number;
  /** Families whose NLRI carry path ids, bit mask over `Family`. */
  readonly addPath: number;
}

export class MonitoredPeer {
  readonly slot: number;
  readonly session: TappedSession;
  readonly identity: PeerIdentity;
  /** Bit mask over `Family`. */
  readonly families: number;
  readonly since: Stamp;
  readonly inPre: Stream;
  readonly inPost: Stream;
  readonly outPre: Stream;
  readonly outPost: Stream;
  /** The NOTIFICATION that ended it, if one did. */
  notification: { readonly bytes: Uint8Array; readonly fromPeer: boolean } | undefined;
  /** How it ended, once it has. */
  down: { readonly reason: DownReason; readonly stamp: Stamp } | undefined;

  /** @param session has negotiated */
  constructor(slot: number, session: TappedSession, since: Stamp) {
    const { agreed, peerAddress } = session;
    if (agreed === undefined) throw new Error("a session is monitored before it has negotiated");
    this.slot = slot;
    this.session = session;
    this.since = since;
    this.families = agreed.families;
    this.identity = peerIdentity(peerAddress, agreed.peerAs, agreed.peerId);
    const peer = this.identity;
    this.inPre = { peer, flags: 0, addPath: agreed.addPathIn };
    this.inPost = { peer, flags: FLAG_POST_POLICY, addPath: agreed.addPathIn };
    this.outPre = { peer, flags: FLAG_OUT, addPath: agreed.addPathOut };
    this.outPost = {
      peer,
      flags: FLAG_OUT | FLAG_POST_POLICY | (agreed.as4 ? 0 : FLAG_AS2),
      addPath: agreed.addPathOut,
    };
  }

  get upBody(): PeerUpBody {
    const { connection, openSent, openReceived, agreed, localAs } = this.session;
    const { localAddress, localPort, remotePort } = connection;
    return {
      localAddress,
      localPort,
      remotePort,
      openSent: openSent ?? fabricatedOpen(localAs, 0, this.families),
      openReceived:
        openReceived ?? fabricatedOpen(agreed?.peerAs ?? 0, agreed?.peerId ?? 0, this.families),
    };
  }

  end(down: SessionDown, stamp: Stamp): void {
    this.down = { reason: this.reasonOf(down), stamp };
  }

  private reasonOf(down: SessionDown): DownReason {
    const { notification } = this;
    if (notification !== undefined) {
      return {
        kind: notification.fromPeer ? "remote-notification" : "local-notification",
        notification: notification.bytes,
      };
    }
    // Without a NOTIFICATION from either side: what the machine saw (RFC 4271 section 8.1).
    if (down.reason === "tcp") return { kind: "remote" };
    return { kind: "local", event: down.reason === "hold-timer" ? HOLD_TIMER_EXPIRES : 0 };
  }
}

const HOLD_TIMER_EXPIRES = 10;

/** The loc-RIB's stream: its routes have one path and 4-octet ASes. */
export function locRibStream(as: number, bgpId: number): Stream {
  return { peer: locRibIdentity(as, bgpId), flags: 0, addPath: 0 };
}

/** An OPEN that says how to read routes of these families (RFC 9069 section 5.2). */
export function fabricatedOpen(as: number, bgpId: number, families: number): Uint8Array {
  return encodeOpen({
    version: 4,
    myAs: as > 0xffff ? AS_TRANS : as,
    holdTime: 0,
    bgpId: [24, 16, 8, 0].map((shift) => (bgpId >>> shift) & 255).join("."),
    capabilities: [
      ...FAMILIES.filter(({ family }) => (families & (1 << family)) !== 0).map(({ afi, safi }) =>
        capability.multiprotocol(afi, safi),
      ),
      capability.fourOctetAs(as),
    ],
  });
}
