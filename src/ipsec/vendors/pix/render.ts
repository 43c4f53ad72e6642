/**
 * A gateway's tunnels as PIX OS commands, each where the gateway itself would show it. The crypto access list
 * and the exemption from translation are written from the model apart, so that the check can compare them.
 */
import {
  formatTransforms,
  type EspProposal,
  type Gateway,
  type IkeProposal,
  type TunnelSide,
} from "../../model/index.js";
import { fitAll } from "../capability.js";
import { plainName, RenderReport, textOf, type RenderOrder, type Rendering } from "../rendering.js";
import { withMask } from "../text/ipv4.js";
import { printStatement } from "./print.js";
import type { PolicyDetail, Statement } from "./statement.js";
import {
  PIX,
  PIX_KILOBYTES,
  PIX_RETRIES,
  PIX_RETRY_SECONDS,
  PIX_SECONDS,
  rankOf,
} from "./words.js";

export function renderPix(order: RenderOrder): Rendering {
  const report = new RenderReport(order);
  const { gateway, kept = [] } = order;
  const sides = fitAll(order.sides, PIX, report);
  const statements: Statement[] = [
    ...cryptoStatements(sides, report),
    ...gatewayStatements(gateway, report),
    ...isakmpStatements(gateway, sides, report),
  ];
  if (!kept.some((line) => line.startsWith("nameif "))) {
    report.byHand(
      "Name the interfaces: nameif HARDWARE NAME securityLEVEL, 0 outside, 100 inside.",
    );
  }
  // A list may serve the tunnel and its exemption.
  const printed = [...new Set(statements.map(printStatement))];
  // Stable: what has one rank stays in its order.
  const lines = [...printed, ...kept]
    .map((line, index) => ({ line, rank: rankOf(line), index }))
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ line }) => line);
  return report.rendering([{ name: `${gateway.name}.pix.txt`, text: textOf(lines) }]);
}

function gatewayStatements(gateway: Gateway, report: RenderReport): Statement[] {
  const { nat, interfaces, hostName } = gateway;
  const statements: Statement[] = [];
  if (hostName !== undefined) statements.push({ kind: "hostname", name: hostName });
  for (const { list, pairs } of nat.exemptions) {
    for (const { local, remote } of pairs) statements.push(permit(list, "ip", local, remote));
  }
  for (const { name, mtu, addresses } of interfaces) {
    statements.push({ kind: "mtu", interface: name, mtu });
    for (const address of addresses) {
      if (!address.includes(":")) statements.push({ kind: "address", interface: name, address });
      else {
        const message = `PIX OS has no IPv6, so ${name} lacks ${address}`;
        report.warn(undefined, "vendor-ipv6", message, "end IPv6 tunnels on another gateway");
      }
    }
  }
  for (const { id, outside } of nat.overloads) {
    const line: Statement = { kind: "global", interface: outside, pool: id, to: "interface" };
    if (!statements.some((one) => printStatement(one) === printStatement(line)))
      statements.push(line);
  }
  for (const { interface: name, list } of nat.exemptions) {
    statements.push({ kind: "nat-exempt", interface: name, list });
  }
  for (const { id, inside, source } of nat.overloads) {
    statements.push({ kind: "nat", interface: inside, pool: id, network: source });
  }
  for (const { prefix, interface: through, nextHop } of gateway.routes) {
    if (through === undefined || nextHop === undefined) {
      const message = `the route to ${prefix} lacks an interface or a next hop, and PIX OS wants both`;
      report.warn(undefined, "vendor-route", message, "tell both");
    } else {
      statements.push({ kind: "route", interface: through, prefix, gateway: nextHop, metric: 1 });
    }
  }
  if (gateway.permitIpsec) statements.push({ kind: "permit-ipsec" });
  if (gateway.policies.length > 0) {
    report.warn(
      undefined,
      "vendor-policies",
      `PIX OS has no policies between zones; ${gateway.policies.length} are not in the text`,
      "write access lists for the interfaces by hand",
    );
  }
  if (interfaces.some(({ manageable }) => manageable)) {
    report.byHand(
      "Permit management where it is wanted: telnet, ssh or http ADDRESS MASK INTERFACE.",
    );
  }
  return statements;
}

function permit(list: string, protocol: string, source: string, destination: string): Statement {
  return { kind: "access-list", list, action: "permit", protocol, source, destination };
}

const PROTOCOL_WORDS: Readonly<Record<number, string>> = {
  0: "ip",
  1: "icmp",
  6: "tcp",
  17: "udp",
};

function cryptoStatements(sides: readonly TunnelSide[], report: RenderReport): Statement[] {
  const lists: Statement[] = [];
  const sets = new Map<string, string>();
  const transport: Statement[] = [];
  const entries: {
    readonly map: string;
    readonly sequence: number;
    readonly lines: Statement[];
  }[] = [];
  const bound = new Map<string, string>();
  for (const [index, side] of sides.entries()) {
    const { names, child, selectors, outgoingInterface, tunnel } = side;
    const map = names.cryptoMap ?? "evpnd";
    const sequence = names.sequence ?? freeSequence(map, entries);
    const list = names.accessList ?? `evpnd-${plainName(tunnel, 40)}`;
    for (const { local, remote, protocol } of selectors) {
      lists.push(permit(list, PROTOCOL_WORDS[protocol] ?? String(protocol), local, remote));
    }
    const used = child.proposals.map((one, place) =>
      setName(one, place === 0 ? names.transformSet : undefined, sets, index),
    );
    if (child.mode === "transport") {
      for (const name of used) transport.push({ kind: "transform-mode", name });
    }
    entries.push({ map, sequence, lines: entryLines(side, map, sequence, list, used, report) });
    const before = bound.get(map);
    if (before !== undefined && before !== outgoingInterface) {
      const message = `crypto map ${map} leaves by ${before}, and this tunnel by ${outgoingInterface}`;
      report.refuse(
        tunnel,
        "vendor-map-interface",
        message,
        "give it a crypto map of its own name",
      );
    } else bound.set(map, outgoingInterface);
  }
  const maps = entries
    .sort((a, b) => (a.map < b.map ? -1 : Number(a.map > b.map)) || a.sequence - b.sequence)
    .flatMap(({ lines }) => lines);
  return [
    ...lists,
    ...[...sets].map(([name, transforms]): Statement => ({
      kind: "transform-set",
      name,
      transforms,
    })),
    ...transport,
    ...maps,
    ...[...bound].map(([map, name]): Statement => ({
      kind: "map-interface",
      map,
      interface: name,
    })),
  ];
}

function freeSequence(
  map: string,
  entries: readonly { readonly map: string; readonly sequence: number }[],
): number {
  const taken = entries.filter((entry) => entry.map === map).map(({ sequence }) => sequence);
  return taken.reduce((most, sequence) => Math.max(most, sequence), 0) + 10;
}

function setName(
  proposal: EspProposal,
  wanted: string | undefined,
  sets: Map<string, string>,
  tunnel: number,
): string {
  const transforms = formatTransforms(proposal) ?? "";
  const known = [...sets].find(([, text]) => text === transforms)?.[0];
  if (known !== undefined && (wanted === undefined || wanted === known)) return known;
  let name = wanted ?? plainName(transforms.replaceAll("esp-", "").replaceAll("-hmac", ""), 40);
  if (sets.has(name) && sets.get(name) !== transforms) name = `${name}-${tunnel + 1}`;
  sets.set(name, transforms);
  return name;
}

function entryLines(
  side: TunnelSide,
  map: string,
  sequence: number,
  list: string,
  names: readonly string[],
  report: RenderReport,
): Statement[] {
  const { child, tunnel, remote } = side;
  const peer = remote.reach.kind === "static" ? remote.reach.address : "";
  const line = (detail: Extract<Statement, { kind: "map" }>["detail"]): Statement => ({
    kind: "map",
    map,
    sequence,
    detail,
  });
  const lines = [
    line({ kind: "type", type: "ipsec-isakmp" }),
    line({ kind: "match", list }),
    line({ kind: "peer", peer }),
    line({ kind: "transform-set", names }),
  ];
  const groups = new Set(child.proposals.map(({ pfs }) => pfs));
  const [pfs] = groups;
  if (groups.size > 1) {
    const message =
      "a crypto map has one group for perfect forward secrecy; the first proposal's is used";
    report.warn(tunnel, "vendor-pfs", message, "give the phase 2 proposals one group");
  }
  if (pfs !== undefined) line2(lines, line({ kind: "pfs", group: Number(PIX.groups[pfs]) }));
  const { lifetimeSeconds: seconds, lifetimeKilobytes: kilobytes } = child;
  if (seconds !== PIX_SECONDS || kilobytes !== PIX_KILOBYTES) {
    if (kilobytes === 0) {
      const message = "PIX OS always ends an SA by bytes as well; its default of 4608000 kB stays";
      report.warn(tunnel, "vendor-kilobytes", message, "set the same at the other end");
    }
    line2(
      lines,
      line({
        kind: "lifetime",
        seconds: seconds === PIX_SECONDS ? undefined : seconds,
        kilobytes: kilobytes === PIX_KILOBYTES || kilobytes === 0 ? undefined : kilobytes,
      }),
    );
  }
  if (side.start === "start") {
    const message = "PIX OS begins a tunnel when there is traffic for it";
    report.warn(tunnel, "vendor-start", message, "let the other end begin, or let a host ping");
  }
  return lines;
}

/** A lifetime of which nothing is to be said is no line. */
function line2(lines: Statement[], statement: Statement): void {
  const empty =
    statement.kind === "map" &&
    statement.detail.kind === "lifetime" &&
    statement.detail.seconds === undefined &&
    statement.detail.kilobytes === undefined;
  if (!empty) lines.push(statement);
}

function isakmpStatements(
  gateway: Gateway,
  sides: readonly TunnelSide[],
  report: RenderReport,
): Statement[] {
  const statements: Statement[] = [];
  const enabled =
    gateway.ikeInterfaces.length > 0
      ? gateway.ikeInterfaces
      : [...new Set(sides.map(({ outgoingInterface }) => outgoingInterface))];
  for (const name of enabled) statements.push({ kind: "isakmp-enable", interface: name });
  const keys = new Set<string>();
  for (const side of sides) {
    const key = keyStatement(side, report);
    const text = key === undefined ? "" : printStatement(key);
    if (key === undefined || keys.has(text)) continue;
    keys.add(text);
    statements.push(key);
  }
  if (sides.some(({ local }) => local.identity.kind === "fqdn")) {
    statements.push({ kind: "isakmp-identity", identity: "hostname" });
  }
  return [...statements, ...globals(sides, report), ...policyStatements(sides)];
}

function keyStatement(side: TunnelSide, report: RenderReport): Statement | undefined {
  const { authentication, remote, tunnel } = side;
  if (authentication.kind !== "psk" || remote.reach.kind !== "static") return undefined;
  const { secret: name, scope } = authentication;
  const secret = { kind: "named", name, fingerprint: report.fingerprint(name) } as const;
  if (scope.kind === "group") {
    const message = "PIX OS binds a key to addresses; the group's key is bound to this peer alone";
    report.warn(tunnel, "vendor-key-scope", message, "use a key for the peer, or for its network");
  }
  const prefix = scope.kind === "prefix" ? scope.prefix : `${remote.reach.address}/32`;
  const [peer = "", mask = ""] = withMask(prefix).split(" ");
  return { kind: "isakmp-key", secret, peer, mask };
}

/** Keepalives and NAT traversal are the gateway's, not a tunnel's. */
function globals(sides: readonly TunnelSide[], report: RenderReport): Statement[] {
  const statements: Statement[] = [];
  const [first] = sides;
  for (const side of sides) {
    if (JSON.stringify(side.ike.detection) === JSON.stringify(first?.ike.detection)) continue;
    const message =
      "PIX OS has one setting of keepalives for all peers; the first tunnel's is used";
    report.warn(
      side.tunnel,
      "vendor-detection",
      message,
      "give all tunnels of the gateway the same",
    );
  }
  const detection = first?.ike.detection;
  if (detection?.kind === "dpd") {
    const { delaySeconds, timeoutSeconds } = detection;
    const wanted = Math.round((timeoutSeconds - delaySeconds) / PIX_RETRIES);
    const retry = Math.min(10, Math.max(2, wanted));
    const seconds = Math.max(10, delaySeconds);
    if (seconds !== delaySeconds || seconds + PIX_RETRIES * retry !== timeoutSeconds) {
      const message = `PIX OS sends keepalives each ${seconds} s, and ${PIX_RETRIES} more each ${retry} s`;
      report.warn(first?.tunnel, "vendor-detection", message, "nothing, or use times that it has");
    }
    statements.push({
      kind: "isakmp-keepalive",
      seconds,
      retry: retry === PIX_RETRY_SECONDS ? undefined : retry,
    });
  }
  const traversal = sides.find(({ ike }) => ike.nat.enabled);
  if (traversal !== undefined) {
    const seconds = traversal.ike.nat.keepaliveSeconds;
    const message = "NAT traversal is for all peers of a PIX, and wants PIX OS 6.3";
    report.warn(traversal.tunnel, "vendor-nat", message, "update the gateway, or switch it off");
    statements.push({
      kind: "isakmp-nat-traversal",
      seconds: seconds === 20 ? undefined : Math.max(10, seconds),
    });
  }
  return statements;
}

/** Policies are the gateway's: what two tunnels have alike stands once. */
function policyStatements(sides: readonly TunnelSide[]): Statement[] {
  const policies = new Map<number, string>();
  const statements: Statement[] = [];
  for (const proposal of sides.flatMap(({ ike }) => ike.proposals)) {
    const details = policyDetails(proposal);
    const text = JSON.stringify(details);
    if ([...policies.values()].includes(text)) continue;
    let number = proposal.number ?? 1;
    while (policies.has(number)) number += 1;
    policies.set(number, text);
    for (const detail of details) statements.push({ kind: "isakmp-policy", number, detail });
  }
  return statements;
}

function policyDetails(proposal: IkeProposal): PolicyDetail[] {
  return [
    { kind: "authentication", method: proposal.authentication === "psk" ? "pre-share" : "rsa-sig" },
    { kind: "encryption", cipher: PIX.ikeCiphers[proposal.encryption] ?? "" },
    { kind: "hash", hash: proposal.integrity === "md5" ? "md5" : "sha" },
    { kind: "group", group: Number(PIX.groups[proposal.group]) },
    { kind: "lifetime", seconds: proposal.lifetimeSeconds },
  ];
}
