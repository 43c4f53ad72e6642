/** A command as PIX OS shows it. */
import { withMask } from "../text/ipv4.js";
import { placeholder, type SecretWord } from "../text/placeholder.js";
import type { MapDetail, PolicyDetail, Statement } from "./statement.js";

export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case "nameif":
      return `nameif ${statement.hardware} ${statement.name} security${statement.level}`;
    case "hostname":
      return `hostname ${statement.name}`;
    case "access-list": {
      const { list, action, protocol, source, destination } = statement;
      return `access-list ${list} ${action} ${protocol} ${side(source)} ${side(destination)}`;
    }
    case "mtu":
      return `mtu ${statement.interface} ${statement.mtu}`;
    case "address":
      return `ip address ${statement.interface} ${withMask(statement.address)}`;
    case "global":
      return `global (${statement.interface}) ${statement.pool} ${statement.to}`;
    case "nat-exempt":
      return `nat (${statement.interface}) 0 access-list ${statement.list}`;
    case "nat":
      return `nat (${statement.interface}) ${statement.pool} ${withMask(statement.network)} 0 0`;
    case "route": {
      const { interface: name, prefix, gateway, metric } = statement;
      return `route ${name} ${withMask(prefix)} ${gateway} ${metric}`;
    }
    case "permit-ipsec":
      return "sysopt connection permit-ipsec";
    case "transform-set":
      return `crypto ipsec transform-set ${statement.name} ${statement.transforms}`;
    case "transform-mode":
      return `crypto ipsec transform-set ${statement.name} mode transport`;
    case "ipsec-lifetime":
      return `crypto ipsec security-association lifetime ${lifetime(statement)}`;
    case "map":
      return `crypto map ${statement.map} ${statement.sequence} ${mapDetail(statement.detail)}`;
    case "map-interface":
      return `crypto map ${statement.map} interface ${statement.interface}`;
    case "isakmp-enable":
      return `isakmp enable ${statement.interface}`;
    case "isakmp-key":
      return `isakmp key ${secretText(statement.secret)} address ${statement.peer} netmask ${statement.mask}`;
    case "isakmp-identity":
      return `isakmp identity ${statement.identity}`;
    case "isakmp-keepalive":
      return `isakmp keepalive ${statement.seconds}${statement.retry === undefined ? "" : ` ${statement.retry}`}`;
    case "isakmp-nat-traversal":
      return `isakmp nat-traversal${statement.seconds === undefined ? "" : ` ${statement.seconds}`}`;
    case "isakmp-policy":
      return `isakmp policy ${statement.number} ${policyDetail(statement.detail)}`;
  }
}

function side(prefix: string): string {
  if (prefix === "0.0.0.0/0") return "any";
  return prefix.endsWith("/32") ? `host ${prefix.slice(0, -3)}` : withMask(prefix);
}

function lifetime({
  seconds,
  kilobytes,
}: {
  readonly seconds: number | undefined;
  readonly kilobytes: number | undefined;
}): string {
  const parts = [];
  if (seconds !== undefined) parts.push(`seconds ${seconds}`);
  if (kilobytes !== undefined) parts.push(`kilobytes ${kilobytes}`);
  return parts.join(" ");
}

function mapDetail(detail: MapDetail): string {
  switch (detail.kind) {
    case "type":
      return detail.type;
    case "match":
      return `match address ${detail.list}`;
    case "peer":
      return `set peer ${detail.peer}`;
    case "transform-set":
      return `set transform-set ${detail.names.join(" ")}`;
    case "pfs":
      return `set pfs group${detail.group}`;
    case "lifetime":
      return `set security-association lifetime ${lifetime(detail)}`;
  }
}

/** Never the key itself, whatever was read. */
function secretText(secret: SecretWord): string {
  return secret.kind === "named" ? placeholder(secret.name, secret.fingerprint) : "*****";
}

function policyDetail(detail: PolicyDetail): string {
  switch (detail.kind) {
    case "authentication":
      return `authentication ${detail.method}`;
    case "encryption":
      return `encryption ${detail.cipher}`;
    case "hash":
      return `hash ${detail.hash}`;
    case "group":
      return `group ${detail.group}`;
    case "lifetime":
      return `lifetime ${detail.seconds}`;
  }
}
