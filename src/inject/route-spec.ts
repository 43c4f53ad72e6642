/**
 * A route to inject, as clients write it: one flat record for all five types, everything text and numbers.
 * What a type has no use for is refused, so that a slip of the pen does not go unnoticed.
 */
import { invalid } from "./error.js";

/** By their numbers: ad 1, mac 2, imet 3, es 4, prefix 5. */
export const ROUTE_TYPES = ["ad", "mac", "imet", "es", "prefix"] as const;
export type RouteTypeName = (typeof ROUTE_TYPES)[number];

export interface RouteSpec {
  readonly type: RouteTypeName;
  // Of every type
  /** PE that frames or packets go to: an address. */
  readonly nextHop?: string | undefined;
  /** A bridge domain of the configuration: gives route targets, VNI and Ethernet tag that are not given. */
  readonly domain?: string | undefined;
  /** `10.0.0.1:100`; by itself `<next hop>:<VNI>`. */
  readonly rd?: string | undefined;
  /** `65000:100`; by themselves those of the domain, or `<AS>:<VNI>`. */
  readonly routeTargets?: readonly string[] | undefined;
  readonly encapsulation?: string | undefined;
  /** 100 by itself. */
  readonly localPref?: number | undefined;
  /** `65000:1`; no-export is `65535:65281`. */
  readonly communities?: readonly string[] | undefined;
  readonly ethernetTag?: number | undefined;
  /** Label field under VXLAN, NVGRE and Geneve; of a prefix, the L3 VNI. */
  readonly vni?: number | undefined;
  /** MPLS label, in place of `vni`. */
  readonly label?: number | undefined;
  readonly esi?: string | undefined;
  // Type 2
  readonly mac?: string | undefined;
  readonly ip?: string | undefined;
  /** Second label: the IP-VRF's, with symmetric IRB (RFC 9135). */
  readonly l3Vni?: number | undefined;
  readonly l3Label?: number | undefined;
  /** The MAC does not move (RFC 7432 section 15.2); true by itself. */
  readonly sticky?: boolean | undefined;
  /** Of the MAC mobility community. */
  readonly sequence?: number | undefined;
  readonly defaultGateway?: boolean | undefined;
  /** Flags of the ARP/ND community (RFC 9047). */
  readonly router?: boolean | undefined;
  readonly override?: boolean | undefined;
  readonly immutable?: boolean | undefined;
  /** Types 2 and 5 (RFC 9135 section 8.1). */
  readonly routerMac?: string | undefined;
  // Types 3 and 4
  /** The next hop by itself. */
  readonly originator?: string | undefined;
  // Type 3
  /** PMSI tunnel: `ingress-replication` by itself, `pim-sm`, `pim-ssm`, `pim-bidir`. */
  readonly tunnel?: string | undefined;
  /** PIM: rendezvous point or sender, and group. */
  readonly tunnelRoot?: string | undefined;
  readonly tunnelGroup?: string | undefined;
  // Type 4
  /** MAC-like; by itself from the ESI's octets 1 to 6 (RFC 7432 section 7.6). */
  readonly esImport?: string | undefined;
  /** `modulo`, `hrw`, `highest-preference`, `lowest-preference`. */
  readonly dfAlgorithm?: string | undefined;
  readonly dfPreference?: number | undefined;
  /** AC-influenced (RFC 8584 section 4). */
  readonly dfAcInfluenced?: boolean | undefined;
  /** Don't preempt (RFC 9785). */
  readonly dfDontPreempt?: boolean | undefined;
  // Type 1
  /** Per Ethernet segment (tag MAX-ET, ESI label), not per EVI. */
  readonly perEs?: boolean | undefined;
  /** Split-horizon label of the segment: an MPLS label, 0 under VXLAN. */
  readonly esiLabel?: number | undefined;
  readonly singleActive?: boolean | undefined;
  // Type 5
  /** `192.0.2.0/24` */
  readonly prefix?: string | undefined;
  /** Overlay index (RFC 9136 section 3.2). */
  readonly gateway?: string | undefined;
}

const COMMON = [
  "type",
  "nextHop",
  "domain",
  "rd",
  "routeTargets",
  "encapsulation",
  "localPref",
  "communities",
] as const;
const LABELLED = ["ethernetTag", "vni", "label"] as const;

const FIELDS: Readonly<Record<RouteTypeName, readonly (keyof RouteSpec)[]>> = {
  ad: [...COMMON, ...LABELLED, "esi", "perEs", "esiLabel", "singleActive"],
  mac: [
    ...COMMON,
    ...LABELLED,
    ...(["esi", "mac", "ip", "l3Vni", "l3Label", "sticky", "sequence"] as const),
    ...(["defaultGateway", "router", "override", "immutable", "routerMac"] as const),
  ],
  imet: [...COMMON, ...LABELLED, "originator", "tunnel", "tunnelRoot", "tunnelGroup"],
  es: [
    ...COMMON,
    ...(["esi", "originator", "esImport", "dfAlgorithm", "dfPreference"] as const),
    ...(["dfAcInfluenced", "dfDontPreempt"] as const),
  ],
  prefix: [...COMMON, ...LABELLED, "esi", "prefix", "gateway", "routerMac"],
};

/** Throws `InjectError` for members that the route's type has not. */
export function checkMembers(spec: RouteSpec): void {
  if (!ROUTE_TYPES.includes(spec.type)) {
    throw invalid(`type must be one of: ${ROUTE_TYPES.join(", ")}`);
  }
  const known: readonly string[] = FIELDS[spec.type];
  for (const [name, value] of Object.entries(spec)) {
    if (value === undefined || known.includes(name)) continue;
    throw invalid(`a route of type "${spec.type}" has no ${name}; leave it out`);
  }
  if (spec.perEs !== true) return;
  for (const name of LABELLED) {
    if (spec[name] === undefined) continue;
    throw invalid(`a route for a whole segment (perEs) has no ${name}; leave it out`);
  }
}
