/**
 * A gateway's tunnels as `set` commands of VyOS: a group of parameters for each phase, a peer, and a VTI for
 * route-based tunnels; far networks fall into a blackhole of the worst distance when a tunnel is down.
 */
import {
  cipherRow,
  type EspProposal,
  type Gateway,
  type IkeProposal,
  type TunnelSide,
} from "../../model/index.js";
import { fitAll } from "../capability.js";
import {
  localAddress,
  peerText,
  plainName,
  RenderReport,
  textOf,
  type RenderOrder,
  type Rendering,
} from "../rendering.js";
import { VYOS } from "./words.js";

const LAST_DISTANCE = 254;

export function renderVyos(order: RenderOrder): Rendering {
  const report = new RenderReport(order);
  const { gateway, kept = [] } = order;
  const sides = fitAll(order.sides, VYOS, report);
  const outside = [...new Set(sides.map(({ outgoingInterface }) => outgoingInterface))];
  const lines = [
    ...(gateway.hostName === undefined ? [] : [`set system host-name ${value(gateway.hostName)}`]),
    ...kept,
    ...sides.flatMap((side, index) => vtiLines(side, gateway, index)),
    ...outside.map((name) => `set vpn ipsec interface ${value(name)}`),
    ...sides.flatMap((side, index) => sideLines(side, gateway, index, report)),
    ...routeLines(gateway, sides),
    ...natLines(gateway),
  ];
  remarks(gateway, sides, report);
  return report.rendering([{ name: `${gateway.name}.vyos.txt`, text: textOf(lines) }]);
}

function value(text: string): string {
  return `'${text.replaceAll("'", "")}'`;
}

/** `vti1`: a VTI's name is fixed but for its number. */
function vtiName({ binding }: TunnelSide, index: number): string {
  const name = binding.kind === "interface" ? binding.interface : "";
  return `vti${/(\d{1,4})$/.exec(name)?.[1] ?? String(index)}`;
}

function vtiLines(side: TunnelSide, gateway: Gateway, index: number): string[] {
  if (side.kind !== "route-based") return [];
  const base = `set interfaces vti ${vtiName(side, index)}`;
  const bound = side.binding.kind === "interface" ? side.binding.interface : "";
  const own = gateway.interfaces.find(({ name }) => name === bound);
  return [
    `${base} description ${value(side.tunnel)}`,
    ...(own?.addresses ?? []).map((address) => `${base} address ${value(address)}`),
    ...(own === undefined || own.mtu === 1500 ? [] : [`${base} mtu ${value(String(own.mtu))}`]),
    ...(side.mtu.clampMss ? [`${base} ip adjust-mss 'clamp-mss-to-pmtu'`] : []),
  ];
}

function sideLines(
  side: TunnelSide,
  gateway: Gateway,
  index: number,
  report: RenderReport,
): string[] {
  const name = plainName(side.tunnel, 40);
  return [
    ...ikeGroup(side, name),
    ...espGroup(side, name, report),
    ...secretLines(side, name, report),
    ...peerLines(side, gateway, name, index, report),
  ];
}

function ikeGroup({ ike, start }: TunnelSide, name: string): string[] {
  const base = `set vpn ipsec ike-group ${name}`;
  const lines = [`${base} key-exchange 'ikev${ike.version}'`];
  const life = Math.min(...ike.proposals.map(({ lifetimeSeconds }) => lifetimeSeconds));
  lines.push(`${base} lifetime '${life}'`);
  if (ike.version === 1) lines.push(`${base} mode '${ike.mode}'`);
  if (ike.version === 2 && !ike.mobike) lines.push(`${base} disable-mobike`);
  if (ike.detection.kind === "dpd") {
    const { delaySeconds, timeoutSeconds, action } = ike.detection;
    lines.push(`${base} dead-peer-detection action '${action}'`);
    lines.push(`${base} dead-peer-detection interval '${delaySeconds}'`);
    lines.push(`${base} dead-peer-detection timeout '${timeoutSeconds}'`);
  }
  lines.push(`${base} close-action '${start === "trap" ? "trap" : "none"}'`);
  return [
    ...lines,
    ...ike.proposals.flatMap((one, index) => ikeProposal(one, `${base} proposal ${index + 1}`)),
  ];
}

function ikeProposal({ encryption, integrity, prf, group }: IkeProposal, base: string): string[] {
  return [
    `${base} encryption '${VYOS.ikeCiphers[encryption] ?? ""}'`,
    // With a cipher that authenticates by itself the hash is the function's alone.
    `${base} hash '${VYOS.integrities[integrity ?? prf] ?? ""}'`,
    `${base} dh-group '${VYOS.groups[group] ?? ""}'`,
    ...(prf === integrity ? [] : [`${base} prf 'prf${prf}'`]),
  ];
}

function espGroup({ child, tunnel }: TunnelSide, name: string, report: RenderReport): string[] {
  const base = `set vpn ipsec esp-group ${name}`;
  const groups = new Set(child.proposals.map(({ pfs }) => pfs));
  const [pfs] = groups;
  if (groups.size > 1) {
    const message = "VyOS has one group for perfect forward secrecy; the first proposal's is used";
    report.warn(tunnel, "vendor-pfs", message, "give the phase 2 proposals one group");
  }
  const { lifetimeSeconds, lifetimeKilobytes, mode } = child;
  return [
    `${base} lifetime '${lifetimeSeconds}'`,
    ...(lifetimeKilobytes === 0 ? [] : [`${base} life-bytes '${lifetimeKilobytes * 1000}'`]),
    `${base} mode '${mode}'`,
    `${base} pfs '${pfs === undefined ? "disable" : `dh-group${VYOS.groups[pfs] ?? ""}`}'`,
    ...child.proposals.flatMap((one, index) => espProposal(one, `${base} proposal ${index + 1}`)),
  ];
}

function espProposal({ encryption, integrity }: EspProposal, base: string): string[] {
  const hash =
    integrity === undefined ? (cipherRow(encryption).aead ? "sha256" : undefined) : integrity;
  return [
    `${base} encryption '${VYOS.espCiphers[encryption] ?? ""}'`,
    ...(hash === undefined ? [] : [`${base} hash '${VYOS.integrities[hash] ?? ""}'`]),
  ];
}

function secretLines(
  { authentication, local, remote }: TunnelSide,
  name: string,
  report: RenderReport,
): string[] {
  if (authentication.kind !== "psk") return [];
  const base = `set vpn ipsec authentication psk ${name}`;
  const far = remote.reach.kind === "dialup-group" ? "%any" : remote.identity.value;
  return [
    `${base} id ${value(local.identity.value)}`,
    `${base} id ${value(far)}`,
    `${base} secret ${value(report.secret(authentication.secret))}`,
  ];
}

function peerLines(
  side: TunnelSide,
  gateway: Gateway,
  name: string,
  index: number,
  report: RenderReport,
): string[] {
  const { authentication, local, remote, ike, child, selectors, start, kind } = side;
  const base = `set vpn ipsec site-to-site peer ${name}`;
  const lines = [
    `${base} authentication local-id ${value(local.identity.value)}`,
    `${base} authentication mode '${authentication.kind === "psk" ? "pre-shared-secret" : "x509"}'`,
    `${base} authentication remote-id ${value(remote.identity.value)}`,
  ];
  if (authentication.kind === "certificate") {
    lines.push(
      `${base} authentication x509 certificate ${value(plainName(authentication.own.certificate))}`,
    );
    report.byHand(
      `Import the certificate "${authentication.own.certificate}" with its key: set pki certificate NAME.`,
    );
    for (const authority of authentication.authorities) {
      lines.push(`${base} authentication x509 ca-certificate ${value(plainName(authority))}`);
      report.byHand(`Import the authority's certificate "${authority}": set pki ca NAME.`);
    }
  }
  lines.push(
    `${base} connection-type '${{ start: "initiate", trap: "trap", respond: "none" }[start]}'`,
    `${base} default-esp-group '${name}'`,
    ...(ike.nat.force ? [`${base} force-udp-encapsulation`] : []),
    `${base} ike-group '${name}'`,
    `${base} local-address ${value(localAddress(side, gateway) ?? "any")}`,
    `${base} remote-address ${value(peerText(side, "any"))}`,
    `${base} replay-window '${child.replayWindow}'`,
  );
  if (kind === "route-based") {
    lines.push(`${base} vti bind '${vtiName(side, index)}'`, `${base} vti esp-group '${name}'`);
    return lines;
  }
  for (const [
    place,
    { local: own, remote: far, protocol, localPort, remotePort },
  ] of selectors.entries()) {
    const tunnel = `${base} tunnel ${place + 1}`;
    lines.push(`${tunnel} local prefix '${own}'`, `${tunnel} remote prefix '${far}'`);
    if (protocol !== 0) lines.push(`${tunnel} protocol '${protocol}'`);
    if (localPort !== 0) lines.push(`${tunnel} local port '${localPort}'`);
    if (remotePort !== 0) lines.push(`${tunnel} remote port '${remotePort}'`);
  }
  return lines;
}

function routeLines(gateway: Gateway, sides: readonly TunnelSide[]): string[] {
  const names = new Map(
    sides.flatMap((side, index) =>
      side.binding.kind === "interface"
        ? [[side.binding.interface, vtiName(side, index)] as const]
        : [],
    ),
  );
  const route = (prefix: string) =>
    `set protocols static route${prefix.includes(":") ? "6" : ""} ${prefix}`;
  const own = gateway.routes.map(({ prefix, nextHop, interface: through }) =>
    nextHop === undefined
      ? `${route(prefix)} interface ${names.get(through ?? "") ?? through ?? ""}`
      : `${route(prefix)} next-hop ${nextHop}`,
  );
  const closed = new Set(
    sides
      .filter(({ failClosed }) => failClosed)
      .flatMap(({ remoteNetworks, remoteVteps }) => [...remoteNetworks, ...remoteVteps]),
  );
  return [
    ...own,
    ...[...closed].map((prefix) => `${route(prefix)} blackhole distance '${LAST_DISTANCE}'`),
  ];
}

/** Tunnel traffic keeps its addresses: rules that exempt it stand in front of those that translate. */
function natLines({ nat }: Gateway): string[] {
  let rule = 10;
  const lines: string[] = [];
  for (const { pairs } of nat.exemptions) {
    for (const { local, remote } of pairs) {
      const base = `set nat source rule ${rule}`;
      lines.push(
        `${base} destination address '${remote}'`,
        `${base} exclude`,
        `${base} source address '${local}'`,
      );
      rule += 10;
    }
  }
  for (const { outside, source } of nat.overloads) {
    const base = `set nat source rule ${rule + 1000}`;
    lines.push(
      `${base} outbound-interface name '${outside}'`,
      `${base} source address '${source}'`,
      `${base} translation address 'masquerade'`,
    );
    rule += 10;
  }
  return lines;
}

function remarks(gateway: Gateway, sides: readonly TunnelSide[], report: RenderReport): void {
  if (gateway.policies.length > 0) {
    report.warn(
      undefined,
      "vendor-policies",
      `policies between zones are not in the text (${gateway.policies.length})`,
      "write them as set firewall zone, by hand",
    );
  }
  if (sides.some(({ kind }) => kind === "route-based")) {
    report.byHand(
      "Keep the daemon from making routes of its own: set vpn ipsec options disable-route-autoinstall.",
    );
  }
  if (sides.some(({ authentication }) => authentication.kind === "psk")) {
    report.byHand(
      "The lines are for VyOS 1.4 and later; 1.3 has the key within the peer's own section.",
    );
  }
}
