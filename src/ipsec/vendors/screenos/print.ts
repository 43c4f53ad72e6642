/** A command as ScreenOS shows it: names in quotes, one line. */
import { withMask } from "../text/ipv4.js";
import { placeholder, type SecretWord } from "../text/placeholder.js";
import { quoted } from "../text/words.js";
import type {
  GatewayDetail,
  GatewayStatement,
  InterfaceDetail,
  PolicyDetail,
  PolicyStatement,
  ProposalStatement,
  RemoteEnd,
  SecurityLevel,
  Statement,
  VpnStatement,
} from "./statement.js";

export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case "interface":
      return interfaceLine(statement.name, statement.detail);
    case "gateway":
      return gatewayLine(statement);
    case "gateway-detail":
      return `set ike gateway ${quoted(statement.name)} ${gatewayDetail(statement.detail)}`;
    case "p1-proposal":
    case "p2-proposal":
      return proposalLine(statement);
    case "vpn":
      return vpnLine(statement);
    case "vpn-bind": {
      const id = statement.id === undefined ? "" : ` id ${statement.id}`;
      const target = statement.to === "zone" ? quoted(statement.target) : statement.target;
      return `set vpn ${quoted(statement.name)}${id} bind ${statement.to} ${target}`;
    }
    case "vpn-monitor":
      return joined([
        `set vpn ${quoted(statement.name)} monitor`,
        statement.source === undefined ? "" : `source-interface ${statement.source}`,
        statement.destination === undefined ? "" : `destination-ip ${statement.destination}`,
        statement.optimized ? "optimized" : "",
        statement.rekey ? "rekey" : "",
      ]);
    case "vpn-proxy-id":
      return (
        `set vpn ${quoted(statement.name)} proxy-id local-ip ${statement.local}` +
        ` remote-ip ${statement.remote} ${quoted(statement.service)}`
      );
    case "vpn-group":
      return `set vpn-group id ${statement.id} vpn ${quoted(statement.vpn)} weight ${statement.weight}`;
    case "address":
      return `set address ${quoted(statement.zone)} ${quoted(statement.name)} ${withMask(statement.prefix)}`;
    case "policy":
      return policyLine(statement);
    case "policy-context":
      return `set policy id ${statement.id}`;
    case "policy-detail":
      return policyDetail(statement.id, statement.detail);
    case "route":
      return joined([
        `set route ${statement.prefix}`,
        statement.interface === undefined ? "" : `interface ${statement.interface}`,
        statement.gateway === undefined ? "" : `gateway ${statement.gateway}`,
      ]);
    case "exit":
      return "exit";
  }
}

function interfaceLine(name: string, detail: InterfaceDetail): string {
  switch (detail.kind) {
    case "zone":
      return `set interface ${quoted(name)} zone ${quoted(detail.zone)}`;
    case "address":
      return `set interface ${name} ip ${detail.address}`;
    case "unnumbered":
      return `set interface ${name} ip unnumbered interface ${detail.lender}`;
    case "manageable":
      return `set interface ${name} ip manageable`;
    case "mode":
      return `set interface ${name} ${detail.mode}`;
    case "mtu":
      return `set interface ${name} mtu ${detail.mtu}`;
    case "bandwidth":
      return (
        `set interface ${name} bandwidth egress gbw ${detail.egressGuaranteed} mbw ${detail.egressMax}` +
        ` ingress mbw ${detail.ingressMax}`
      );
    case "dns-proxy":
      return `set interface ${name} proxy dns`;
    case "nhrp":
      return `set interface ${name} protocol nhrp enable`;
  }
}

function gatewayLine(statement: GatewayStatement): string {
  const { name, remote, mode, localId, outgoing, secret, ikev2 } = statement;
  return joined([
    `set ike gateway ${ikev2 ? "ikev2 " : ""}${quoted(name)} ${remoteText(remote)}`,
    mode === undefined ? "" : mode === "main" ? "Main" : "Aggressive",
    localId === undefined ? "" : `local-id ${quoted(localId)}`,
    outgoing === undefined ? "" : `outgoing-interface ${quoted(outgoing)}`,
    secret === undefined ? "" : `preshare ${quoted(secretText(secret))}`,
    proposalText(statement.proposals, statement.level),
  ]);
}

function remoteText(remote: RemoteEnd): string {
  if (remote.kind === "dynamic") return `dynamic ${quoted(remote.id)}`;
  if (remote.kind === "dialup") return `dialup ${quoted(remote.user)}`;
  return `address ${remote.address}${remote.id === undefined ? "" : ` id ${quoted(remote.id)}`}`;
}

/** Never the key itself, whatever was read. */
function secretText(secret: SecretWord): string {
  return secret.kind === "named" ? placeholder(secret.name, secret.fingerprint) : "*****";
}

function proposalText(names: readonly string[], level: SecurityLevel | undefined): string {
  if (level !== undefined) return `sec-level ${level}`;
  return names.length === 0 ? "" : `proposal ${names.map(quoted).join(" ")}`;
}

function gatewayDetail(detail: GatewayDetail): string {
  switch (detail.kind) {
    case "nat-traversal":
      return "nat-traversal";
    case "udp-checksum":
      return "nat-traversal udp-checksum";
    case "keepalive":
      return `nat-traversal keepalive-frequency ${detail.seconds}`;
    case "heartbeat":
      return `heartbeat hello ${detail.seconds}`;
    case "dpd":
      return detail.interval === undefined
        ? `dpd retry ${detail.retry ?? 0}`
        : `dpd interval ${detail.interval}`;
  }
}

function proposalLine(statement: ProposalStatement): string {
  const { kind, name, method, group, encryption, hash, seconds, kilobytes } = statement;
  return joined([
    `set ike ${kind} ${quoted(name)}`,
    method ?? "",
    group === undefined ? "no-pfs" : `group${group}`,
    `esp ${encryption} ${hash}`,
    seconds === undefined ? "" : `second ${seconds}`,
    kilobytes === undefined ? "" : `kbyte ${kilobytes}`,
  ]);
}

function vpnLine(statement: VpnStatement): string {
  const { name, gateway, replay, mode, idleTime } = statement;
  return joined([
    `set vpn ${quoted(name)} gateway ${quoted(gateway)}`,
    replay === undefined ? "" : replay ? "replay" : "no-replay",
    mode,
    idleTime === undefined ? "" : `idletime ${idleTime}`,
    proposalText(statement.proposals, statement.level),
  ]);
}

function policyLine(statement: PolicyStatement): string {
  const { id, name, from, to, source, destination, service, action, vpn, log } = statement;
  return joined([
    "set policy",
    id === undefined ? "" : `id ${id}`,
    name === undefined ? "" : `name ${quoted(name)}`,
    `from ${quoted(from)} to ${quoted(to)}`,
    [source, destination, service].map(quoted).join(" "),
    vpn === undefined ? action : `${action} vpn ${quoted(vpn)}`,
    log ? "log" : "",
  ]);
}

function policyDetail(id: number | undefined, detail: PolicyDetail): string {
  const words = "name" in detail ? `${detail.kind} ${quoted(detail.name)}` : detail.kind;
  return id === undefined ? `set ${words}` : `set policy id ${id} ${words}`;
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join(" ");
}
