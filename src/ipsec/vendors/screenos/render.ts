/**
 * A gateway's tunnels as ScreenOS commands, in the order in which they may be typed: interfaces, proposals,
 * gateways, VPNs, address book, policies, routes. Lines that an import kept stand where their kind stands.
 */
import {
  NO_BANDWIDTH,
  type Gateway,
  type GatewayInterface,
  type Policy,
} from "../../model/index.js";
import { fitAll } from "../capability.js";
import { RenderReport, textOf, type RenderOrder, type Rendering } from "../rendering.js";
import { printStatement } from "./print.js";
import { vpnStatements } from "./render-vpn.js";
import type { InterfaceDetail, Statement } from "./statement.js";
import { SCREENOS } from "./words.js";

export function renderScreenos(order: RenderOrder): Rendering {
  const report = new RenderReport(order);
  const { gateway } = order;
  const sides = fitAll(order.sides, SCREENOS, report);
  const { ike, vpns, names } = vpnStatements(gateway, sides, report);
  const statements: Statement[] = [
    ...gateway.interfaces.flatMap((one) => interfaceStatements(one, report)),
    ...ike,
    ...vpns,
    ...gateway.addressBook.map(({ zone, name, prefix }): Statement => {
      if (prefix.includes(":")) {
        report.refuse(
          undefined,
          "vendor-ipv6",
          `ScreenOS is told no IPv6 entries here, so "${name}" is left out`,
          "take the entry out of the address book, or end the tunnel on another gateway",
        );
      }
      return { kind: "address", zone, name, prefix };
    }),
    ...gateway.policies.flatMap((policy) => policyStatements(policy, names, report)),
    ...routeStatements(gateway),
  ].filter((one) => one.kind !== "address" || !one.prefix.includes(":"));
  notInText(gateway, report);
  const lines = withKept(statements, order.kept ?? []);
  return report.rendering([{ name: `${gateway.name}.screenos.txt`, text: textOf(lines) }]);
}

function interfaceStatements(one: GatewayInterface, report: RenderReport): Statement[] {
  const { name, zone, type, addresses, unnumbered, mode, mtu, bandwidth } = one;
  const details: InterfaceDetail[] = [{ kind: "zone", zone }];
  for (const address of addresses) {
    if (address.includes(":")) {
      report.warn(
        undefined,
        "vendor-ipv6",
        `ScreenOS is told IPv4 addresses only, so ${name} lacks ${address}`,
        "set it by hand",
      );
    } else details.push({ kind: "address", address });
  }
  if (unnumbered !== undefined) details.push({ kind: "unnumbered", lender: unnumbered });
  // A tunnel interface has no mode, and one in zone Null passes nothing.
  if (type !== "tunnel" && (zone !== "Null" || mode === "nat"))
    details.push({ kind: "mode", mode });
  if (one.manageable) details.push({ kind: "manageable" });
  if (mtu !== 1500) details.push({ kind: "mtu", mtu });
  const { egressMaximum, egressGuaranteed, ingressMaximum } = bandwidth;
  if (
    egressMaximum !== NO_BANDWIDTH.egressMaximum ||
    egressGuaranteed !== NO_BANDWIDTH.egressGuaranteed ||
    ingressMaximum !== NO_BANDWIDTH.ingressMaximum
  ) {
    details.push({
      kind: "bandwidth",
      egressMax: egressMaximum,
      egressGuaranteed,
      ingressMax: ingressMaximum,
    });
  }
  if (one.dnsProxy) details.push({ kind: "dns-proxy" });
  if (one.nhrp) details.push({ kind: "nhrp" });
  return details.map((detail) => ({ kind: "interface", name, detail }));
}

/** @param names of the VPNs, by tunnel */
function policyStatements(
  policy: Policy,
  names: ReadonlyMap<string, string>,
  report: RenderReport,
): Statement[] {
  const { id, name, from, to, action, log } = policy;
  const vpn = policy.tunnel === undefined ? undefined : names.get(policy.tunnel);
  if (action === "tunnel" && vpn === undefined) {
    report.refuse(
      policy.tunnel,
      "vendor-policy-tunnel",
      `policy ${id} sends traffic into the tunnel "${policy.tunnel ?? ""}", which is not in this text; it is left out`,
      "name a tunnel of this gateway that can be rendered",
    );
    return [];
  }
  const [source = "Any", ...sources] = policy.sources;
  const [destination = "Any", ...destinations] = policy.destinations;
  const [service = "ANY", ...services] = policy.services.map((one) =>
    /^any$/i.test(one) ? "ANY" : one,
  );
  const statements: Statement[] = [
    { kind: "policy", id, name, from, to, source, destination, service, action, vpn, log },
  ];
  if (!policy.enabled) {
    statements.push({ kind: "policy-detail", id, detail: { kind: "disable" } });
  }
  const more = [
    ...sources.map((one) => ({ kind: "src-address" as const, name: one })),
    ...destinations.map((one) => ({ kind: "dst-address" as const, name: one })),
    ...services.map((one) => ({ kind: "service" as const, name: one })),
  ];
  if (more.length > 0) {
    statements.push({ kind: "policy-context", id });
    for (const detail of more) statements.push({ kind: "policy-detail", id: undefined, detail });
    statements.push({ kind: "exit" });
  }
  return statements;
}

function routeStatements({ routes }: Gateway): Statement[] {
  return routes.map(({ prefix, interface: through, nextHop }) => ({
    kind: "route",
    prefix,
    interface: through,
    gateway: nextHop,
  }));
}

function notInText({ nat, permitIpsec, zones }: Gateway, report: RenderReport): void {
  if (nat.exemptions.length + nat.overloads.length > 0) {
    report.warn(
      undefined,
      "vendor-nat-rules",
      "ScreenOS translates by interface mode and by policy, not by lists",
      'set the inside interface to "nat", and the policy into the tunnel without translation, by hand',
    );
  }
  if (permitIpsec) {
    report.warn(
      undefined,
      "vendor-permit-ipsec",
      "on ScreenOS traffic out of a tunnel always meets the policies of its zone",
      "write a policy that permits it",
    );
  }
  const own = zones.filter(({ name }) => !PREDEFINED.has(name.toLowerCase()));
  for (const { name } of own)
    report.byHand(`Create the zone "${name}" before the interfaces: set zone name "${name}".`);
}

const PREDEFINED = new Set([
  "trust",
  "untrust",
  "mgt",
  "null",
  "vlan",
  "dmz",
  "global",
  "ha",
  "self",
]);

/** Kinds in the order in which they stand; what is not here stands first. */
const RANKS: Readonly<Record<string, number>> = {
  zone: 1,
  interface: 2,
  ike: 3,
  vpn: 4,
  "vpn-group": 5,
  address: 6,
  policy: 7,
  route: 8,
};

function withKept(statements: readonly Statement[], kept: readonly string[]): string[] {
  const pieces = [
    ...piecesOf(statements.map(printStatement)),
    ...piecesOf(kept.flatMap((line) => line.split("\n"))),
  ];
  return pieces
    .map((piece) => ({
      piece,
      rank: RANKS[/^(?:un)?set (\S+)/.exec(piece[0] ?? "")?.[1] ?? ""] ?? 0,
    }))
    .sort((a, b) => a.rank - b.rank)
    .flatMap(({ piece }) => piece);
}

/** A policy's context, up to its `exit`, is one piece. */
function piecesOf(lines: readonly string[]): string[][] {
  const pieces: string[][] = [];
  let open = false;
  for (const line of lines) {
    if (open) pieces.at(-1)?.push(line);
    else pieces.push([line]);
    if (/^set policy id \d+$/.test(line)) open = true;
    if (line === "exit") open = false;
  }
  return pieces;
}
