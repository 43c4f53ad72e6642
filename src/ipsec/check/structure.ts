/**
 * Whether a model hangs together: names are unique and known, interfaces have what their type needs, tunnels
 * have what their kind needs. The configuration refuses a file for these; everything else is for the check
 * before an install.
 */
import {
  ANY,
  PREDEFINED_ZONES,
  parseRange,
  rangesOverlap,
  type Gateway,
  type GatewayInterface,
  type IpsecModel,
  type Tunnel,
} from "../model/index.js";
import type { Finding } from "./finding.js";
import { FindingSink } from "./sink.js";

/** What a ScreenOS gateway takes of each phase. */
const SCREENOS_PROPOSALS = 4;

export function structureFindings(model: IpsecModel): Finding[] {
  const gateways = new Map(model.gateways.map((gateway) => [gateway.name, gateway]));
  return [
    ...twice("site", model.sites),
    ...twice("gateway", model.gateways),
    ...twice("tunnel", model.tunnels),
    ...model.gateways.flatMap((gateway) => gatewayStructure(gateway, model)),
    ...model.tunnels.flatMap((tunnel) => tunnelStructure(tunnel, gateways)),
    ...backupStructure(model.tunnels),
  ];
}

function twice(kind: string, items: readonly { readonly name: string }[]): Finding[] {
  const seen = new Set<string>();
  const sink = new FindingSink("");
  for (const { name } of items) {
    if (seen.has(name)) {
      sink.add("name-twice", {
        message: `two ${kind}s are named "${name}"`,
        remedy: "give one of them another name",
        gateway: name,
      });
    }
    seen.add(name);
  }
  return sink.findings;
}

function gatewayStructure(gateway: Gateway, model: IpsecModel): Finding[] {
  const sink = new FindingSink("", gateway.name);
  if (!model.sites.some(({ name }) => name === gateway.site)) {
    sink.add("reference-unknown", {
      message: `the site "${gateway.site}" is not there`,
      remedy: "name a site that is",
    });
  }
  const zones = [...PREDEFINED_ZONES, ...gateway.zones].map(({ name }) => name);
  sink.findings.push(...twice("interface", gateway.interfaces).map((one) => own(one, gateway)));
  for (const iface of gateway.interfaces) {
    if (!zones.includes(iface.zone)) {
      sink.add("reference-unknown", {
        message: `interface ${iface.name} is in a zone that is not there, "${iface.zone}"`,
        remedy: `use ${zones.join(", ")}, or add the zone`,
      });
    }
    interfaceAddress(iface, gateway, sink);
  }
  addressNames(gateway, zones, sink);
  return sink.findings;
}

function own(finding: Finding, { name }: Gateway): Finding {
  return { ...finding, gateway: name };
}

/** A tunnel interface has an address of its own or borrows one: exactly one of the two. */
function interfaceAddress(iface: GatewayInterface, gateway: Gateway, sink: FindingSink): void {
  const { name, type, addresses, unnumbered } = iface;
  const lends = gateway.interfaces.some((one) => one.name === unnumbered && one !== iface);
  if (unnumbered !== undefined && !lends) {
    sink.add("reference-unknown", {
      message: `interface ${name} borrows the address of "${unnumbered}", which is not there`,
      remedy: "name another interface of this gateway",
    });
  }
  const both = unnumbered !== undefined && addresses.length > 0;
  const neither = type === "tunnel" && unnumbered === undefined && addresses.length === 0;
  if (!both && !neither) return;
  sink.add("interface-address", {
    message: both
      ? `interface ${name} has an address and borrows one`
      : `tunnel interface ${name} has no address and borrows none`,
    remedy: "give it an address, or unnumbered with the interface that lends one: not both",
  });
}

function addressNames(gateway: Gateway, zones: readonly string[], sink: FindingSink): void {
  const { addressBook, policies } = gateway;
  const known = new Set(addressBook.map(({ zone, name }) => `${zone}\0${name}`));
  if (known.size < addressBook.length) {
    sink.add("name-twice", {
      message: "an address book has a name twice in one zone",
      remedy: "give one of the entries another name",
    });
  }
  for (const { id, from, to, sources, destinations } of policies) {
    const pairs = [
      ...sources.map((name) => ({ zone: from, name })),
      ...destinations.map((name) => ({ zone: to, name })),
    ];
    for (const { zone, name } of pairs) {
      if (name === ANY || known.has(`${zone}\0${name}`)) continue;
      sink.add("reference-unknown", {
        message: `policy ${id} names "${name}", which the address book of zone ${zone} does not have`,
        remedy: `add it to the address book, or use ${ANY}`,
      });
    }
    for (const zone of [from, to]) {
      if (zones.includes(zone)) continue;
      sink.add("reference-unknown", {
        message: `policy ${id} names a zone that is not there, "${zone}"`,
        remedy: `use ${zones.join(", ")}, or add the zone`,
      });
    }
  }
}

function tunnelStructure(tunnel: Tunnel, gateways: ReadonlyMap<string, Gateway>): Finding[] {
  const sink = new FindingSink(tunnel.name);
  const [first, second] = tunnel.ends;
  if (first.gateway === second.gateway) {
    sink.add("ends-equal", {
      message: `both ends are ${first.gateway}`,
      remedy: "name the gateway of the other site",
    });
  }
  for (const end of tunnel.ends) {
    const gateway = gateways.get(end.gateway);
    if (gateway === undefined) {
      sink.add("reference-unknown", {
        message: `the gateway "${end.gateway}" is not there`,
        remedy: "name a gateway of a site",
      });
      continue;
    }
    endInterfaces(tunnel, end, gateway, sink);
    if (gateway.vendor === "screenos") proposalCount(tunnel, gateway, sink);
  }
  parameters(tunnel, sink);
  networks(tunnel, sink);
  return sink.findings;
}

function endInterfaces(
  { kind }: Tunnel,
  { outgoingInterface, binding }: Tunnel["ends"][0],
  gateway: Gateway,
  sink: FindingSink,
): void {
  const find = (name: string): GatewayInterface | undefined =>
    gateway.interfaces.find((one) => one.name === name);
  if (find(outgoingInterface) === undefined) {
    sink.add("reference-unknown", {
      message: `${gateway.name} has no interface "${outgoingInterface}" to leave by`,
      remedy: "name one of its interfaces, or add it",
    });
  }
  const bound = binding.kind === "interface" ? find(binding.interface) : undefined;
  if (binding.kind === "interface" && bound?.type !== "tunnel") {
    const what = bound === undefined ? "is not there" : `is of type ${bound.type}`;
    sink.add("interface-binding", {
      message: `the tunnel is bound to "${binding.interface}" of ${gateway.name}, which ${what}`,
      remedy: "bind it to an interface of type tunnel",
    });
  }
  if ((kind === "route-based") === (binding.kind === "none")) {
    sink.add("interface-binding", {
      message:
        kind === "route-based"
          ? `at ${gateway.name} the tunnel is bound to no interface, so that no route can lead into it`
          : `at ${gateway.name} a policy-based tunnel is bound to an interface`,
      remedy:
        kind === "route-based"
          ? "bind it to a tunnel interface, or make it policy-based"
          : "leave the binding out, or make it route-based",
    });
  }
}

function proposalCount({ ike, child }: Tunnel, { name }: Gateway, sink: FindingSink): void {
  for (const [phase, { length }] of [
    ["1", ike.proposals],
    ["2", child.proposals],
  ] as const) {
    if (length <= SCREENOS_PROPOSALS) continue;
    sink.add("too-many-proposals", {
      message: `${name} takes ${SCREENOS_PROPOSALS} proposals of phase ${phase}, here are ${length}`,
      remedy: "keep the best four",
    });
  }
}

function parameters({ ike, child, profile }: Tunnel, sink: FindingSink): void {
  if (ike.proposals.length === 0 || child.proposals.length === 0) {
    sink.add("no-proposal", {
      message: `there is no proposal of phase ${ike.proposals.length === 0 ? "1" : "2"}`,
      remedy: `name one, or leave the list out for that of the profile (${profile})`,
    });
  }
  const numbers = ike.proposals.flatMap(({ number }) => number ?? []);
  if (new Set(numbers).size < numbers.length) {
    sink.add("policy-number-twice", {
      message: `IKE policies have one number: ${numbers.join(", ")}`,
      remedy: "number them in the order in which they are to be tried",
    });
  }
  if (ike.version === 2) return;
  const later = [
    ike.mobike && "mobike",
    ike.childless && "childless",
    ike.proposals.some(({ additional }) => additional.length > 0) && "additional key exchanges",
  ].filter((one) => one !== false);
  if (later.length === 0) return;
  sink.add("ikev2-only", {
    message: `IKEv1 has no ${later.join(" and no ")}`,
    remedy: "use IKEv2, or leave it out",
  });
}

function networks(tunnel: Tunnel, sink: FindingSink): void {
  const { kind, ends, selectors } = tunnel;
  const [first, second] = ends;
  if (kind === "policy-based" && selectors === undefined) {
    for (const end of ends) {
      if (end.networks.length > 0) continue;
      sink.add("no-networks", {
        message: `nothing is protected at ${end.gateway}`,
        remedy: "name its networks",
      });
    }
  }
  for (const { local, remote } of selectors ?? []) {
    if (parseRange(local)?.version === parseRange(remote)?.version) continue;
    sink.add("selector-family", {
      message: `a selector joins ${local} with ${remote}`,
      remedy: "pair networks of one family",
    });
  }
  const far = second.networks.flatMap((network) => parseRange(network) ?? []);
  for (const network of first.networks) {
    const range = parseRange(network);
    if (range === undefined || !far.some((other) => rangesOverlap(range, other))) continue;
    sink.add("networks-overlap", {
      message: `${network} is behind both ends`,
      remedy: "a packet for it cannot know where to go: take it out at one end",
    });
  }
}

/** Names of backups are known, and none stands in for itself by a detour. */
function backupStructure(tunnels: readonly Tunnel[]): Finding[] {
  const byName = new Map(tunnels.map((tunnel) => [tunnel.name, tunnel]));
  return tunnels.flatMap((tunnel) => {
    const sink = new FindingSink(tunnel.name);
    if (tunnel.backupOf === undefined) return [];
    if (!byName.has(tunnel.backupOf.tunnel)) {
      sink.add("reference-unknown", {
        message: `it is the backup of "${tunnel.backupOf.tunnel}", which is not there`,
        remedy: "name another tunnel",
      });
    }
    const seen = new Set<string>();
    let at: Tunnel | undefined = tunnel;
    while (at?.backupOf !== undefined && !seen.has(at.name)) {
      seen.add(at.name);
      at = byName.get(at.backupOf.tunnel);
    }
    if (at?.name === tunnel.name) {
      sink.add("backup-loop", {
        message: `tunnels stand in for each other: ${[...seen].join(", ")}`,
        remedy: "one of them must be nobody's backup",
      });
    }
    return sink.findings;
  });
}
