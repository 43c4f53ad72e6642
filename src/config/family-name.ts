/** Address families as configuration files name them. */
export type FamilyName =
  "l2vpn-evpn" | "ipv4-unicast" | "ipv6-unicast" | "route-target" | "ipv4-vpn" | "ipv6-vpn";
