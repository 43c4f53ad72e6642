/** The `asmn` block of a configuration file, as the schema lets it through. */
import type { AsmnBinding, AsmnDefaultAction, AsmnRootOfTrust } from "../asmn/settings.js";

export interface AsmnEntry {
  "sec-em"?: SecEmEntry;
  gate?: GateEntry;
  gateway?: GatewayEntry;
}

export interface NamedKeyEntry {
  name: string;
  "public-key": string;
}

export interface SecEmEntry {
  name?: string;
  audience?: string;
  listen?: string[];
  "feed-listen"?: string[];
  feeds?: FeedEntry[];
  "state-directory"?: string;
  "root-key-file"?: string;
  "image-directory"?: string;
  roles?: { vim?: string[]; vnfm?: string[] };
  "verdict-lifetime-seconds"?: number;
  "heartbeat-seconds"?: number;
  "renewal-seconds"?: number;
  "token-lifetime-seconds"?: number;
  "upgrade-seconds"?: number;
  "verdict-key-seconds"?: number;
  "key-overlap-seconds"?: number;
  limits?: {
    connections?: number;
    "connections-per-address"?: number;
    "handshakes-per-second"?: number;
    "audit-size"?: string;
  };
  "platform-keys"?: NamedKeyEntry[];
  "platform-document-seconds"?: number;
  "tpm-keys"?: TpmKeyEntry[];
  "package-keys"?: NamedKeyEntry[];
  tenants?: AsmnTenantEntry[];
}

export interface TpmKeyEntry extends NamedKeyEntry {
  tenant: string;
  vnf: string;
  instance?: string;
  image?: string;
  pcrs: { pcr: number; value: string }[];
}

export interface FeedEntry extends NamedKeyEntry {
  role: "gate" | "gateway";
  tenants?: string[];
}

export interface AsmnTenantEntry {
  name: string;
  "default-action"?: AsmnDefaultAction;
  vnfs?: AsmnVnfEntry[];
  catalog?: AsmnCatalogLineEntry[];
  alarms?: AsmnAlarmEntry[];
}

export interface AsmnVnfEntry {
  name: string;
  role?: "reflector" | "edge" | "relay" | "gateway";
  addresses?: string[];
  as?: number;
  "router-id"?: string;
  binding?: AsmnBinding;
  "root-of-trust"?: AsmnRootOfTrust;
  "max-instances"?: number;
  "allowed-changes"?: string[];
  bgp?: { sessions?: number; "updates-per-second"?: number; prefixes?: number };
}

export interface AsmnCatalogLineEntry {
  from: string;
  to: string;
  protocol: "tcp" | "udp" | "icmp" | "icmpv6" | "sctp" | "any";
  port?: number | string;
  rate?: string;
  burst?: string;
  "packet-rate"?: number;
}

export interface AsmnAlarmEntry {
  name: string;
  from: string;
  to?: string;
  volume: string;
  "window-seconds"?: number;
  between?: string;
}

export interface FeedSourceEntry extends NamedKeyEntry {
  address: string;
  "root-keys": string[];
}

export interface GateEntry {
  audience?: string;
  sources?: FeedSourceEntry[];
  "state-directory"?: string;
  "key-file"?: string;
  "stale-seconds"?: number;
  "grace-seconds"?: number;
  "dry-run"?: boolean;
  proxy?: string;
  "mark-community"?: string;
}

export interface GatewayEntry {
  name?: string;
  audience?: string;
  tenant: string;
  sources?: FeedSourceEntry[];
  "state-directory"?: string;
  "key-file"?: string;
  table?: string;
  interfaces: {
    name: string;
    rate?: string;
    vnfs?: { vnf: string; prefixes: string[] }[];
  }[];
  "sec-ems"?: string[];
  "default-action"?: AsmnDefaultAction;
  lower?: { dscp?: number; rate?: string; burst?: string };
  alarms?: AsmnAlarmEntry[];
}

/** Of a peer, a group or a range. */
export interface TrustEntry {
  require?: boolean;
  tenant?: string;
  vnf?: string;
  effect?: "refuse" | "hold" | "mark";
  "dry-run"?: boolean;
}
