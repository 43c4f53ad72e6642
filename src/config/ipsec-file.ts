/** The `ipsec` block of a configuration file, as the schema lets it through. */
import type { Vendor } from "../ipsec/model/index.js";

export interface IpsecInterfaceEntry {
  name: string;
  zone: string;
  type?: "layer3" | "wan" | "tunnel" | "vlan" | "loopback";
  addresses?: string[];
  unnumbered?: string;
  mode?: "route" | "nat";
  manageable?: boolean;
  mtu?: number;
  "egress-maximum"?: number;
  "egress-guaranteed"?: number;
  "ingress-maximum"?: number;
  "dns-proxy"?: boolean;
  nhrp?: boolean;
}

export interface IpsecPolicyEntry {
  id: number;
  name?: string;
  from: string;
  to: string;
  source?: string[];
  destination?: string[];
  service?: string[];
  action: "permit" | "deny" | "tunnel";
  tunnel?: string;
  log?: boolean;
  enabled?: boolean;
}

export interface IpsecObjectsEntry {
  package?: string;
  networks?: { name: string; prefix: string }[];
  gateways?: {
    name: string;
    address: string;
    interoperable?: boolean;
    "vpn-domain": string;
    "subnet-key-exchange"?: boolean;
    topology?: { name: string; side: "external" | "internal"; address?: string }[];
  }[];
  rules?: {
    name: string;
    position?: number;
    source: string[];
    destination: string[];
    service?: string;
    action?: "encrypt" | "accept" | "drop";
    track?: "none" | "log" | "alert";
    peer: string;
  }[];
}

export interface IpsecGatewayEntry {
  name: string;
  vendor: Vendor;
  version?: string;
  description?: string;
  "host-name"?: string;
  address?: string;
  host?: string;
  "dynamic-id"?: string;
  "dialup-user"?: string;
  "dialup-group"?: string;
  identity?: string;
  zones?: { name: string; trusted?: boolean }[];
  interfaces?: IpsecInterfaceEntry[];
  "address-book"?: { zone: string; name: string; prefix: string }[];
  policies?: IpsecPolicyEntry[];
  nat?: {
    exempt?: { interface: string; list: string; pairs: { local: string; remote: string }[] }[];
    overload?: { id: number; inside: string; outside: string; source?: string }[];
  };
  routes?: { prefix: string; "next-hop"?: string; interface?: string }[];
  "permit-ipsec"?: boolean;
  "ike-interfaces"?: string[];
  objects?: IpsecObjectsEntry;
}

export interface IpsecSiteEntry {
  name: string;
  description?: string;
  gateways?: IpsecGatewayEntry[];
}

export interface IpsecNumberedProposal {
  number?: number;
  proposal: string;
  lifetime?: number;
}

export interface IpsecIkeEntry {
  version?: 1 | 2;
  mode?: "main" | "aggressive";
  proposals?: (string | IpsecNumberedProposal)[];
  lifetime?: number;
  reauth?: number;
  detection?: {
    kind: "none" | "dpd" | "heartbeat";
    delay?: number;
    timeout?: number;
    action?: "restart" | "trap" | "clear";
    hello?: number;
    threshold?: number;
  };
  "nat-traversal"?: {
    enabled?: boolean;
    "udp-checksum"?: boolean;
    keepalive?: number;
    force?: boolean;
  };
  mobike?: boolean;
  "make-before-break"?: boolean;
  childless?: boolean;
  fragmentation?: boolean;
}

export interface IpsecEspEntry {
  mode?: "tunnel" | "transport";
  proposals?: string[];
  pfs?: string;
  lifetime?: number;
  "lifetime-kb"?: number;
  "replay-window"?: number;
  idle?: number;
  df?: "copy" | "set" | "clear";
}

export interface IpsecSelectorEntry {
  local: string;
  remote: string;
  protocol?: number;
  "local-port"?: number;
  "remote-port"?: number;
}

export interface IpsecEndEntry {
  gateway: string;
  interface: string;
  bind?: string;
  "bind-zone"?: string;
  identity?: string;
  networks?: string[];
  vteps?: string[];
  start?: "trap" | "start" | "respond";
  monitor?: {
    source?: string;
    destination?: string;
    optimized?: boolean;
    rekey?: boolean;
    interval?: number;
    threshold?: number;
  };
  names?: {
    gateway?: string;
    vpn?: string;
    "vpn-id"?: number;
    "crypto-map"?: string;
    sequence?: number;
    "access-list"?: string;
    "transform-set"?: string;
  };
  override?: {
    ike?: IpsecIkeEntry;
    esp?: IpsecEspEntry;
    selectors?: IpsecSelectorEntry[];
    psk?: string;
  };
}

export interface IpsecTunnelEntry {
  name: string;
  description?: string;
  enabled?: boolean;
  profile?: string;
  kind?: "route-based" | "policy-based";
  ends: IpsecEndEntry[];
  psk?: string;
  "psk-prefix"?: string;
  "psk-group"?: string;
  certificates?: { certificate: string; "private-key": string }[];
  authorities?: string[];
  ppk?: { id: string; name: string; required?: boolean };
  ike?: IpsecIkeEntry;
  esp?: IpsecEspEntry;
  selectors?: IpsecSelectorEntry[];
  "proxy-id"?: { local: string; remote: string; service?: string };
  "vpn-group"?: { name: string; weight?: number };
  "backup-of"?: { tunnel: string; "take-over-after"?: number; "return-after"?: number };
  "fail-closed"?: boolean;
  "path-mtu"?: number;
  "clamp-mss"?: boolean;
  "classical-fallback"?: boolean;
  "opt-ins"?: { finding: string; owner: string; expires: string; reason?: string }[];
}

export interface IpsecEntry {
  local?: string;
  install?: "manual" | "automatic";
  "vici-socket"?: string;
  secrets?: { file?: string; "key-file"?: string };
  fabric?: { "when-down"?: "off" | "hold" | "depreference"; "hold-down"?: number };
  sites?: IpsecSiteEntry[];
  tunnels?: IpsecTunnelEntry[];
}
