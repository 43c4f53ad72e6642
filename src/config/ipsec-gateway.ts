/** Sites and gateways of a file that passed the schema, to the model's. */
import {
  ANY,
  canonicalAddress,
  canonicalPrefix,
  type Gateway,
  type GatewayInterface,
  type IkeIdentity,
  type ManagedObjects,
  type NatRules,
  type PeerAddress,
  type Policy,
} from "../ipsec/model/index.js";
import type {
  IpsecGatewayEntry,
  IpsecInterfaceEntry,
  IpsecObjectsEntry,
  IpsecPolicyEntry,
} from "./ipsec-file.js";
import type { ConfigPath, IssueList } from "./issue.js";

const EVERYBODY = "0.0.0.0/0";

export function gatewayOf(
  entry: IpsecGatewayEntry,
  site: string,
  path: ConfigPath,
  issues: IssueList,
): Gateway {
  return {
    name: entry.name,
    site,
    vendor: entry.vendor,
    version: entry.version,
    description: entry.description ?? "",
    hostName: entry["host-name"],
    reach: reachOf(entry, path, issues),
    identity: identityOf(entry.identity),
    zones: (entry.zones ?? []).map(({ name, trusted = true }) => ({ name, trusted })),
    interfaces: (entry.interfaces ?? []).map(interfaceOf),
    addressBook: (entry["address-book"] ?? []).map(({ zone, name, prefix }) => ({
      zone,
      name,
      prefix: canonical(prefix),
    })),
    policies: (entry.policies ?? []).map(policyOf),
    nat: natOf(entry.nat),
    routes: (entry.routes ?? []).map((route) => ({
      prefix: canonical(route.prefix),
      nextHop: route["next-hop"],
      interface: route.interface,
    })),
    permitIpsec: entry["permit-ipsec"] ?? false,
    ikeInterfaces: entry["ike-interfaces"] ?? [],
    objects: entry.objects && objectsOf(entry.objects),
  };
}

/** Of a prefix that passed the schema. */
export function canonical(prefix: string): string {
  return canonicalPrefix(prefix) ?? prefix;
}

export function identityOf(text: string | undefined): IkeIdentity | undefined {
  if (text === undefined) return undefined;
  const at = text.indexOf(":");
  return { kind: text.slice(0, at) as IkeIdentity["kind"], value: text.slice(at + 1) };
}

function reachOf(entry: IpsecGatewayEntry, path: ConfigPath, issues: IssueList): PeerAddress {
  const said: PeerAddress[] = [];
  const { address, host } = entry;
  if (address !== undefined) {
    said.push({ kind: "static", address: canonicalAddress(address) ?? address });
  }
  if (host !== undefined) said.push({ kind: "host", name: host });
  if (entry["dynamic-id"] !== undefined) {
    said.push({ kind: "dynamic", peerId: entry["dynamic-id"] });
  }
  if (entry["dialup-user"] !== undefined) {
    said.push({ kind: "dialup-user", user: entry["dialup-user"] });
  }
  if (entry["dialup-group"] !== undefined) {
    said.push({ kind: "dialup-group", group: entry["dialup-group"] });
  }
  if (said.length !== 1) {
    issues.error(
      path,
      said.length === 0
        ? "nothing says where its peer finds it"
        : "there are several words on where its peer finds it",
      "give one of address, host, dynamic-id, dialup-user and dialup-group",
    );
  }
  return said[0] ?? { kind: "dynamic", peerId: entry.name };
}

function interfaceOf(entry: IpsecInterfaceEntry): GatewayInterface {
  return {
    name: entry.name,
    zone: entry.zone,
    type: entry.type ?? "layer3",
    addresses: entry.addresses ?? [],
    unnumbered: entry.unnumbered,
    mode: entry.mode ?? "route",
    manageable: entry.manageable ?? false,
    mtu: entry.mtu ?? 1500,
    bandwidth: {
      egressMaximum: entry["egress-maximum"] ?? 0,
      egressGuaranteed: entry["egress-guaranteed"] ?? 0,
      ingressMaximum: entry["ingress-maximum"] ?? 0,
    },
    dnsProxy: entry["dns-proxy"] ?? false,
    nhrp: entry.nhrp ?? false,
  };
}

export function policyOf(entry: IpsecPolicyEntry): Policy {
  return {
    id: entry.id,
    name: entry.name,
    from: entry.from,
    to: entry.to,
    sources: entry.source ?? [ANY],
    destinations: entry.destination ?? [ANY],
    services: entry.service ?? ["ANY"],
    action: entry.action,
    tunnel: entry.tunnel,
    log: entry.log ?? false,
    enabled: entry.enabled ?? true,
  };
}

function natOf(entry: IpsecGatewayEntry["nat"]): NatRules {
  return {
    exemptions: (entry?.exempt ?? []).map((one) => ({
      interface: one.interface,
      list: one.list,
      pairs: one.pairs.map(({ local, remote }) => ({
        local: canonical(local),
        remote: canonical(remote),
      })),
    })),
    overloads: (entry?.overload ?? []).map(({ id, inside, outside, source }) => ({
      id,
      inside,
      outside,
      source: canonical(source ?? EVERYBODY),
    })),
  };
}

function objectsOf(entry: IpsecObjectsEntry): ManagedObjects {
  return {
    package: entry.package ?? "Standard",
    networks: (entry.networks ?? []).map(({ name, prefix }) => ({
      name,
      prefix: canonical(prefix),
    })),
    gateways: (entry.gateways ?? []).map((one) => ({
      name: one.name,
      address: one.address,
      interoperable: one.interoperable ?? false,
      topology: (one.topology ?? []).map(({ name, side, address }) => ({ name, side, address })),
      vpnDomain: one["vpn-domain"],
      subnetKeyExchange: one["subnet-key-exchange"] ?? true,
    })),
    rules: (entry.rules ?? []).map((one) => ({
      name: one.name,
      position: one.position ?? 1,
      sources: one.source,
      destinations: one.destination,
      service: one.service ?? "Any",
      action: one.action ?? "encrypt",
      track: one.track ?? "log",
      peer: one.peer,
    })),
  };
}
