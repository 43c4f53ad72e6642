/**
 * A Sec-catalog: what may pass between the VNFs of a tenant, as their descriptors say. It is a whitelist: what
 * no entry names is abnormal, and is lowered or dropped.
 *
 * An entry speaks of an ordered pair of ends. An end is a VNF that the catalog has a descriptor of (all of its
 * instances), `*` for each of these, or a named network of this catalog. All numbers are plain: bit/s, octets,
 * packets/s.
 */
export interface Catalog {
  readonly tenant: string;
  /** From 1 on; a later catalog has a higher one. */
  readonly version: number;
  /** VNFs whose descriptors it was registered with: it speaks of no others. */
  readonly descriptors: readonly string[];
  /** What becomes of traffic that no entry names; undefined = as the gateway is told. */
  readonly abnormal: Abnormal | undefined;
  readonly networks: readonly CatalogNetwork[];
  readonly entries: readonly CatalogEntry[];
  readonly alarms: readonly CatalogAlarm[];
}

/** `lower`: a lesser DSCP, and little bandwidth, for all of it together. */
export type Abnormal = "drop" | "lower";

/** Somewhere that is no VNF: needs no trust, and has rights by entries only. */
export interface CatalogNetwork {
  readonly name: string;
  /** Canonical, of either family. */
  readonly prefixes: readonly string[];
}

export interface CatalogEntry {
  readonly from: string;
  readonly to: string;
  /** IP protocol number; undefined = every one. */
  readonly protocol: number | undefined;
  /** Destination ports, first to last; undefined = all, or a protocol without ports. */
  readonly ports: PortRange | undefined;
  /** Ingress policing rate, bit/s of IP packets; undefined = not limited. */
  readonly rate: number | undefined;
  /** Ingress policing burst, octets. */
  readonly burst: number;
  /** Packets per second; undefined = no limit but the rate. */
  readonly packets: number | undefined;
  /** TCP connections begun per second (SYN); undefined for what is not TCP. */
  readonly opens: number | undefined;
  /** TCP connections open at once; undefined = not counted. */
  readonly connections: number | undefined;
  /** Whether answers may come back, at the same rates. */
  readonly answers: boolean;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Traffic that passes, and that somebody should know of. */
export interface CatalogAlarm {
  readonly name: string;
  /** A VNF. */
  readonly from: string;
  /** A VNF, or undefined: to everywhere that is not one of the tenant's VNFs. */
  readonly to: string | undefined;
  /** Raised when more than this passes within the window; 0 = at the first packet. */
  readonly octets: number;
  readonly windowSeconds: number;
  /** Only at these times of day; undefined = always. */
  readonly hours: Hours | undefined;
}

/** Minutes of the day in a time zone (an IANA name); `to` before `from` goes past midnight. */
export interface Hours {
  readonly from: number;
  readonly to: number;
  readonly zone: string;
}

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMPV6 = 58;

/** Names of the IP protocols that people write; any other is a number. */
export const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: ICMP,
  tcp: TCP,
  udp: UDP,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: ICMPV6,
  sctp: 132,
};

/** Protocols whose headers begin with a source and a destination port. */
export const WITH_PORTS: readonly number[] = [TCP, UDP, 33, 132, 136];

/** Of one catalog. */
export const MOST_ENTRIES = 8192;
export const MOST_DESCRIPTORS = 1024;
export const MOST_NETWORKS = 64;
export const MOST_PREFIXES = 64;
export const MOST_ALARMS = 64;
/** Octets of a catalog as it is signed. */
export const MOST_CATALOG = 1_000_000;

/** SYN per second where an entry of TCP does not say. */
export const DEFAULT_OPENS = 100;
/**
 * The least burst, octets: the kernel hands over segments of TCP joined to packets of up to 64 KiB, which a
 * smaller one would never let through.
 */
export const LEAST_BURST = 65_536;

export const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** An end of an entry: each VNF of the catalog. */
export const EVERY = "*";

export function protocolText(protocol: number | undefined): string {
  if (protocol === undefined) return "any";
  const known = Object.entries(PROTOCOLS).find(([, number]) => number === protocol);
  return known?.[0] ?? String(protocol);
}

export function portsText(ports: PortRange | undefined): string {
  if (ports === undefined) return "any";
  return ports.first === ports.last ? String(ports.first) : `${ports.first}-${ports.last}`;
}

/** `pe1 > rr tcp 179`: what names an entry in messages and comparisons. */
export function entryText({ from, to, protocol, ports }: CatalogEntry): string {
  return `${from} > ${to} ${protocolText(protocol)} ${portsText(ports)}`;
}
