/** Models made for tests: two gateways and a tunnel, modern or as in the two old examples. */
import {
  NO_BANDWIDTH,
  NO_NAT,
  PROFILES,
  type Gateway,
  type GatewayInterface,
  type IpsecModel,
  type OptIn,
  type Tunnel,
  type TunnelEnd,
} from "../../../src/ipsec/model/index.js";

export const NOW = Date.parse("2026-06-01T00:00:00Z");

export function iface(name: string, change: Partial<GatewayInterface> = {}): GatewayInterface {
  return {
    name,
    zone: "Untrust",
    type: "layer3",
    addresses: ["192.0.2.1/24"],
    mode: "route",
    manageable: false,
    mtu: 1500,
    bandwidth: NO_BANDWIDTH,
    dnsProxy: false,
    nhrp: false,
    ...change,
  };
}

export function tunnelInterface(name: string, lender = "eth0", mtu = 1400): GatewayInterface {
  return iface(name, { type: "tunnel", addresses: [], unnumbered: lender, mtu });
}

export function gateway(name: string, address: string, change: Partial<Gateway> = {}): Gateway {
  return {
    name,
    site: "site",
    vendor: "strongswan",
    version: "5.9.8",
    description: "",
    reach: { kind: "static", address },
    zones: [],
    interfaces: [iface("eth0", { addresses: [`${address}/24`] }), tunnelInterface("tun0")],
    addressBook: [],
    policies: [],
    nat: NO_NAT,
    routes: [],
    permitIpsec: false,
    ikeInterfaces: [],
    ...change,
  };
}

export function end(name: string, network: string, change: Partial<TunnelEnd> = {}): TunnelEnd {
  return {
    gateway: name,
    outgoingInterface: "eth0",
    binding: { kind: "interface", interface: "tun0" },
    networks: [network],
    vteps: [],
    start: "trap",
    names: {},
    ...change,
  };
}

export function tunnel(profile: "modern" | "hybrid" | "ssg" | "pix", change: Partial<Tunnel> = {}) {
  const { ike, child, kind } = PROFILES[profile]!;
  const binding =
    kind === "route-based"
      ? ({ kind: "interface", interface: "tun0" } as const)
      : ({ kind: "none" } as const);
  const made: Tunnel = {
    name: "t",
    description: "",
    enabled: true,
    kind,
    profile,
    ends: [end("a", "10.1.0.0/16", { binding }), end("b", "10.2.0.0/16", { binding })],
    ike,
    child,
    authentication: { kind: "psk", secret: "key", scope: { kind: "peer" } },
    failClosed: true,
    mtu: { path: 1500, clampMss: true },
    classicalFallback: false,
    optIns: [],
    ...change,
  };
  return made;
}

export function model(
  tunnels: readonly Tunnel[],
  gateways: readonly Gateway[] = [gateway("a", "192.0.2.1"), gateway("b", "198.51.100.1")],
): IpsecModel {
  return { sites: [{ name: "site", description: "" }], gateways, tunnels };
}

export function optIns(...findings: readonly string[]): OptIn[] {
  return findings.map((finding) => ({
    finding,
    owner: "netops",
    expires: "2026-12-31",
    reason: "",
  }));
}

/** What the two old profiles need. */
export const SSG_OPT_INS = optIns("ikev1", "integrity-sha1", "group-modp1024", "no-replay");
export const PIX_OPT_INS = optIns(
  "ikev1",
  "cipher-3des",
  "integrity-md5",
  "group-modp1024",
  "no-pfs",
);
