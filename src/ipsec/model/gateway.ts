/**
 * Sites and their gateways: interfaces, zones, how a gateway is reached and who it says it is. Plain data;
 * names are unique within a model, so that everything refers by name.
 */
import type { ManagedObjects } from "./managed-objects.js";
import type { AddressEntry, NatRules, Policy } from "./policy.js";

export const VENDORS = [
  "screenos",
  "pix",
  "asa",
  "checkpoint",
  "junos",
  "strongswan",
  "linux",
  "vyos",
] as const;
export type Vendor = (typeof VENDORS)[number];

export interface Site {
  readonly name: string;
  readonly description: string;
}

/** Where a peer is found from outside. */
export type PeerAddress =
  | { readonly kind: "static"; readonly address: string }
  | { readonly kind: "host"; readonly name: string }
  /** Comes from anywhere and is known by its id. */
  | { readonly kind: "dynamic"; readonly peerId: string }
  | { readonly kind: "dialup-user"; readonly user: string }
  | { readonly kind: "dialup-group"; readonly group: string };

/** Who it says it is in phase 1 (RFC 7296 section 3.5). */
export interface IkeIdentity {
  readonly kind: "address" | "fqdn" | "email" | "key-id" | "dn";
  readonly value: string;
}

/** An interface is in exactly one. `trusted` decides what may be open there. */
export interface Zone {
  readonly name: string;
  readonly trusted: boolean;
}

/** Zones that every gateway knows (ScreenOS names); others are added to them. */
export const PREDEFINED_ZONES: readonly Zone[] = [
  { name: "Trust", trusted: true },
  { name: "Untrust", trusted: false },
  { name: "MGT", trusted: true },
  { name: "Null", trusted: true },
  { name: "VLAN", trusted: true },
];

export type InterfaceType = "layer3" | "wan" | "tunnel" | "vlan" | "loopback";

/** Limits in kbit/s; 0 = none. */
export interface Bandwidth {
  readonly egressMaximum: number;
  readonly egressGuaranteed: number;
  readonly ingressMaximum: number;
}

export const NO_BANDWIDTH: Bandwidth = { egressMaximum: 0, egressGuaranteed: 0, ingressMaximum: 0 };

export interface GatewayInterface {
  readonly name: string;
  readonly zone: string;
  readonly type: InterfaceType;
  /** `10.10.45.1/24`: address and length, host bits kept. At most one of a family. */
  readonly addresses: readonly string[];
  /** Borrows the address of this interface; exactly one of the two on a tunnel interface. */
  readonly unnumbered?: string | undefined;
  /** `route` = no address translation by the interface's mode. */
  readonly mode: "route" | "nat";
  /** Answers to management. */
  readonly manageable: boolean;
  /** Administrative MTU, octets. */
  readonly mtu: number;
  /** What is in force, where it was told; undefined = not known. */
  readonly operatingMtu?: number | undefined;
  readonly bandwidth: Bandwidth;
  readonly dnsProxy: boolean;
  readonly nhrp: boolean;
  /** As last told by the gateway; undefined = not known. */
  readonly link?: "up" | "down" | "ready" | "inactive" | undefined;
}

export interface StaticRoute {
  readonly prefix: string;
  /** Address, or undefined for an interface route. */
  readonly nextHop?: string | undefined;
  readonly interface?: string | undefined;
}

export interface Gateway {
  readonly name: string;
  readonly site: string;
  readonly vendor: Vendor;
  /** Of its software, where what it can do depends on it: `5.9.8`. */
  readonly version?: string | undefined;
  readonly description: string;
  readonly hostName?: string | undefined;
  readonly reach: PeerAddress;
  /** Undefined = its static address. */
  readonly identity?: IkeIdentity | undefined;
  /** May be more than `PREDEFINED_ZONES`. */
  readonly zones: readonly Zone[];
  readonly interfaces: readonly GatewayInterface[];
  readonly addressBook: readonly AddressEntry[];
  readonly policies: readonly Policy[];
  readonly nat: NatRules;
  readonly routes: readonly StaticRoute[];
  /** What came through a verified SA passes interface access lists. */
  readonly permitIpsec: boolean;
  /** Interfaces that IKE is switched on for; empty = those that tunnels leave by. */
  readonly ikeInterfaces: readonly string[];
  /** Objects of a management server; undefined where there is none. */
  readonly objects?: ManagedObjects | undefined;
}
