/**
 * The speaker's only door: what API, CLI server and telemetry may ask and do. Everything that
 * crosses is plain data that structured clone can copy, so that another thread can stand behind it.
 */
import type { MemoryView } from "./limits/memory-guard.js";
import type { PeerLimitsView } from "./limits/view.js";
import type { DumpResult, FeedsView, RecordingFormat, RecordingView } from "./feeds/control.js";
import type { Family } from "../fast-bgp-codec/family.js";
import type { ChangedKey } from "../util/settings-diff.js";
import type { AuditStatus } from "./audit/index.js";
import type { BfdOverview, BfdStatus } from "./bfd/index.js";
import type { DeferralView, PeerRestartView } from "./restart/index.js";
import type {
  LackPage,
  PolicyCandidate,
  PolicyTestOptions,
  PolicyTestReport,
  PolicyView,
  RouteExplanation,
} from "./policy-view.js";
import type { SpeakerSettings } from "./settings.js";
import type { TrustPeerView } from "./trust/view.js";

/** Families by name: requests name them, the control takes their numbers. */
export { FAMILIES } from "../fast-bgp-codec/family.js";
export type { Family } from "../fast-bgp-codec/family.js";
export type { MemoryView } from "./limits/memory-guard.js";

export interface PeerView {
  readonly address: string;
  readonly group: string;
  readonly description: string;
  readonly dynamic: boolean;
  readonly kind: "client" | "non-client" | "ebgp";
  readonly as: number | undefined;
  /** Dotted quad; undefined before the first OPEN. */
  readonly routerId: string | undefined;
  readonly state: "Idle" | "Connect" | "Active" | "OpenSent" | "OpenConfirm" | "Established";
  /** Why it is not Established, in words, with what to do where we know. */
  readonly lastError: string | undefined;
  readonly adminDown: boolean;
  /** Wall-clock milliseconds of the last change to or from Established. */
  readonly since: number;
  readonly establishedCount: number;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remotePort: number | undefined;
  readonly holdTime: number | undefined;
  readonly hostName: string | undefined;
  readonly softwareVersion: string | undefined;
  readonly capabilities: readonly string[];
  readonly md5: boolean;
  /** Name of the TCP-AO key chain. */
  readonly tcpAo?: string | undefined;
  readonly ttlSecurityHops: number;
  readonly families: readonly PeerFamilyView[];
  readonly messages: {
    readonly in: Readonly<Record<MessageKind, number>>;
    readonly out: Readonly<Record<MessageKind, number>>;
  };
  readonly faults: {
    readonly attributeDiscard: number;
    readonly treatAsWithdraw: number;
    readonly nlriDropped: number;
    readonly unknownType: number;
    readonly loops: number;
  };
  /** Undefined = it has none. */
  readonly limits?: PeerLimitsView | undefined;
  /** Undefined = it is not slow. */
  readonly slow: { readonly since: number } | undefined;
  /** Undefined = the peer has no BFD session. */
  readonly bfd: BfdStatus | undefined;
  /** Graceful restart: agreed, kept, waited for. */
  readonly restart?: PeerRestartView;
  /** Undefined = its settings ask for no trust. */
  readonly trust?: TrustPeerView | undefined;
  /** Octets waiting for the kernel, and log entries not read yet. */
  readonly pendingBytes: number;
  readonly backlog: number;
}

export type MessageKind = "open" | "update" | "notification" | "keepalive" | "refresh";

export interface PeerFamilyView {
  readonly family: string;
  readonly accepted: number;
  readonly advertised: number;
  readonly endOfRibReceived: boolean;
  readonly endOfRibSent: boolean;
}

export interface RouteQuery {
  /** best = loc-RIB, received = adj-RIB-in of `peer`, advertised = adj-RIB-out of `peer`. */
  readonly table: "best" | "all" | "received" | "advertised";
  readonly peer?: string;
  readonly family?: Family;
  /** EVPN route type. */
  readonly routeType?: number;
  /** Substrings or exact values in display form. */
  readonly rd?: string;
  readonly mac?: string;
  readonly ip?: string;
  /** VNI or raw 24-bit label value of label1; MPLS label of a VPN route. */
  readonly vni?: number;
  readonly rt?: string;
  /** Opaque; from the page before. */
  readonly cursor?: string;
  /** 1 to 1000. */
  readonly limit?: number;
}

export interface RouteView {
  readonly family: string;
  readonly prefix: string;
  readonly nlri: object;
  readonly nlriHex: string;
  readonly nextHop: string;
  readonly attributes: readonly object[];
  readonly attributesHex: string;
  /** Address of the peer it came from. */
  readonly peer: string;
  readonly originator: string;
  /** Path id (RFC 7911): as received, or as sent where the table is what a peer was sent. Absent without ADD-PATH. */
  readonly pathId?: number;
  readonly best: boolean;
  /** Why it is kept without effect (`rib/hold.ts`); absent when it is not. */
  readonly held?: string;
  /** Why it is best, or why it is not. */
  readonly reason: string;
  /** Wall-clock milliseconds of its last change. */
  readonly changed: number;
}

export interface RoutePage {
  readonly routes: readonly RouteView[];
  /** Give it back for the next page; undefined at the end. */
  readonly next: string | undefined;
}

export interface SpeakerSummary {
  readonly as: number;
  readonly routerId: string;
  readonly clusterId: string;
  readonly version: string;
  readonly started: number;
  readonly listening: readonly string[];
  readonly peers: number;
  readonly established: number;
  readonly destinations: number;
  readonly routes: number;
  readonly attributeSets: number;
  readonly ready: boolean;
  /** The ceiling on memory; undefined before the start. */
  readonly memory?: MemoryView | undefined;
  /** Set while sending waits for the peers after a restart of ours. */
  readonly restarting?: DeferralView | undefined;
  /** Undefined while nobody is in maintenance. */
  readonly maintenance?: Pick<MaintenanceView, "all" | "named" | "since" | "drained">;
}

/** What decides which route targets a peer is sent. */
export interface InterestView {
  readonly peer: string;
  readonly group: string;
  readonly by: "memberships" | "list" | "inference" | "everything";
  /** It has a tenant's list of allowed targets beside that. */
  readonly tenant: boolean;
  readonly inference: "off" | "shadow" | "on";
  /** Inference waits for what the peer announces: nothing is held back yet. */
  readonly learning: boolean;
  /** Targets it asks for, or seems to; undefined where nothing is known of it. */
  readonly targets: number | undefined;
  /** Routes of others that it is not sent because of their targets. */
  readonly withheld: number;
  /** The same, if inference were on; in shadow mode. */
  readonly wouldWithhold: number | undefined;
}

export interface InterestTarget {
  readonly target: string;
  readonly by: "membership" | "list" | "inference";
  /** Wall-clock milliseconds: first seen in the peer's routes, and when it vanished from them. */
  readonly since?: number;
  readonly missingSince?: number;
}

export interface WithheldExample {
  readonly prefix: string;
  /** Whom it came from. */
  readonly peer: string;
  readonly targets: readonly string[];
}

/** Targets shown of one peer, at most. */
export const INTEREST_LIST_MOST = 1000;

export interface InterestDetail extends InterestView {
  readonly targetList: readonly InterestTarget[];
  readonly allowed: readonly string[] | undefined;
  /** Some of the routes that are, or would be, held back. */
  readonly examples: readonly WithheldExample[];
}

export interface MaintenanceOrder {
  /** Addresses in the form that peers have; "all" covers peers to come, too. */
  readonly peers: readonly string[] | "all";
  /** Time that a peer has to turn to other paths once it has everything marked. */
  readonly drainSeconds: number;
  readonly then: "nothing" | "shutdown";
  /** Told to peers that are shut down (RFC 9003). */
  readonly text: string;
}

export interface MaintenancePeerView {
  readonly peer: string;
  readonly state: "marking" | "unacknowledged" | "draining" | "drained" | "shut-down";
  /** Wall-clock milliseconds. */
  readonly since: number;
  readonly secondsLeft: number | undefined;
}

export interface MaintenanceView {
  readonly active: boolean;
  /** All peers are meant, those to come too. */
  readonly all: boolean;
  /** Peers meant by their address. */
  readonly named: readonly string[];
  /** Wall-clock milliseconds. */
  readonly since: number | undefined;
  readonly then: "nothing" | "shutdown";
  /** Every session concerned has been drained. */
  readonly drained: boolean;
  readonly peers: readonly MaintenancePeerView[];
}

/** Numbers only; names are the metric names without prefix. */
export type SpeakerStats = Readonly<Record<string, number>>;

export interface AuditReport {
  readonly ok: boolean;
  readonly findings: readonly string[];
  /** The continuous audit; undefined where none runs. */
  readonly status?: AuditStatus;
}

export type { DumpResult, FeedsView, RecordingFormat, RecordingView } from "./feeds/control.js";
export type { WhatIf } from "./what-if/question.js";
export type {
  RiskyMac,
  TunnelRisk,
  TunnelRouteControl,
  TunnelRouteSettings,
  TunnelRoutesView,
  TunnelVtep,
} from "./tunnels/control.js";

export type {
  LackPage,
  LackReason,
  PolicyCandidate,
  PolicyTestOptions,
  PolicyTestReport,
  PolicyView,
  RouteExplanation,
} from "./policy-view.js";

/** Refused requests: a code for programs and a sentence that says what to do. */
export class ControlError extends Error {
  readonly code: "not-found" | "invalid" | "busy" | "unsupported";
  constructor(code: ControlError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** One thing that a change of settings does. */
export interface SettingsEffect {
  /** `peer 10.0.0.1`, `dynamic 10.0.0.0/16`, `listen`. */
  readonly subject: string;
  /**
   * added, removed; reset: sessions end and come back; live: in force at once, no session ends;
   * next-session: each peer's next session has it; restart: holds when evpnd starts next.
   */
  readonly effect: "added" | "removed" | "reset" | "live" | "next-session" | "restart";
  readonly keys: readonly ChangedKey[];
  /** Established sessions that end. */
  readonly sessions: readonly string[];
}

export interface SpeakerControl {
  summary(): Promise<SpeakerSummary>;
  peers(): Promise<readonly PeerView[]>;
  peer(address: string): Promise<PeerView>;
  routes(query: RouteQuery): Promise<RoutePage>;
  stats(): Promise<SpeakerStats>;
  /** BFD sessions in full, and what was heard from nobody known. */
  bfd(): Promise<BfdOverview>;
  /** Re-evaluates what the peer sent (in: asks it by route refresh) or is sent (out: from the table). Without a session reset. */
  softClear(address: string, direction: "in" | "out", family?: Family): Promise<void>;
  /** Cease, administrative reset. */
  resetPeer(address: string, text: string): Promise<void>;
  /** Cease, administrative shutdown with text (RFC 9003), until `enablePeer`. */
  shutdownPeer(address: string, text: string): Promise<void>;
  enablePeer(address: string): Promise<void>;
  /**
   * New settings; sessions whose own settings did not change are not touched. Returns what was done, a
   * line each. Rejects with a sentence when they cannot be put in force; those before hold then.
   */
  apply(settings: SpeakerSettings): Promise<readonly string[]>;
  /** What `apply` would do, against what runs now. */
  preview(settings: SpeakerSettings): Promise<readonly SettingsEffect[]>;
  /** Monitoring feeds and the flight recorder. */
  feeds(): Promise<FeedsView>;
  /** Writes a table dump (MRT) now; resolves when the file is whole. */
  dumpTable(): Promise<DumpResult>;
  /** Ends the MRT file of updates under way; its name. */
  rotateUpdates(): Promise<string>;
  recordings(): Promise<readonly RecordingView[]>;
  /** Recording of a peer as a file, of all peers without an address. */
  recording(address: string | undefined, format: RecordingFormat): Promise<Uint8Array>;
  interests(): Promise<readonly InterestView[]>;
  interest(address: string): Promise<InterestDetail>;
  maintenance(): Promise<MaintenanceView>;
  /** Marks what the peers are sent as the last choice (RFC 8326), then what the order says. */
  beginMaintenance(order: MaintenanceOrder): Promise<MaintenanceView>;
  endMaintenance(peers: readonly string[] | "all"): Promise<MaintenanceView>;
  /** Policies in force, and how often their rules matched. */
  policies(): Promise<readonly PolicyView[]>;
  /** What other policies would make different, without making it. */
  testPolicy(candidate: PolicyCandidate, options: PolicyTestOptions): Promise<PolicyTestReport>;
  /**
   * Which rules decided on routes, and why each session has them or not; with `peer` that session alone, and
   * peers that have no session among the others. `limit` 1 to 100 routes, 10 unless given.
   */
  explainRoutes(query: RouteQuery): Promise<RouteExplanation>;
  /** What a peer has not been sent that another has, by reason: of one part of the table, in pages. */
  lacks(address: string, than: string, cursor?: string): Promise<LackPage>;
  /** Recounts references and cross-checks the tables. */
  audit(): Promise<AuditReport>;
  /** What the continuous audit has to say now, without a walk. */
  auditStatus(): Promise<AuditStatus | undefined>;
}
