/**
 * A tunnel: one definition with two ends. What both ends must agree on stands once; what belongs to an end
 * stands with it; an end that is known to differ says so in `override`. Route-based and policy-based tunnels
 * are the same thing with another way into it: a route to a bound interface, or a match of selectors.
 */
import type { IkeIdentity } from "./gateway.js";
import type { EspProposal, IkeProposal } from "./proposal.js";
import type { Authentication } from "./authentication.js";

export type TunnelKind = "route-based" | "policy-based";

/** What brings it up: traffic that matches, at once, or the other side only. */
export type StartMode = "trap" | "start" | "respond";

export type Binding =
  | { readonly kind: "none" }
  | { readonly kind: "interface"; readonly interface: string }
  | { readonly kind: "zone"; readonly zone: string };

/** How a dead peer is noticed. Times in seconds. */
export type PeerDetection =
  | { readonly kind: "none" }
  | {
      readonly kind: "dpd";
      readonly delaySeconds: number;
      readonly timeoutSeconds: number;
      readonly action: "restart" | "trap" | "clear";
    }
  /** ScreenOS heartbeats; hello 0 = off. */
  | { readonly kind: "heartbeat"; readonly helloSeconds: number; readonly threshold: number };

export interface NatTraversal {
  readonly enabled: boolean;
  readonly udpChecksum: boolean;
  /** 0 = the daemon's own. */
  readonly keepaliveSeconds: number;
  /** ESP in UDP even where no NAT is found. */
  readonly force: boolean;
}

export interface IkeParameters {
  readonly version: 1 | 2;
  /** IKEv1 only: `main` protects the identities. */
  readonly mode: "main" | "aggressive";
  /** In order of preference; at most four where a ScreenOS gateway is an end. */
  readonly proposals: readonly IkeProposal[];
  /** Authenticate anew so often; 0 = never (IKEv2). */
  readonly reauthSeconds: number;
  readonly detection: PeerDetection;
  readonly nat: NatTraversal;
  /** RFC 4555. */
  readonly mobike: boolean;
  readonly makeBeforeBreak: boolean;
  /** RFC 6023: the first exchange makes no child. */
  readonly childless: boolean;
  /** RFC 7383. */
  readonly fragmentation: boolean;
}

export interface ChildParameters {
  readonly mode: "tunnel" | "transport";
  readonly proposals: readonly EspProposal[];
  readonly lifetimeSeconds: number;
  /** 0 = unlimited. */
  readonly lifetimeKilobytes: number;
  /** Packets; 0 = no replay protection. */
  readonly replayWindow: number;
  /** Torn down after so long without traffic; 0 = never. */
  readonly idleSeconds: number;
  readonly df: "copy" | "set" | "clear";
}

/** What one end protects towards the other. */
export interface Selector {
  /** Canonical prefix, or `first..last`. */
  readonly local: string;
  readonly remote: string;
  /** IP protocol; 0 = any. */
  readonly protocol: number;
  /** 0 = any. */
  readonly localPort: number;
  readonly remotePort: number;
}

/** ScreenOS `proxy-id`: one selector with the name of a service. */
export interface ProxyId {
  readonly local: string;
  readonly remote: string;
  readonly service: string;
}

export interface TunnelMonitor {
  /** Interface or address; undefined = the gateway's own choice. */
  readonly source?: string | undefined;
  /** Undefined = the far gateway. */
  readonly destination?: string | undefined;
  /** Traffic that comes in counts as an answer. */
  readonly optimized: boolean;
  /** Negotiates again when it finds the tunnel down. */
  readonly rekey: boolean;
  readonly intervalSeconds: number;
  /** Lost in a row that make it down. */
  readonly threshold: number;
}

/** What this end calls things; a renderer makes up what is not said. */
export interface EndNames {
  /** The far gateway: `To_HQ`. */
  readonly gateway?: string | undefined;
  /** The VPN: `To_HQ-VPN`. */
  readonly vpn?: string | undefined;
  readonly vpnId?: number | undefined;
  readonly cryptoMap?: string | undefined;
  readonly sequence?: number | undefined;
  readonly accessList?: string | undefined;
  readonly transformSet?: string | undefined;
}

/** Only what differs from the definition. */
export interface EndOverride {
  readonly ike?: Partial<IkeParameters> | undefined;
  readonly child?: Partial<ChildParameters> | undefined;
  /** In place of those that follow from the networks. */
  readonly selectors?: readonly Selector[] | undefined;
  /** Another pre-shared key, by the name of its secret. */
  readonly secret?: string | undefined;
}

export interface TunnelEnd {
  readonly gateway: string;
  /** Of the gateway: where IKE and ESP leave. */
  readonly outgoingInterface: string;
  /** In place of the gateway's. */
  readonly identity?: IkeIdentity | undefined;
  /** `interface` makes it route-based. */
  readonly binding: Binding;
  /** Networks behind this end: selectors (policy-based), routes (route-based), and what fails closed. */
  readonly networks: readonly string[];
  /** VTEPs behind this end, prefixes. */
  readonly vteps: readonly string[];
  readonly start: StartMode;
  readonly monitor?: TunnelMonitor | undefined;
  readonly names: EndNames;
  readonly override?: EndOverride | undefined;
}

/** Stands in for another tunnel when that is down; times in seconds, so that it does not flap. */
export interface BackupOf {
  readonly tunnel: string;
  /** The other has been down for so long. */
  readonly takeOverAfterSeconds: number;
  /** The other has been up again for so long. */
  readonly returnAfterSeconds: number;
}

/** A weakness that somebody answers for, until a day. */
export interface OptIn {
  /** Code of the finding: `cipher-3des`. */
  readonly finding: string;
  readonly owner: string;
  /** `2026-12-31`: the last day, UTC. */
  readonly expires: string;
  readonly reason: string;
}

export interface MtuSettings {
  /** Of the path between the gateways, octets. */
  readonly path: number;
  readonly clampMss: boolean;
}

export interface Tunnel {
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly kind: TunnelKind;
  /** The profile that it started from. */
  readonly profile: string;
  /** First and second end; selectors of the definition are seen from the first. */
  readonly ends: readonly [TunnelEnd, TunnelEnd];
  readonly ike: IkeParameters;
  readonly child: ChildParameters;
  readonly authentication: Authentication;
  /** Undefined = any to any (route-based), or every pair of the ends' networks (policy-based). */
  readonly selectors?: readonly Selector[] | undefined;
  /** Route-based with a proxy-id, seen from the first end. */
  readonly proxyId?: ProxyId | undefined;
  readonly group?: { readonly name: string; readonly weight: number } | undefined;
  readonly backupOf?: BackupOf | undefined;
  /** Protected prefixes never leave in clear, whatever dies. */
  readonly failClosed: boolean;
  readonly mtu: MtuSettings;
  /** A proposal without the post-quantum exchange may be taken where the hybrid is not had. */
  readonly classicalFallback: boolean;
  readonly optIns: readonly OptIn[];
}
