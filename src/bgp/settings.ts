/** What the speaker needs to know, already checked; `config/` makes it from the file. Times in seconds unless named otherwise. */
import type { TrustRequirement } from "../contract.js";
import type { FeedsSettings } from "./feeds/settings.js";
import { Family } from "../fast-bgp-codec/family.js";
import {
  PEER_POLICY_DEFAULTS,
  type PeerPolicy,
  type PolicySettings,
} from "./policy/rules/settings.js";
import { INTEREST_DEFAULTS, type InterestOptions } from "./policy/interest-options.js";
import { MEMORY_LIMIT_DEFAULT, type MemoryLimit } from "./limits/memory-settings.js";
import { NO_LIMITS, type PeerLimits } from "./limits/settings.js";
import type { TcpAoChain } from "./transport/tcp-ao-settings.js";
import { AUDIT_DEFAULTS, type AuditSettings } from "./audit/settings.js";
import type { BfdOptions } from "./bfd/settings.js";
import { SLOW_PEER_DEFAULTS, type SlowPeerSettings } from "./slow-settings.js";
import {
  GRACEFUL_RESTART_DEFAULTS,
  RESTART_DEFAULTS,
  type GracefulRestartOptions,
  type RestartSettings,
} from "./graceful-settings.js";

export interface ListenAddress {
  /** Literal IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
}

/** What a peer and a group of dynamic peers share. */
export interface PeerOptions {
  /** Group's name, for display; empty for none. */
  readonly group: string;
  readonly description: string;
  /** Remote AS; undefined accepts any AS (dynamic peers only). */
  readonly peerAs: number | undefined;
  /** iBGP only: route reflector client. */
  readonly client: boolean;
  readonly families: readonly Family[];
  readonly passive: boolean;
  readonly shutdown: boolean;
  readonly holdTime: number;
  readonly connectRetry: number;
  /** RFC 9687; 0 = max(480, 2 × hold). */
  readonly sendHoldTime: number;
  /** First wait after a failed session, doubling to `idleHoldMax`. */
  readonly idleHold: number;
  readonly idleHoldMax: number;
  /** TCP MD5 key (RFC 2385); never printed. */
  readonly password: string | undefined;
  /** TCP-AO (RFC 5925); undefined = none. */
  readonly tcpAo: TcpAoChain | undefined;
  /** GTSM (RFC 5082): hops allowed between us and the peer, 1 = directly connected; 0 = off. */
  readonly ttlSecurityHops: number;
  /** TTL of an eBGP session without GTSM; 1 unless multihop. 0 = system default. */
  readonly ttl: number;
  readonly localAddress: string | undefined;
  readonly port: number;
  /** TCP_USER_TIMEOUT in milliseconds; 0 = off. */
  readonly tcpUserTimeoutMs: number;
  readonly extendedMessage: boolean;
  /** Offer IPv6 next hops for IPv4 and VPNv4 NLRI (RFC 8950). */
  readonly extendedNextHop: boolean;
  /** eBGP: RFC 8212 asks for an explicit word. iBGP ignores both. */
  readonly ebgpAcceptIn: boolean;
  readonly ebgpAcceptOut: boolean;
  /** eBGP, IP families: send the own address as next hop. EVPN's next hop is always kept. */
  readonly nextHopSelf: boolean;
  /** EVPN route types the peer is sent; undefined = all. */
  readonly evpnTypesOut: readonly number[] | undefined;
  /** EVPN route types accepted from it; undefined = all known. */
  readonly evpnTypesIn: readonly number[] | undefined;
  /** Reflect EVPN route types beyond 11 as opaque bytes; else they are dropped and counted. */
  readonly evpnUnknownTypes: boolean;
  /** What an EVPN NLRI costs whose envelope parses and whose body does not. */
  readonly malformedNlri: "drop" | "treat-as-withdraw" | "reset";
  /** Most routes accepted, per family; 0 = no limit. Beyond: Cease 6/1, held down for `prefixLimitRestart`. */
  readonly prefixLimit: number;
  readonly prefixLimitRestart: number;
  /** On routes, attributes and update rate. */
  readonly limits: PeerLimits;
  /** AS_PATH may hold our own AS this often. */
  readonly allowAsIn: number;
  /** Which route targets it is sent and may announce. */
  readonly interest: InterestOptions;
  /** RFC 8326: whose routes with GRACEFUL_SHUTDOWN become the last choice; `ebgp` = those of eBGP peers. */
  readonly gracefulShutdown: "ebgp" | "always" | "never";
  /** Undefined = none. */
  readonly bfd: BfdOptions | undefined;
  readonly gracefulRestart: GracefulRestartOptions;
  readonly addPath: readonly AddPathOption[];
  readonly policy: PeerPolicy;
  /** Only a VNF that proves itself counts; undefined = whoever it is. */
  readonly trust: TrustRequirement | undefined;
}

/** One family of ADD-PATH (RFC 7911): what we are ready to do. */
export interface AddPathOption {
  readonly family: Family;
  readonly send: boolean;
  readonly receive: boolean;
  /** Most paths of a destination sent, 1 to 32. */
  readonly limit: number;
}

export interface PeerSettings extends PeerOptions {
  readonly address: string;
}

/** Dynamic peers: whoever connects from the prefix. */
export interface DynamicRange extends PeerOptions {
  /** `10.0.0.0/8` or `2001:db8::/32`; the longest match wins. */
  readonly prefix: string;
  /** 0 = no limit. */
  readonly maxPeers: number;
  /** Prefixes inside it from which peers may connect; none = from all of it. */
  readonly allow: readonly string[];
  /** Prefixes inside it from which none may. */
  readonly deny: readonly string[];
}

export interface SpeakerSettings {
  readonly as: number;
  /** Dotted quad. */
  readonly routerId: string;
  readonly clusterId: string;
  readonly listen: readonly ListenAddress[];
  readonly peers: readonly PeerSettings[];
  readonly dynamic: readonly DynamicRange[];
  /** Sent in capability 73 when not empty. */
  readonly hostName: string;
  /** Sent in capability 75 when not empty. */
  readonly softwareVersion: string;
  /** Mobility comparison inside one EVPN key (RFC 7432 section 15), before LOCAL_PREF. */
  readonly compareMobility: boolean;
  /** Coalescing of output under load, milliseconds (fractions allowed). */
  readonly flushIntervalMs: number;
  /** Sessions in OpenSent/OpenConfirm at once from dynamic ranges; more wait in the accept queue. */
  readonly maxHandshakes: number;
  /** Ceiling on the process's memory. */
  readonly memoryLimit: MemoryLimit;
  /** Connections per second taken from one address, five seconds' worth at once; 0 = no limit. */
  readonly acceptRate: number;
  readonly restart: RestartSettings;
  readonly slowPeers: SlowPeerSettings;
  readonly audit: AuditSettings;
  /** Monitoring, files of messages and tables, flight recorder; undefined = none of them. */
  readonly feeds?: FeedsSettings;
  readonly policies: readonly PolicySettings[];
}

/** What a peer is when nothing says otherwise. A new option gets its default here. */
export const PEER_OPTION_DEFAULTS: PeerOptions = {
  group: "",
  description: "",
  peerAs: undefined,
  client: true,
  families: [Family.Evpn],
  passive: false,
  shutdown: false,
  holdTime: 90,
  connectRetry: 10,
  sendHoldTime: 0,
  idleHold: 1,
  idleHoldMax: 60,
  password: undefined,
  tcpAo: undefined,
  ttlSecurityHops: 0,
  ttl: 0,
  localAddress: undefined,
  port: 179,
  tcpUserTimeoutMs: 0,
  extendedMessage: true,
  extendedNextHop: false,
  ebgpAcceptIn: false,
  ebgpAcceptOut: false,
  nextHopSelf: false,
  evpnTypesOut: undefined,
  evpnTypesIn: undefined,
  evpnUnknownTypes: false,
  malformedNlri: "drop",
  prefixLimit: 0,
  prefixLimitRestart: 300,
  limits: NO_LIMITS,
  allowAsIn: 0,
  interest: INTEREST_DEFAULTS,
  gracefulShutdown: "ebgp",
  bfd: undefined,
  gracefulRestart: GRACEFUL_RESTART_DEFAULTS,
  addPath: [],
  policy: PEER_POLICY_DEFAULTS,
  trust: undefined,
};

/** Everything but who we are. A new setting of the speaker gets its default here. */
export const SPEAKER_DEFAULTS: Omit<SpeakerSettings, "as" | "routerId" | "clusterId"> = {
  listen: [],
  peers: [],
  dynamic: [],
  hostName: "",
  softwareVersion: "",
  compareMobility: true,
  flushIntervalMs: 1,
  maxHandshakes: 100,
  memoryLimit: MEMORY_LIMIT_DEFAULT,
  acceptRate: 10,
  restart: RESTART_DEFAULTS,
  slowPeers: SLOW_PEER_DEFAULTS,
  audit: AUDIT_DEFAULTS,
  policies: [],
};
