/** The speakers of a model run: what each one is, and the options and capabilities that follow from it. */
import { FAMILIES, Family } from "../../../src/fast-bgp-codec/family.js";
import { NEGOTIATED_DEFAULTS, type Negotiated } from "../../../src/bgp/session/types.js";
import { PEER_OPTION_DEFAULTS, type PeerOptions } from "../../../src/bgp/settings.js";

export const OWN_AS = 65000;
export const OWN_ID = 0x0a6300fe;
export const CLUSTER_ID = 0x0a6300fd;

export type PeerKind = "client" | "non-client" | "ebgp";

export interface PeerSpec {
  readonly index: number;
  readonly address: string;
  readonly id: number;
  readonly kind: PeerKind;
  readonly as: number;
  /** Bit mask over `Family`. */
  readonly families: number;
  readonly as4: boolean;
  readonly extendedMessage: boolean;
  readonly enhancedRefresh: boolean;
  readonly typesIn?: readonly number[];
  readonly typesOut?: readonly number[];
  readonly acceptIn: boolean;
  readonly acceptOut: boolean;
  readonly unknownTypes: boolean;
  readonly nextHopSelf: boolean;
  readonly allowAsIn: number;
  readonly prefixLimit: number;
  readonly malformedNlri: PeerOptions["malformedNlri"];
  readonly limits?: Partial<PeerOptions["limits"]>;
  /** Where they differ from the defaults. */
  readonly gracefulRestart?: Partial<PeerOptions["gracefulRestart"]>;
  readonly negotiated?: Partial<Negotiated>;
  /** Where it differs from the defaults. */
  readonly interest?: Partial<PeerOptions["interest"]>;
  readonly gracefulShutdown?: PeerOptions["gracefulShutdown"];
  readonly policy?: Partial<PeerOptions["policy"]>;
  readonly trust?: PeerOptions["trust"];
  /** ADD-PATH for EVPN (RFC 7911): its routes come with path ids. */
  readonly sendsPaths?: boolean;
  /** How many paths of an EVPN destination it is sent at most; undefined: the best one, without ADD-PATH. */
  readonly takesPaths?: number;
}

export function maskOf(...families: readonly Family[]): number {
  return families.reduce<number>((mask, family) => mask | (1 << family), 0);
}

export const EVPN_ONLY = maskOf(Family.Evpn);
export const VPN = maskOf(Family.Ipv4Vpn, Family.Ipv6Vpn);
export const ALL_FAMILIES = maskOf(Family.Evpn, Family.Ipv4Unicast, Family.Ipv6Unicast) | VPN;

export function has(families: number, family: Family): boolean {
  return (families & (1 << family)) !== 0;
}

export function familiesIn(mask: number): Family[] {
  return FAMILIES.map((spec) => spec.family).filter((family) => has(mask, family));
}

/** It has the capability of RFC 9494. */
export function knowsLongLived(peer: PeerSpec): boolean {
  return peer.negotiated?.longLived !== undefined;
}

/** A plain EVPN client; give what differs. */
export function peerSpec(index: number, over: Partial<PeerSpec> = {}): PeerSpec {
  return {
    index,
    // 10.0.0.2 sorts behind 10.0.0.10 as text and before it as an address.
    address: `10.0.0.${String(index + 1)}`,
    id: 0x0a010001 + index,
    kind: "client",
    as: OWN_AS,
    families: EVPN_ONLY,
    as4: true,
    extendedMessage: false,
    enhancedRefresh: true,
    acceptIn: true,
    acceptOut: true,
    unknownTypes: false,
    nextHopSelf: false,
    allowAsIn: 0,
    prefixLimit: 0,
    malformedNlri: "drop",
    ...over,
  };
}

export function optionsOf(peer: PeerSpec): PeerOptions {
  return {
    ...PEER_OPTION_DEFAULTS,
    peerAs: peer.as,
    client: peer.kind === "client",
    families: familiesIn(peer.families),
    passive: true,
    extendedMessage: peer.extendedMessage,
    ebgpAcceptIn: peer.acceptIn,
    ebgpAcceptOut: peer.acceptOut,
    nextHopSelf: peer.nextHopSelf,
    evpnTypesOut: peer.typesOut,
    evpnTypesIn: peer.typesIn,
    evpnUnknownTypes: peer.unknownTypes,
    malformedNlri: peer.malformedNlri,
    prefixLimit: peer.prefixLimit,
    prefixLimitRestart: 60,
    allowAsIn: peer.allowAsIn,
    addPath: [
      {
        family: Family.Evpn,
        send: peer.takesPaths !== undefined,
        receive: peer.sendsPaths === true,
        limit: peer.takesPaths ?? 1,
      },
    ],
    gracefulRestart: { ...PEER_OPTION_DEFAULTS.gracefulRestart, ...peer.gracefulRestart },
    interest: { ...PEER_OPTION_DEFAULTS.interest, ...peer.interest },
    policy: { ...PEER_OPTION_DEFAULTS.policy, ...peer.policy },
    limits: { ...PEER_OPTION_DEFAULTS.limits, ...peer.limits },
    trust: peer.trust,
    gracefulShutdown: peer.gracefulShutdown ?? PEER_OPTION_DEFAULTS.gracefulShutdown,
  };
}

export function negotiatedOf(peer: PeerSpec): Negotiated {
  const size = peer.extendedMessage ? 65535 : 4096;
  return {
    ...NEGOTIATED_DEFAULTS,
    localAs: OWN_AS,
    peerAs: peer.as,
    ibgp: peer.kind !== "ebgp",
    peerId: peer.id,
    peerIdText: [24, 16, 8, 0].map((shift) => String((peer.id >>> shift) & 255)).join("."),
    families: peer.families,
    as4: peer.as4,
    maxMessageOut: size,
    maxMessageIn: size,
    enhancedRefresh: peer.enhancedRefresh,
    addPathIn: peer.sendsPaths === true ? EVPN_ONLY : 0,
    addPathOut: peer.takesPaths === undefined ? 0 : EVPN_ONLY,
    // Offered without families: memberships are waited for as long as RFC 4684 section 6 allows.
    gracefulRestart: {
      restarting: false,
      notification: false,
      time: 0,
      families: 0,
      forwarding: 0,
    },
    ...peer.negotiated,
  };
}
