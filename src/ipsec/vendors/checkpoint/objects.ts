/**
 * The objects and rules that a tunnel needs on the management server: those that the gateway's model names, and
 * for a tunnel of which it names nothing the ones that follow from it.
 */
import type {
  EncryptRule,
  Gateway,
  GatewayObject,
  ManagedObjects,
  NetworkObject,
  TunnelSide,
} from "../../model/index.js";
import { plainName, type RenderReport } from "../rendering.js";

/** As the tunnels of `sides` want it; what the model names keeps its names. */
export function objectsFor(
  gateway: Gateway,
  sides: readonly TunnelSide[],
  report: RenderReport,
): ManagedObjects {
  const told = gateway.objects;
  const networks: NetworkObject[] = [...(told?.networks ?? [])];
  const gateways: GatewayObject[] = [...(told?.gateways ?? [])];
  const rules: EncryptRule[] = [...(told?.rules ?? [])];
  for (const side of sides) {
    const own = side.localNetworks.map((prefix) => network(prefix, networks));
    const far = side.remoteNetworks.map((prefix) => network(prefix, networks));
    const address = side.remote.reach.kind === "static" ? side.remote.reach.address : "";
    const local = side.local.reach.kind === "static" ? side.local.reach.address : "";
    if (!gateways.some((one) => one.address === local)) {
      gateways.push(gatewayObject(gateway.name, local, false, own, report, side));
    }
    let peer = gateways.find((one) => one.address === address);
    if (peer === undefined) {
      peer = gatewayObject(side.remote.name, address, true, far, report, side);
      gateways.push(peer);
    }
    const name = peer.name;
    if (rules.some((rule) => rule.action === "encrypt" && rule.peer === name)) continue;
    rules.push({
      name: side.tunnel,
      position: rules.length + 1,
      sources: [...own, ...far],
      destinations: [...own, ...far],
      service: "any",
      action: "encrypt",
      track: "log",
      peer: name,
    });
  }
  const inOrder = rules.toSorted((a, b) => a.position - b.position);
  return { networks, gateways, rules: inOrder, package: told?.package ?? "standard" };
}

function network(prefix: string, all: NetworkObject[]): string {
  const known = all.find((one) => one.prefix === prefix);
  if (known !== undefined) return known.name;
  const name = `net-${prefix.replace(/[/:]/g, "_")}`;
  all.push({ name, prefix });
  return name;
}

function gatewayObject(
  name: string,
  address: string,
  interoperable: boolean,
  networks: readonly string[],
  report: RenderReport,
  side: TunnelSide,
): GatewayObject {
  const [vpnDomain = "", ...more] = networks;
  if (more.length > 0) {
    const message = `the VPN domain of ${name} is one object; the group of ${networks.join(", ")} is named "${plainName(name)}-domain"`;
    report.warn(
      side.tunnel,
      "vendor-domain-group",
      message,
      "make the group by the call in the text, and set it as the domain",
    );
  }
  return {
    name,
    address,
    interoperable,
    topology: [],
    vpnDomain: more.length > 0 ? `${plainName(name)}-domain` : vpnDomain,
    subnetKeyExchange: true,
  };
}
