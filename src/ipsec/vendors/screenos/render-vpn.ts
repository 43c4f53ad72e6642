/** Proposals, IKE gateways and VPNs of a gateway's tunnels as ScreenOS commands. */
import {
  formatEspName,
  formatIkeName,
  type EspProposal,
  type Gateway,
  type IkeProposal,
  type TunnelSide,
} from "../../model/index.js";
import type { RenderReport } from "../rendering.js";
import type { GatewayDetail, ProposalStatement, RemoteEnd, Statement } from "./statement.js";
import { ownEspName, ownIkeName, SCREENOS } from "./words.js";

/** Heartbeats lost in a row, unless told otherwise. */
export const HEARTBEAT_THRESHOLD = 5;

export interface VpnStatements {
  /** Proposals and gateways. */
  readonly ike: readonly Statement[];
  readonly vpns: readonly Statement[];
  /** Of the VPNs, by tunnel. */
  readonly names: ReadonlyMap<string, string>;
}

export function vpnStatements(
  gateway: Gateway,
  sides: readonly TunnelSide[],
  report: RenderReport,
): VpnStatements {
  const proposals = new Map<string, ProposalStatement>();
  const gateways: Statement[] = [];
  const vpns: Statement[] = [];
  const groups: Statement[] = [];
  const names = new Map<string, string>();
  const groupIds = new Map<string, number>();
  for (const side of sides) {
    const vpn = side.names.vpn ?? side.tunnel;
    names.set(side.tunnel, vpn);
    gateways.push(...gatewayStatements(side, proposals, report));
    vpns.push(...vpnStatementsOf(side, vpn, proposals, report));
    if (side.group !== undefined) {
      const id = groupId(side.group.name, groupIds);
      groups.push({ kind: "vpn-group", id, vpn, weight: side.group.weight });
    }
    remarks(side, gateway, report);
  }
  return { ike: [...proposals.values(), ...gateways], vpns: [...vpns, ...groups], names };
}

function gatewayName({ names, remote }: TunnelSide): string {
  return names.gateway ?? `To_${remote.name}`;
}

function gatewayStatements(
  side: TunnelSide,
  proposals: Map<string, ProposalStatement>,
  report: RenderReport,
): Statement[] {
  const { ike, authentication } = side;
  const name = gatewayName(side);
  const secret = authentication.kind === "psk" ? authentication.secret : "";
  const statement: Statement = {
    kind: "gateway",
    name,
    ikev2: ike.version === 2,
    remote: remoteEnd(side),
    mode: ike.version === 2 ? undefined : ike.mode,
    localId: localId(side),
    outgoing: side.outgoingInterface,
    secret: { kind: "named", name: secret, fingerprint: report.fingerprint(secret) },
    proposals: ike.proposals.map((one) => ikeName(one, proposals)),
    level: undefined,
  };
  const details: GatewayDetail[] = [];
  if (ike.nat.enabled) details.push({ kind: "nat-traversal", on: true });
  if (ike.nat.udpChecksum) details.push({ kind: "udp-checksum" });
  if (ike.nat.keepaliveSeconds > 0) {
    details.push({ kind: "keepalive", seconds: ike.nat.keepaliveSeconds });
  }
  if (ike.detection.kind === "heartbeat" && ike.detection.helloSeconds > 0) {
    details.push({ kind: "heartbeat", seconds: ike.detection.helloSeconds });
  }
  if (ike.detection.kind === "dpd") {
    const { delaySeconds, timeoutSeconds } = ike.detection;
    const retry = Math.max(1, Math.round(timeoutSeconds / Math.max(1, delaySeconds)));
    details.push({ kind: "dpd", interval: delaySeconds, retry: undefined });
    details.push({ kind: "dpd", interval: undefined, retry });
  }
  return [
    statement,
    ...details.map((detail): Statement => ({ kind: "gateway-detail", name, detail })),
  ];
}

function remoteEnd({ remote }: TunnelSide): RemoteEnd {
  const { reach, identity } = remote;
  switch (reach.kind) {
    case "static": {
      const own = identity.kind === "address" && identity.value === reach.address;
      return { kind: "static", address: reach.address, ...(!own && { id: identity.value }) };
    }
    case "host": {
      const own = identity.kind === "fqdn" && identity.value === reach.name;
      return { kind: "static", address: reach.name, ...(!own && { id: identity.value }) };
    }
    case "dynamic":
      return { kind: "dynamic", id: reach.peerId };
    case "dialup-user":
      return { kind: "dialup", user: reach.user };
    case "dialup-group":
      return { kind: "dialup", user: reach.group };
  }
}

/** Undefined = the address, which is what it is when nothing is said. */
function localId({ local }: TunnelSide): string | undefined {
  const { identity, reach } = local;
  if (identity.kind === "address") return undefined;
  return reach.kind === "static" || identity.value !== "" ? identity.value : undefined;
}

function ikeName(proposal: IkeProposal, all: Map<string, ProposalStatement>): string {
  const own = ownIkeName(proposal);
  if (own !== undefined) return own;
  const base = formatIkeName(proposal) ?? "custom";
  return define(`p1-${base}-${proposal.lifetimeSeconds}`, all, (name) => ({
    kind: "p1-proposal",
    name,
    method: proposal.authentication === "psk" ? "preshare" : `${proposal.authentication}-sig`,
    group: Number(SCREENOS.groups[proposal.group]),
    encryption: SCREENOS.ikeCiphers[proposal.encryption] ?? "",
    hash: SCREENOS.integrities[proposal.integrity ?? "sha1"] ?? "",
    seconds: proposal.lifetimeSeconds,
    kilobytes: undefined,
  }));
}

function espName(
  proposal: EspProposal,
  { child }: TunnelSide,
  all: Map<string, ProposalStatement>,
): string {
  const { lifetimeSeconds: seconds, lifetimeKilobytes: kilobytes } = child;
  const own = ownEspName(proposal, seconds, kilobytes);
  if (own !== undefined) return own;
  const base = formatEspName(proposal) ?? "custom";
  return define(`p2-${base}-${seconds}-${kilobytes}`, all, (name) => ({
    kind: "p2-proposal",
    name,
    method: undefined,
    group: proposal.pfs === undefined ? undefined : Number(SCREENOS.groups[proposal.pfs]),
    encryption: SCREENOS.espCiphers[proposal.encryption] ?? "",
    hash:
      proposal.integrity === undefined ? "null" : (SCREENOS.integrities[proposal.integrity] ?? ""),
    seconds,
    kilobytes: kilobytes === 0 ? undefined : kilobytes,
  }));
}

function define(
  name: string,
  all: Map<string, ProposalStatement>,
  make: (name: string) => ProposalStatement,
): string {
  if (!all.has(name)) all.set(name, make(name));
  return name;
}

function vpnStatementsOf(
  side: TunnelSide,
  name: string,
  proposals: Map<string, ProposalStatement>,
  report: RenderReport,
): Statement[] {
  const { child, binding, names, monitor, proxyId } = side;
  const statements: Statement[] = [
    {
      kind: "vpn",
      name,
      gateway: gatewayName(side),
      replay: child.replayWindow > 0,
      mode: child.mode,
      idleTime: Math.ceil(child.idleSeconds / 60),
      proposals: child.proposals.map((one) => espName(one, side, proposals)),
      level: undefined,
    },
  ];
  if (binding.kind !== "none") {
    statements.push({
      kind: "vpn-bind",
      name,
      id: names.vpnId,
      to: binding.kind,
      target: binding.kind === "zone" ? binding.zone : binding.interface,
    });
  }
  if (monitor !== undefined) {
    const { source, destination, optimized, rekey } = monitor;
    statements.push({ kind: "vpn-monitor", name, source, destination, optimized, rekey });
    if (monitor.intervalSeconds !== 10 || monitor.threshold !== 10) {
      report.byHand(
        `The monitor's interval and threshold are the gateway's, not a tunnel's: set vpnmonitor interval ${monitor.intervalSeconds}; set vpnmonitor threshold ${monitor.threshold}.`,
      );
    }
  }
  if (proxyId !== undefined) {
    const { local, remote, service } = proxyId;
    statements.push({ kind: "vpn-proxy-id", name, local, remote, service });
  }
  return statements;
}

/** ScreenOS numbers its groups; a name that is no number gets the next one. */
function groupId(name: string, ids: Map<string, number>): number {
  const known = ids.get(name);
  if (known !== undefined) return known;
  const taken = new Set(ids.values());
  let id = /^\d{1,5}$/.test(name) ? Number(name) : 1;
  while (taken.has(id)) id += 1;
  ids.set(name, id);
  return id;
}

function remarks(side: TunnelSide, gateway: Gateway, report: RenderReport): void {
  const { ike, child, kind, tunnel, selectors, proxyId } = side;
  const note = (code: string, message: string, remedy: string) =>
    report.warn(tunnel, code, message, remedy);
  if (ike.version === 2 && !/^(6\.[1-9]|[7-9])/.test(gateway.version ?? "")) {
    note(
      "vendor-version",
      "ScreenOS speaks IKEv2 from 6.1 on",
      "update the gateway, and tell its version",
    );
  }
  if (ike.detection.kind === "dpd" && ike.detection.action !== "clear") {
    note(
      "vendor-dpd-action",
      "ScreenOS clears the tunnel of a dead peer and waits for traffic",
      "let the monitor's rekey bring it back",
    );
  }
  if (child.idleSeconds % 60 !== 0) {
    note(
      "vendor-idle",
      "ScreenOS counts idle time in minutes; the next one is used",
      "use a multiple of 60",
    );
  }
  if (ike.detection.kind === "heartbeat" && ike.detection.threshold !== HEARTBEAT_THRESHOLD) {
    note(
      "vendor-heartbeat",
      `the heartbeat's threshold (${ike.detection.threshold}) is not in the text`,
      `type it by hand: set ike gateway ... heartbeat threshold ${ike.detection.threshold}`,
    );
  }
  const starts = side.monitor?.rekey === true ? "start" : "trap";
  if (side.start !== starts) {
    note(
      "vendor-start",
      side.start === "start"
        ? "ScreenOS brings a tunnel up by itself only with a monitor that rekeys"
        : "ScreenOS begins when there is traffic, or when its monitor rekeys",
      "set the start mode to what the monitor makes of it",
    );
  }
  if (kind === "policy-based" && proxyId === undefined && selectors.length === 1) {
    const into = gateway.policies.some(
      ({ action, tunnel: into }) => action === "tunnel" && into === tunnel,
    );
    if (!into) {
      note(
        "vendor-policy-missing",
        "no policy of this gateway sends traffic into this policy-based tunnel",
        'add a policy with the action "tunnel", or bind the tunnel to an interface',
      );
    }
  }
}
