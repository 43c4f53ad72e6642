/** Tunnels of tests: two strongSwan gateways and what is between them, all from documentation ranges. */
import {
  NO_BANDWIDTH,
  NO_NAT,
  PROFILES,
  sideOf,
  type Gateway,
  type IpsecModel,
  type Tunnel,
  type TunnelSide,
} from "../../../src/ipsec/model/index.js";

export interface TunnelChoice {
  readonly name?: string;
  readonly profile?: "modern" | "ssg" | "pix";
  /** Outside addresses, first end first. */
  readonly addresses?: readonly [string, string];
  readonly networks?: readonly [readonly string[], readonly string[]];
  readonly more?: Partial<Tunnel>;
}

export function gateway(name: string, address: string): Gateway {
  return {
    name,
    site: name,
    vendor: "strongswan",
    description: "",
    reach: { kind: "static", address },
    zones: [],
    interfaces: [
      {
        name: "eth0",
        zone: "Untrust",
        type: "layer3",
        addresses: [`${address}/${address.includes(":") ? "64" : "24"}`],
        mode: "route",
        manageable: false,
        mtu: 1500,
        bandwidth: NO_BANDWIDTH,
        dnsProxy: false,
        nhrp: false,
      },
    ],
    addressBook: [],
    policies: [],
    nat: NO_NAT,
    routes: [],
    permitIpsec: false,
    ikeInterfaces: [],
  };
}

/** A model of one tunnel; policy-based, so that selectors follow from the networks. */
export function modelOf(choice: TunnelChoice = {}): IpsecModel {
  const { name = "east-west", profile = "modern", addresses = ["192.0.2.1", "192.0.2.2"] } = choice;
  const { networks = [["10.1.0.0/24"], ["10.2.0.0/24"]] } = choice;
  const { ike, child } = PROFILES[profile]!;
  const ends = ["east", "west"].map((at, index) => ({
    gateway: `${name}-${at}`,
    outgoingInterface: "eth0",
    binding: { kind: "none" } as const,
    networks: networks[index as 0 | 1],
    vteps: [],
    start: "start" as const,
    names: {},
  }));
  const tunnel: Tunnel = {
    name,
    description: "",
    enabled: true,
    kind: "policy-based",
    profile,
    ends: [ends[0]!, ends[1]!],
    ike,
    child,
    authentication: { kind: "psk", secret: `${name}-key`, scope: { kind: "peer" } },
    failClosed: true,
    mtu: { path: 1500, clampMss: false },
    classicalFallback: false,
    optIns: [],
    ...choice.more,
  };
  return {
    sites: ["east", "west"].map((at) => ({ name: `${name}-${at}`, description: "" })),
    gateways: [gateway(`${name}-east`, addresses[0]), gateway(`${name}-west`, addresses[1])],
    tunnels: [tunnel],
  };
}

export function sideFor(choice: TunnelChoice = {}, end: 0 | 1 = 0): TunnelSide {
  const model = modelOf(choice);
  const side = sideOf(model, model.tunnels[0]!, end);
  if (side === undefined) throw new Error("the model lacks a gateway");
  return side;
}
