/**
 * A gateway's tunnels as commands of Cisco ASA (9.16 and later): IKEv1 or IKEv2, crypto maps for policy-based
 * tunnels, tunnel interfaces with an IPsec profile for route-based ones.
 */
import type { Gateway, TunnelSide } from "../../model/index.js";
import { fitAll } from "../capability.js";
import { RenderReport, textOf, type RenderOrder, type Rendering } from "../rendering.js";
import { withMask } from "../text/ipv4.js";
import { cryptoLines } from "./crypto.js";
import { asaFor, listName } from "./words.js";

export function renderAsa(order: RenderOrder): Rendering {
  const report = new RenderReport(order);
  const { gateway, kept = [] } = order;
  const sides = fitAll(order.sides, asaFor, report);
  const lines = [
    ...(gateway.hostName === undefined ? [] : [`hostname ${gateway.hostName}`]),
    ...kept,
    ...interfaceLines(gateway),
    ...sides.flatMap((side) => accessLines(side)),
    ...natLines(gateway),
    ...gateway.routes.flatMap(({ prefix, interface: through, nextHop }) => {
      if (through !== undefined && nextHop !== undefined) {
        return [`route ${through} ${route(prefix)} ${nextHop} 1`];
      }
      const message = `the route to ${prefix} lacks an interface or a next hop, and ASA wants both`;
      report.warn(undefined, "vendor-route", message, "tell both");
      return [];
    }),
    gateway.permitIpsec ? "sysopt connection permit-vpn" : "no sysopt connection permit-vpn",
    ...cryptoLines(gateway, sides, report),
  ];
  remarks(gateway, sides, report);
  return report.rendering([{ name: `${gateway.name}.asa.txt`, text: textOf(lines) }]);
}

function route(prefix: string): string {
  return prefix.includes(":") ? prefix : withMask(prefix);
}

function interfaceLines({ interfaces }: Gateway): string[] {
  return interfaces
    .filter(({ type }) => type !== "tunnel")
    .map(({ name, mtu }) => `mtu ${name} ${mtu}`);
}

const PROTOCOLS: Readonly<Record<number, string>> = {
  0: "ip",
  1: "icmp",
  6: "tcp",
  17: "udp",
  47: "gre",
};

function accessLines(side: TunnelSide): string[] {
  if (side.kind === "route-based") return [];
  return side.selectors.map(({ local, remote, protocol }) => {
    const word = PROTOCOLS[protocol] ?? String(protocol);
    return `access-list ${listName(side)} extended permit ${word} ${end(local)} ${end(remote)}`;
  });
}

function end(prefix: string): string {
  if (prefix === "0.0.0.0/0") return "any4";
  if (prefix === "::/0") return "any6";
  if (prefix.includes(":")) return prefix.endsWith("/128") ? `host ${prefix.slice(0, -4)}` : prefix;
  return prefix.endsWith("/32") ? `host ${prefix.slice(0, -3)}` : withMask(prefix);
}

/** Translation of a network to itself, in front of everything else that translates. */
function natLines({ nat, interfaces }: Gateway): string[] {
  const objects = new Map<string, string>();
  const rules: string[] = [];
  const outside = interfaces.find(({ type }) => type !== "tunnel")?.name ?? "outside";
  for (const { interface: inside, pairs } of nat.exemptions) {
    const out = nat.overloads.find((one) => one.inside === inside)?.outside ?? outside;
    for (const { local, remote } of pairs) {
      const [own, far] = [objectName(local, objects), objectName(remote, objects)];
      rules.push(
        `nat (${inside},${out}) source static ${own} ${own} destination static ${far} ${far}` +
          " no-proxy-arp route-lookup",
      );
    }
  }
  const overloads = nat.overloads.flatMap(({ inside, outside: out, source }) => {
    const name = objectName(source, objects);
    return [`nat (${inside},${out}) after-auto source dynamic ${name} interface`];
  });
  const definitions = [...objects].flatMap(([prefix, name]) => [
    `object network ${name}`,
    ` subnet ${prefix.includes(":") ? prefix : withMask(prefix)}`,
  ]);
  return [...definitions, ...rules, ...overloads];
}

function objectName(prefix: string, objects: Map<string, string>): string {
  const name = objects.get(prefix) ?? `evpnd-net-${prefix.replace(/[/:]/g, "_")}`;
  objects.set(prefix, name);
  return name;
}

function remarks(gateway: Gateway, sides: readonly TunnelSide[], report: RenderReport): void {
  if (gateway.policies.length > 0) {
    report.warn(
      undefined,
      "vendor-policies",
      `ASA has no policies between zones; ${gateway.policies.length} are not in the text`,
      "write access lists for the interfaces by hand",
    );
  }
  if (sides.some(({ kind }) => kind === "route-based")) {
    report.byHand(
      "A tunnel interface of ASA cannot borrow an address for IPv4 before 9.19: give each one an address of its own.",
    );
    report.byHand(
      "Routes into the tunnels come from BGP, OSPF or static ones: configure them beside this text.",
    );
  }
  for (const { tunnel, start } of sides) {
    if (start !== "start") continue;
    const message = "ASA begins a tunnel when there is traffic for it";
    report.warn(tunnel, "vendor-start", message, "let the other end begin, or let a host ping");
  }
}
