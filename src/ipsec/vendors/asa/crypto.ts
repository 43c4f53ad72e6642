/** Policies, proposals, maps, profiles and tunnel groups of ASA. */
import {
  cipherRow,
  formatTransforms,
  maskOfLength,
  type EspProposal,
  type Gateway,
  type IkeProposal,
  type TunnelSide,
} from "../../model/index.js";
import { plainName, type RenderReport } from "../rendering.js";
import { ASA, listName } from "./words.js";

/** Keepalives that are sent before a peer counts as dead. */
const RETRIES = 3;

export function cryptoLines(
  gateway: Gateway,
  sides: readonly TunnelSide[],
  report: RenderReport,
): string[] {
  const sets = new Map<string, readonly string[]>();
  const maps: string[] = [];
  const interfaces: string[] = [];
  const bound = new Map<string, string>();
  let sequence = 0;
  for (const side of sides) {
    const names = side.child.proposals.map((one) => proposalName(one, side, sets));
    if (side.kind === "route-based") interfaces.push(...routed(side, names, gateway, report));
    else {
      const map = side.names.cryptoMap ?? "evpnd";
      sequence = side.names.sequence ?? sequence + 10;
      maps.push(...mapLines(side, map, sequence, names, report));
      bound.set(map, side.outgoingInterface);
    }
    report.byHand(
      `Trace tunnel ${side.tunnel} after the change: show crypto ${side.ike.version === 1 ? "ikev1" : "ikev2"} sa, show crypto ipsec sa peer ${peer(side)}.`,
    );
  }
  return [
    ...[...sets.values()].flat(),
    ...windowLine(sides, report),
    ...maps,
    ...[...bound].map(([map, name]) => `crypto map ${map} interface ${name}`),
    ...ikePolicies(sides),
    ...enabled(gateway, sides),
    ...interfaces,
    ...sides.flatMap((side) => tunnelGroup(side, report)),
  ];
}

function peer({ remote }: TunnelSide): string {
  return remote.reach.kind === "static" ? remote.reach.address : "";
}

function proposalName(
  proposal: EspProposal,
  { ike }: TunnelSide,
  sets: Map<string, readonly string[]>,
): string {
  const { encryption, integrity } = proposal;
  const name = plainName(`evpnd-v${ike.version}-${encryption}-${integrity ?? "none"}`);
  const transforms = formatTransforms({ ...proposal, esn: false, additional: [] });
  sets.set(
    `${name}`,
    ike.version === 1
      ? [`crypto ipsec ikev1 transform-set ${name} ${transforms ?? "esp-null esp-none"}`]
      : [
          `crypto ipsec ikev2 ipsec-proposal ${name}`,
          ` protocol esp encryption ${ASA.espCiphers[encryption] ?? ""}`,
          ` protocol esp integrity ${integrityWord(proposal)}`,
        ],
  );
  return name;
}

/** A cipher that authenticates by itself has `null` here; ASA writes `sha-1` for SHA-1. */
function integrityWord({ encryption, integrity }: EspProposal): string {
  if (integrity === undefined || cipherRow(encryption).aead) return "null";
  if (integrity === "sha1") return "sha-1";
  return integrity === "md5" ? "md5" : integrity.replace("sha", "sha-");
}

function mapLines(
  side: TunnelSide,
  map: string,
  sequence: number,
  names: readonly string[],
  report: RenderReport,
): string[] {
  const { ike, child } = side;
  const what = ike.version === 1 ? "ikev1 transform-set" : "ikev2 ipsec-proposal";
  return [
    `match address ${listName(side)}`,
    ...pfsLine(side, report),
    `set peer ${peer(side)}`,
    `set ${what} ${names.join(" ")}`,
    ...(child.mode === "transport" && ike.version === 2 ? ["set ikev2 mode transport"] : []),
    ...lifetimes(side),
    ...(ike.nat.enabled ? [] : ["set nat-t-disable"]),
    ...(side.start === "respond" ? ["set connection-type answer-only"] : []),
  ].map((line) => `crypto map ${map} ${sequence} ${line}`);
}

function pfsLine({ child, tunnel }: TunnelSide, report: RenderReport): string[] {
  const groups = new Set(child.proposals.map(({ pfs }) => pfs));
  const [first] = groups;
  if (groups.size > 1) {
    const message = "ASA has one group for perfect forward secrecy; the first proposal's is used";
    report.warn(tunnel, "vendor-pfs", message, "give the phase 2 proposals one group");
  }
  return first === undefined ? [] : [`set pfs group${ASA.groups[first] ?? ""}`];
}

function lifetimes({ child }: TunnelSide): string[] {
  const { lifetimeSeconds, lifetimeKilobytes } = child;
  // Beyond what the command takes is as good as none.
  const bytes =
    lifetimeKilobytes === 0 || lifetimeKilobytes > 2_147_483_647
      ? "unlimited"
      : String(lifetimeKilobytes);
  return [
    `set security-association lifetime seconds ${lifetimeSeconds}`,
    `set security-association lifetime kilobytes ${bytes}`,
  ];
}

function routed(
  side: TunnelSide,
  names: readonly string[],
  gateway: Gateway,
  report: RenderReport,
): string[] {
  const profile = `evpnd-${plainName(side.tunnel, 40)}`;
  const what = side.ike.version === 1 ? "ikev1 transform-set" : "ikev2 ipsec-proposal";
  const name = side.binding.kind === "interface" ? side.binding.interface : side.tunnel;
  const own = gateway.interfaces.find((one) => one.name === name);
  const number = /(\d{1,4})$/.exec(name)?.[1] ?? "1";
  const address = own?.addresses.find((one) => !one.includes(":"));
  const local = address?.split("/");
  if (side.proxyId !== undefined) {
    const message =
      "a tunnel interface of ASA protects any to any; the proxy-id is not in the text";
    report.refuse(
      side.tunnel,
      "vendor-proxy-id",
      message,
      "make the tunnel policy-based, or take the proxy-id away",
    );
  }
  return [
    `crypto ipsec profile ${profile}`,
    ` set ${what} ${names.join(" ")}`,
    ...pfsLine(side, report).map((line) => ` ${line}`),
    ...lifetimes(side).map((line) => ` ${line}`),
    ...(side.start === "respond" ? [" responder-only"] : []),
    `interface Tunnel${number}`,
    ` nameif ${plainName(name, 48)}`,
    local === undefined
      ? ` ip unnumbered ${own?.unnumbered ?? side.outgoingInterface}`
      : ` ip address ${local[0] ?? ""} ${maskOfLength(Number(local[1]))}`,
    ` tunnel source interface ${side.outgoingInterface}`,
    ` tunnel destination ${peer(side)}`,
    ` tunnel mode ipsec ${peer(side).includes(":") ? "ipv6" : "ipv4"}`,
    ` tunnel protection ipsec profile ${profile}`,
  ];
}

function windowLine(sides: readonly TunnelSide[], report: RenderReport): string[] {
  const windows = new Set(sides.map(({ child }) => child.replayWindow));
  if (windows.size > 1) {
    const message = "ASA has one replay window for all tunnels; the largest is used";
    report.warn(
      undefined,
      "vendor-replay-window",
      message,
      "give all tunnels of the gateway the same",
    );
  }
  const largest = [...windows].reduce((most, one) => Math.max(most, one), 0);
  const fits = (ASA.replayWindows ?? []).find((one) => one >= largest) ?? 1024;
  return sides.length === 0
    ? []
    : [`crypto ipsec security-association replay window-size ${largest === 0 ? 64 : fits}`];
}

function ikePolicies(sides: readonly TunnelSide[]): string[] {
  const policies = new Map<string, readonly string[]>();
  for (const { ike } of sides) {
    for (const proposal of ike.proposals) {
      const lines = ike.version === 1 ? policy1(proposal) : policy2(proposal);
      policies.set(`${ike.version} ${lines.join()}`, [`${ike.version}`, ...lines]);
    }
  }
  const numbers: Record<string, number> = {};
  return [...policies.values()].flatMap(([version = "", ...lines]) => {
    const number = (numbers[version] ?? 0) + 10;
    numbers[version] = number;
    return [`crypto ikev${version} policy ${number}`, ...lines.map((line) => ` ${line}`)];
  });
}

function policy1({
  authentication,
  encryption,
  integrity,
  group,
  lifetimeSeconds,
}: IkeProposal): string[] {
  return [
    `authentication ${authentication === "psk" ? "pre-share" : "rsa-sig"}`,
    `encryption ${ASA.ikeCiphers[encryption] ?? ""}`,
    `hash ${integrity === "md5" ? "md5" : "sha"}`,
    `group ${ASA.groups[group] ?? ""}`,
    `lifetime ${lifetimeSeconds}`,
  ];
}

function policy2({ encryption, integrity, prf, group, lifetimeSeconds }: IkeProposal): string[] {
  return [
    `encryption ${ASA.ikeCiphers[encryption] ?? ""}`,
    `integrity ${integrity === undefined ? "null" : (ASA.integrities[integrity] ?? "")}`,
    `group ${ASA.groups[group] ?? ""}`,
    `prf ${ASA.integrities[prf] ?? ""}`,
    `lifetime seconds ${lifetimeSeconds}`,
  ];
}

function enabled(gateway: Gateway, sides: readonly TunnelSide[]): string[] {
  const lines = new Set<string>();
  for (const { ike, outgoingInterface } of sides) {
    const names = gateway.ikeInterfaces.length > 0 ? gateway.ikeInterfaces : [outgoingInterface];
    for (const name of names) lines.add(`crypto ikev${ike.version} enable ${name}`);
  }
  return [...lines];
}

function tunnelGroup(side: TunnelSide, report: RenderReport): string[] {
  const { authentication, ike } = side;
  const lines = [
    `tunnel-group ${peer(side)} type ipsec-l2l`,
    `tunnel-group ${peer(side)} ipsec-attributes`,
  ];
  if (authentication.kind === "psk") {
    const key = report.secret(authentication.secret);
    if (ike.version === 1) lines.push(` ikev1 pre-shared-key ${key}`);
    else {
      lines.push(` ikev2 remote-authentication pre-shared-key ${key}`);
      lines.push(` ikev2 local-authentication pre-shared-key ${key}`);
    }
  } else {
    const trustpoint = plainName(authentication.own.certificate, 40);
    lines.push(
      ike.version === 1
        ? ` ikev1 trust-point ${trustpoint}`
        : ` ikev2 local-authentication certificate ${trustpoint}`,
    );
    if (ike.version === 2) lines.push(" ikev2 remote-authentication certificate");
    report.byHand(
      `Import the certificate "${authentication.own.certificate}" with its key and authority as trustpoint ${trustpoint}.`,
    );
  }
  if (ike.detection.kind === "dpd") {
    const { delaySeconds, timeoutSeconds } = ike.detection;
    const retry = Math.min(10, Math.max(2, Math.round((timeoutSeconds - delaySeconds) / RETRIES)));
    const threshold = Math.max(10, delaySeconds);
    if (threshold !== delaySeconds || threshold + RETRIES * retry !== timeoutSeconds) {
      const after = threshold + RETRIES * retry;
      const message = `ASA notices a dead peer after ${after} s, not ${timeoutSeconds} s`;
      report.warn(side.tunnel, "vendor-detection", message, "nothing, or use times that it has");
    }
    lines.push(` isakmp keepalive threshold ${threshold} retry ${retry}`);
  } else lines.push(" isakmp keepalive disable");
  return lines;
}
