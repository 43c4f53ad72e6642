/**
 * Address families by a small number of our own, so that a set of families is a bit mask and a
 * table can be indexed by family. The order never changes: tables hold these numbers.
 */
export const Family = {
  Ipv4Unicast: 0,
  Ipv6Unicast: 1,
  Evpn: 2,
  RouteTarget: 3,
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
];

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
    default:
      return undefined;
  }
}
