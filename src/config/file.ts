/** The shape of a configuration file that passed the schema, and the defaults the schema documents. */
import type { KeyChainEntry } from "./key-chains.js";
import type { HttpSettings } from "../api/settings.js";
import type { PeerOptions, SpeakerSettings } from "../bgp/settings.js";
import type { DomainService, DuplicateAction, FibSettings } from "../fib/settings.js";
import type { ApiEntry } from "./api.js";
import type { BfdEntry } from "./bfd-entry.js";
import type { PeerPolicyEntry, PoliciesEntry, PolicySetsEntry } from "./policy.js";
import type { InjectionSettings } from "../inject/settings.js";
import type { FeedsEntry } from "./feeds.js";
import type { LogSettings } from "../telemetry/settings.js";
import type { FamilyName } from "./family-name.js";
import type { InjectionEntry } from "./injection.js";
import type { IpsecSettings } from "../ipsec/settings.js";
import type { IpsecEntry } from "./ipsec-file.js";
import type { LimitsEntry } from "./limits.js";
import type { AddPathEntry } from "./add-path.js";
import type { GracefulRestartEntry, RestartEntry } from "./graceful-restart.js";
import type { AsmnSettings } from "../asmn/settings.js";
import type { AsmnEntry, TrustEntry } from "./asmn-file.js";
import type { AuditEntry, SlowPeersEntry } from "./watch.js";
import type { HostRoutesEntry } from "./host-routes.js";
import type { InterestEntry } from "./interest.js";
import type { RadiusSettings } from "../radius/settings.js";
import type { RadiusEntry } from "./radius-file.js";
import type { SubscriberSettings } from "../fib/subscribers/settings.js";
import type { SubscribersEntry } from "./subscribers.js";

/** What a file turns into: frozen, checked, secrets resolved. */
export interface DaemonSettings {
  readonly speaker: SpeakerSettings;
  /** Undefined = no MAC FIB. */
  readonly fib: FibSettings | undefined;
  readonly injection: InjectionSettings;
  /** Undefined = no IPsec tunnels. */
  readonly ipsec: IpsecSettings | undefined;
  /** Undefined = no RADIUS relay. */
  readonly radius: RadiusSettings | undefined;
  /** Undefined = MACs are not compared with subscribers' sessions. */
  readonly subscribers: SubscriberSettings | undefined;
  /** Undefined = no trust checks. */
  readonly asmn: AsmnSettings | undefined;
  readonly http: HttpSettings;
  readonly log: LogSettings;
  /** Dropped to once every port is bound; undefined keeps the current one. */
  readonly user: string | undefined;
  readonly group: string | undefined;
}

/** Options of a peer, a group or a dynamic range, by their names in the file. */
export interface PeerOptionsEntry extends InterestEntry, PeerPolicyEntry {
  description?: string;
  "peer-as"?: number | "any";
  client?: boolean;
  families?: FamilyName[];
  passive?: boolean;
  shutdown?: boolean;
  "hold-time"?: number;
  "connect-retry"?: number;
  "send-hold-time"?: number;
  "idle-hold"?: number;
  "idle-hold-max"?: number;
  password?: string;
  "password-file"?: string;
  "password-env"?: string;
  "tcp-ao"?: string;
  "ttl-security-hops"?: number;
  ttl?: number;
  "local-address"?: string;
  port?: number;
  "tcp-user-timeout-ms"?: number;
  "extended-message"?: boolean;
  "extended-next-hop"?: boolean;
  "ebgp-accept-in"?: boolean;
  "ebgp-accept-out"?: boolean;
  "next-hop-self"?: boolean;
  "evpn-types-out"?: number[];
  "evpn-types-in"?: number[];
  "evpn-unknown-types"?: "drop" | "reflect";
  "malformed-nlri"?: "drop" | "treat-as-withdraw" | "reset";
  "prefix-limit"?: number;
  "prefix-limit-restart"?: number;
  limits?: LimitsEntry;
  "allow-as-in"?: number;
  "graceful-shutdown"?: PeerOptions["gracefulShutdown"];
  bfd?: boolean | BfdEntry;
  "graceful-restart"?: GracefulRestartEntry;
  "add-path"?: AddPathEntry;
  trust?: TrustEntry;
}

export interface GroupEntry extends PeerOptionsEntry {
  inherits?: string;
}

export interface PeerEntry extends PeerOptionsEntry {
  address: string;
  group?: string;
}

export interface DynamicEntry extends PeerOptionsEntry {
  prefix: string;
  group?: string;
  "max-peers"?: number;
  allow?: string[];
  deny?: string[];
}

export interface DuplicatePolicyEntry {
  moves?: number;
  seconds?: number;
  action?: DuplicateAction;
  release?: number | "manual";
  "rate-seconds"?: number;
}

export interface DomainEntry {
  name: string;
  service?: DomainService;
  "route-targets"?: string[];
  "ethernet-tag"?: number;
  vni?: number;
  duplicates?: boolean | DuplicatePolicyEntry;
  "host-routes"?: HostRoutesEntry;
}

export interface TimelineEntry {
  enabled?: boolean;
  directory?: string;
  "max-age"?: string;
  "max-size"?: string;
}

export interface FibEntry {
  enabled?: boolean;
  "default-encapsulation"?: FibSettings["defaultEncapsulation"];
  domains?: DomainEntry[];
  "max-host-routes"?: number;
  timeline?: TimelineEntry;
  duplicates?: DuplicatePolicyEntry & {
    "exempt-macs"?: string[];
    "exempt-ouis"?: string[];
  };
}

export interface ConfigFile extends FeedsEntry {
  as: number;
  "router-id"?: string;
  "cluster-id"?: string | number;
  "host-name"?: string;
  listen?: string[];
  "key-chains"?: Record<string, KeyChainEntry>;
  "peer-groups"?: Record<string, GroupEntry>;
  peers?: PeerEntry[];
  "dynamic-peers"?: DynamicEntry[];
  "announce-software-version"?: boolean;
  "compare-mobility"?: boolean;
  "flush-interval-ms"?: number;
  "max-handshakes"?: number;
  "memory-limit"?: string;
  "accept-rate"?: number;
  policies?: PoliciesEntry;
  "policy-sets"?: PolicySetsEntry;
  fib?: FibEntry;
  injection?: InjectionEntry;
  ipsec?: IpsecEntry;
  radius?: RadiusEntry;
  subscribers?: SubscribersEntry;
  asmn?: AsmnEntry;
  restart?: RestartEntry;
  "slow-peers"?: SlowPeersEntry;
  audit?: AuditEntry;
  api?: ApiEntry;
  http?: {
    listen?: string;
    "allowed-hosts"?: string[];
    thread?: "worker" | "main";
  };
  log?: { level?: LogSettings["level"]; format?: LogSettings["format"] };
  user?: string;
  group?: string;
}

/** What a peer option is when nothing sets it. `ttl` depends on the session's kind and has no fixed default. */
export const PEER_DEFAULTS = {
  description: "",
  client: true,
  families: ["l2vpn-evpn"] as FamilyName[],
  passive: false,
  shutdown: false,
  "hold-time": 90,
  "connect-retry": 10,
  "send-hold-time": 0,
  "idle-hold": 1,
  "idle-hold-max": 60,
  "ttl-security-hops": 0,
  port: 179,
  "tcp-user-timeout-ms": 0,
  "extended-message": true,
  "extended-next-hop": false,
  "ebgp-accept-in": false,
  "ebgp-accept-out": false,
  "next-hop-self": false,
  "evpn-unknown-types": "drop",
  "malformed-nlri": "drop",
  "prefix-limit": 0,
  "prefix-limit-restart": 300,
  "allow-as-in": 0,
  "graceful-shutdown": "ebgp",
} as const satisfies PeerOptionsEntry;

export const TOP_DEFAULTS = {
  listen: ["0.0.0.0:179", "[::]:179"],
  "announce-software-version": true,
  "compare-mobility": true,
  "flush-interval-ms": 1,
  "max-handshakes": 100,
  "memory-limit": "80%",
  "accept-rate": 10,
  "max-peers": 0,
  fib: { enabled: false, "default-encapsulation": "mpls", service: "vlan-based" },
  timeline: { enabled: false, "max-age": "30d", "max-size": "1GiB" },
  duplicates: {
    moves: 5,
    seconds: 180,
    action: "none" as DuplicateAction,
    release: 180 as number | "manual",
    "rate-seconds": 10,
    "exempt-macs": [] as string[],
    "exempt-ouis": [] as string[],
  },
  http: {
    listen: "127.0.0.1:8179",
    "allowed-hosts": [] as string[],
    thread: "worker" as "worker" | "main",
  },
  log: { level: "info", format: "auto" },
} as const;
