/**
 * The calls of the management API that make the objects and rules, in order, as JSON: what `mgmt_cli` and
 * the web API take (version 1.9, R81.20). Nothing takes effect before the last one, the installation.
 */
import { splitPrefix } from "../text/ipv4.js";
import type {
  GatewayObject,
  ManagedObjects,
  NetworkObject,
  TunnelSide,
} from "../../model/index.js";
import type { RenderReport } from "../rendering.js";
import { CHECKPOINT, communityName, methodWord } from "./words.js";

export interface ApiCall {
  /** `add-network` */
  readonly call: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export function apiCalls(
  objects: ManagedObjects,
  sides: readonly TunnelSide[],
  report: RenderReport,
): ApiCall[] {
  const communities = sides.map((side) => communityCall(side, objects, report));
  return [
    ...objects.networks.map(networkCall),
    ...domainGroups(objects, sides),
    ...objects.gateways.map(gatewayCall),
    ...communities,
    ...ruleCalls(objects, sides),
    { call: "publish", body: {} },
    { call: "verify-policy", body: { "policy-package": objects.package } },
    {
      call: "install-policy",
      body: {
        "policy-package": objects.package,
        access: true,
        targets: objects.gateways
          .filter(({ interoperable }) => !interoperable)
          .map(({ name }) => name),
      },
    },
  ];
}

function networkCall({ name, prefix }: NetworkObject): ApiCall {
  const parts = splitPrefix(prefix);
  const [address = "", length = ""] = prefix.split("/");
  const body =
    parts === undefined
      ? { name, subnet6: address, "mask-length6": Number(length) }
      : { name, subnet: parts.address, "mask-length": parts.length };
  return { call: "add-network", body };
}

function domainGroups(
  { gateways, networks }: ManagedObjects,
  sides: readonly TunnelSide[],
): ApiCall[] {
  const names = new Set(networks.map(({ name }) => name));
  return gateways.flatMap(({ name, vpnDomain, address }) => {
    if (vpnDomain === "" || names.has(vpnDomain)) return [];
    const prefixes = sides.flatMap((side) => {
      const { reach } = side.remote;
      return reach.kind === "static" && reach.address === address ? side.remoteNetworks : [];
    });
    const own =
      prefixes.length > 0 ? prefixes : sides.flatMap(({ localNetworks }) => localNetworks);
    const members = networks.filter(({ prefix }) => own.includes(prefix)).map((one) => one.name);
    return [
      { call: "add-group", body: { name: vpnDomain, members, comments: `VPN domain of ${name}` } },
    ];
  });
}

function gatewayCall(object: GatewayObject): ApiCall {
  const { name, address, interoperable, topology, vpnDomain } = object;
  const family = address.includes(":") ? "ipv6-address" : "ipv4-address";
  const vpn = { "vpn-domain-type": "manual", "vpn-domain": vpnDomain };
  const interfaces = topology.map((one) => ({
    name: one.name,
    ...(one.address !== undefined && addressOf(one.address)),
    topology: one.side,
  }));
  if (interoperable) {
    return {
      call: "add-interoperable-device",
      body: { name, [family]: address, interfaces, "vpn-settings": vpn },
    };
  }
  return {
    call: "set-simple-gateway",
    body: { name, vpn: true, "vpn-settings": vpn, ...(interfaces.length > 0 && { interfaces }) },
  };
}

function addressOf(text: string) {
  const [address = "", length] = text.split("/");
  const family = address.includes(":") ? "ipv6" : "ipv4";
  return {
    [`${family}-address`]: address,
    [`${family}-mask-length`]: Number(length ?? (family === "ipv4" ? 32 : 128)),
  };
}

function communityCall(side: TunnelSide, objects: ManagedObjects, report: RenderReport): ApiCall {
  const { ike, child, authentication } = side;
  const [phase1] = ike.proposals;
  const [phase2] = child.proposals;
  const [own, peer] = endObjects(side, objects);
  const pfs = phase2?.pfs;
  const perSubnet = peer?.subnetKeyExchange ?? true;
  return {
    call: "add-vpn-community-meshed",
    body: {
      name: communityName(side),
      gateways: [own?.name, peer?.name].filter((name) => name !== undefined),
      "encryption-method": methodWord(side),
      "encryption-suite": "custom",
      "ike-phase-1": {
        "encryption-algorithm":
          phase1 === undefined ? "" : CHECKPOINT.ikeCiphers[phase1.encryption],
        "data-integrity": CHECKPOINT.integrities[phase1?.integrity ?? "sha1"],
        "diffie-hellman-group": phase1 === undefined ? "" : CHECKPOINT.groups[phase1.group],
        "ike-p1-rekey-time": phase1?.lifetimeSeconds,
        "ike-p1-rekey-time-unit": "seconds",
      },
      "ike-phase-2": {
        "encryption-algorithm":
          phase2 === undefined ? "" : CHECKPOINT.espCiphers[phase2.encryption],
        ...(phase2?.integrity !== undefined && {
          "data-integrity": CHECKPOINT.integrities[phase2.integrity],
        }),
        "ike-p2-use-pfs": pfs !== undefined,
        ...(pfs !== undefined && { "ike-p2-pfs-dh-grp": CHECKPOINT.groups[pfs] }),
        "ike-p2-rekey-time": child.lifetimeSeconds,
        "ike-p2-rekey-time-unit": "seconds",
      },
      "tunnel-granularity": perSubnet ? "per_subnet" : "per_host",
      "use-shared-secret": authentication.kind === "psk",
      ...(authentication.kind === "psk" && {
        "shared-secrets": [
          { "external-gateway": peer?.name, "shared-secret": report.secret(authentication.secret) },
        ],
      }),
    },
  };
}

/** The objects of both ends. */
export function endObjects(
  side: TunnelSide,
  { gateways }: ManagedObjects,
): readonly [GatewayObject | undefined, GatewayObject | undefined] {
  const at = (reach: TunnelSide["local"]["reach"]) =>
    gateways.find(({ address }) => reach.kind === "static" && address === reach.address);
  return [at(side.local.reach), at(side.remote.reach)];
}

/** From the last to the first, each to the top: so that they stand in their order in front of all others. */
function ruleCalls(objects: ManagedObjects, sides: readonly TunnelSide[]): ApiCall[] {
  return objects.rules.toReversed().map((rule) => {
    const side = sides.find((one) => endObjects(one, objects)[1]?.name === rule.peer);
    const encrypt = rule.action === "encrypt" && side !== undefined;
    return {
      call: "add-access-rule",
      body: {
        layer: `${objects.package} Network`,
        position: "top",
        name: rule.name,
        source: rule.sources,
        destination: rule.destinations,
        service: /^any$/i.test(rule.service) ? "Any" : rule.service,
        action: rule.action === "drop" ? "Drop" : "Accept",
        ...(encrypt && { vpn: communityName(side) }),
        track: { type: rule.track === "none" ? "None" : rule.track === "log" ? "Log" : "Alert" },
      },
    };
  });
}
