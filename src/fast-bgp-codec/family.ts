/**
 * Address families by a small number of our own, so that a set of families is a bit mask and a
 * table can be indexed by family. The order never changes: tables hold these numbers.
 */
export const Family = {
  Ipv4Unicast: 0,
  Ipv6Unicast: 1,
  Evpn: 2,
  RouteTarget: 3,
  Ipv4Vpn: 4,
  Ipv6Vpn: 5,
} as const;
export type Family = (typeof Family)[keyof typeof Family];

export interface FamilySpec {
  readonly family: Family;
  readonly afi: number;
  readonly safi: number;
  /** The name used in configuration, CLI and API. */
  readonly name: string;
}

/** Indexed by `Family`. */
export const FAMILIES: readonly FamilySpec[] = [
  { family: Family.Ipv4Unicast, afi: 1, safi: 1, name: "ipv4-unicast" },
  { family: Family.Ipv6Unicast, afi: 2, safi: 1, name: "ipv6-unicast" },
  { family: Family.Evpn, afi: 25, safi: 70, name: "l2vpn-evpn" },
  { family: Family.RouteTarget, afi: 1, safi: 132, name: "route-target" },
  { family: Family.Ipv4Vpn, afi: 1, safi: 128, name: "ipv4-vpn" },
  { family: Family.Ipv6Vpn, afi: 2, safi: 128, name: "ipv6-vpn" },
];

/** Bit mask over `Family` of all families. */
export const ALL_FAMILIES = (1 << FAMILIES.length) - 1;

/** Families whose NLRI begin with labels and a route distinguisher (RFC 4364, RFC 4659). */
export type VpnFamily = typeof Family.Ipv4Vpn | typeof Family.Ipv6Vpn;

export function isVpn(family: Family): family is VpnFamily {
  return family >= Family.Ipv4Vpn;
}

/** The family of an AFI/SAFI pair, or undefined when evpnd does not carry it. */
export function familyOf(afi: number, safi: number): Family | undefined {
  switch ((afi << 8) | safi) {
    case (1 << 8) | 1:
      return Family.Ipv4Unicast;
    case (2 << 8) | 1:
      return Family.Ipv6Unicast;
    case (25 << 8) | 70:
      return Family.Evpn;
    case (1 << 8) | 132:
      return Family.RouteTarget;
    case (1 << 8) | 128:
      return Family.Ipv4Vpn;
    case (2 << 8) | 128:
      return Family.Ipv6Vpn;
    default:
      return undefined;
  }
}
