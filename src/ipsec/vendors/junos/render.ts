/**
 * A gateway's tunnels as `set` commands of Junos for an SRX: route-based over a unit of st0, traffic selectors
 * where a tunnel has selectors of its own; interfaces, zones, address books, policies and routes of the model.
 */
import type { Gateway, Policy, TunnelSide } from "../../model/index.js";
import { fitAll } from "../capability.js";
import { RenderReport, textOf, type RenderOrder, type Rendering } from "../rendering.js";
import { quoted } from "../text/words.js";
import { tunnelLines, unitOf } from "./tunnel.js";
import { JUNOS } from "./words.js";

export function renderJunos(order: RenderOrder): Rendering {
  const report = new RenderReport(order);
  const { gateway, kept = [] } = order;
  const sides = fitAll(order.sides, JUNOS, report);
  const units = new Map(sides.map((side, index) => [side.tunnel, unitOf(side, index)]));
  const lines = [
    ...(gateway.hostName === undefined ? [] : [`set system host-name ${gateway.hostName}`]),
    ...kept,
    ...interfaceLines(gateway, sides, units),
    ...sides.flatMap((side) => tunnelLines(side, units.get(side.tunnel) ?? "st0.0", report)),
    ...zoneLines(gateway, sides, units),
    ...gateway.addressBook.map(
      ({ zone, name, prefix }) =>
        `set security zones security-zone ${word(zone)} address-book address ${word(name)} ${prefix}`,
    ),
    ...gateway.policies.flatMap((policy) => policyLines(policy, report)),
    ...routeLines(gateway, sides, units),
  ];
  remarks(gateway, sides, report);
  return report.rendering([{ name: `${gateway.name}.junos.txt`, text: textOf(lines) }]);
}

/** Junos takes a name with blanks in quotes. */
export function word(name: string): string {
  return /^[A-Za-z0-9._/:-]+$/.test(name) ? name : quoted(name);
}

function unitName(name: string): string {
  return /\.\d+$/.test(name) ? name : `${name}.0`;
}

function interfaceLines(
  gateway: Gateway,
  sides: readonly TunnelSide[],
  units: ReadonlyMap<string, string>,
): string[] {
  const lines: string[] = [];
  for (const one of gateway.interfaces) {
    if (one.type === "tunnel") continue;
    const [name = "", unit = "0"] = unitName(one.name).split(/\.(?=\d+$)/);
    for (const address of one.addresses) {
      const family = address.includes(":") ? "inet6" : "inet";
      lines.push(`set interfaces ${name} unit ${unit} family ${family} address ${address}`);
    }
  }
  for (const side of sides) {
    const [name = "st0", unit = "0"] = (units.get(side.tunnel) ?? "st0.0").split(".");
    const bound = side.binding.kind === "interface" ? side.binding.interface : "";
    const own = gateway.interfaces.find((one) => one.name === bound);
    const six = side.selectors.some(({ local }) => local.includes(":"));
    const families = six ? ["inet", "inet6"] : ["inet"];
    for (const family of families) {
      lines.push(`set interfaces ${name} unit ${unit} family ${family}`);
      if (own !== undefined && own.mtu !== 1500) {
        lines.push(`set interfaces ${name} unit ${unit} family ${family} mtu ${own.mtu}`);
      }
    }
    for (const address of own?.addresses ?? []) {
      const family = address.includes(":") ? "inet6" : "inet";
      lines.push(`set interfaces ${name} unit ${unit} family ${family} address ${address}`);
    }
  }
  return lines;
}

function zoneLines(
  gateway: Gateway,
  sides: readonly TunnelSide[],
  units: ReadonlyMap<string, string>,
): string[] {
  const outside = new Set(sides.map(({ outgoingInterface }) => outgoingInterface));
  const lines: string[] = [];
  const zone = (name: string, member: string, rest = "") =>
    lines.push(`set security zones security-zone ${word(name)} interfaces ${member}${rest}`);
  for (const { name, zone: home, type, manageable } of gateway.interfaces) {
    if (type === "tunnel" || home === "Null") continue;
    zone(home, unitName(name));
    if (outside.has(name)) zone(home, unitName(name), " host-inbound-traffic system-services ike");
    if (manageable) zone(home, unitName(name), " host-inbound-traffic system-services ssh");
  }
  for (const { tunnel, binding } of sides) {
    const name = binding.kind === "interface" ? binding.interface : "";
    const home = gateway.interfaces.find((one) => one.name === name)?.zone ?? "vpn";
    zone(home, units.get(tunnel) ?? "st0.0");
  }
  return lines;
}

function policyLines(policy: Policy, report: RenderReport): string[] {
  const { id, from, to, sources, destinations, services, action, log, enabled } = policy;
  const base = `set security policies from-zone ${word(from)} to-zone ${word(to)} policy ${word(policy.name ?? String(id))}`;
  const any = (names: readonly string[]) =>
    names.map((name) => (/^any$/i.test(name) ? "any" : word(name)));
  if (action === "tunnel") {
    report.warn(
      policy.tunnel,
      "vendor-policy-tunnel",
      `policy ${id} sends traffic into a tunnel; here it permits it, and the route leads into the tunnel`,
      "nothing to do where the far networks are routed into the tunnel's interface",
    );
  }
  return [
    ...any(sources).map((name) => `${base} match source-address ${name}`),
    ...any(destinations).map((name) => `${base} match destination-address ${name}`),
    ...any(services).map((name) => `${base} match application ${name}`),
    `${base} then ${action === "deny" ? "deny" : "permit"}`,
    ...(log ? [`${base} then log session-${action === "deny" ? "init" : "close"}`] : []),
    ...(enabled ? [] : [base.replace(/^set/, "deactivate")]),
  ];
}

function routeLines(
  gateway: Gateway,
  sides: readonly TunnelSide[],
  units: ReadonlyMap<string, string>,
): string[] {
  const names = new Map(
    sides.flatMap((side) =>
      side.binding.kind === "interface"
        ? [[side.binding.interface, units.get(side.tunnel) ?? "st0.0"] as const]
        : [],
    ),
  );
  const own = gateway.routes.map(({ prefix, nextHop, interface: through }) => {
    const hop = nextHop ?? names.get(through ?? "") ?? through ?? "discard";
    return `set routing-options static route ${prefix} next-hop ${hop}`;
  });
  // What was policy-based needs a route on an SRX; traffic selectors make theirs by themselves.
  return own;
}

function remarks(gateway: Gateway, sides: readonly TunnelSide[], report: RenderReport): void {
  const { nat } = gateway;
  if (nat.exemptions.length + nat.overloads.length > 0) {
    report.byHand(
      "Write source NAT with a rule that exempts the tunnel's networks (then source-nat off) in front.",
    );
  }
  if (gateway.permitIpsec) {
    report.warn(
      undefined,
      "vendor-permit-ipsec",
      "on an SRX traffic out of a tunnel always meets the policies of its zone",
      "write a policy that permits it",
    );
  }
  if (sides.some(({ failClosed }) => failClosed)) {
    report.byHand(
      "Keep the zone of st0 apart from the outside zone, with no policy that lets protected networks out there: then they cannot leave in clear when a tunnel is down.",
    );
  }
  if (sides.some(({ mtu }) => mtu.clampMss)) {
    report.byHand(
      "Clamp MSS for tunnels: set security flow tcp-mss ipsec-vpn mss VALUE, as the check computes it.",
    );
  }
}
