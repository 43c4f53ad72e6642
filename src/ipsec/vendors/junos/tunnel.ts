/** `set security ike …` and `set security ipsec …` of one tunnel. */
import { cipherRow, isAnyToAny, type IkeIdentity, type TunnelSide } from "../../model/index.js";
import { plainName, type RenderReport } from "../rendering.js";
import { quoted } from "../text/words.js";
import { ESP_INTEGRITIES, JUNOS } from "./words.js";

/** `tunnel.1` becomes st0.1; another interface gets a unit by its place. */
export function unitOf({ binding }: TunnelSide, index: number): string {
  const name = binding.kind === "interface" ? binding.interface : "";
  if (/^st0\.\d+$/.test(name)) return name;
  return `st0.${/(\d{1,4})$/.exec(name)?.[1] ?? String(index)}`;
}

export function tunnelLines(side: TunnelSide, unit: string, report: RenderReport): string[] {
  const name = plainName(side.names.vpn ?? side.tunnel, 30);
  const gateway = plainName(side.names.gateway ?? `To_${side.remote.name}`, 30);
  return [
    ...ikeProposalLines(side, name),
    ...ikePolicyLines(side, name, report),
    ...gatewayLines(side, gateway, name, report),
    ...espProposalLines(side, name),
    ...ipsecPolicyLines(side, name, report),
    ...vpnLines(side, gateway, name, unit, report),
  ];
}

function ikeProposalLines({ ike }: TunnelSide, name: string): string[] {
  return ike.proposals.flatMap((proposal, index) => {
    const base = `set security ike proposal ${name}-${index + 1}`;
    const { authentication, encryption, integrity, group, lifetimeSeconds } = proposal;
    const method = authentication === "psk" ? "pre-shared-keys" : "certificates";
    return [
      `${base} authentication-method ${method === "certificates" && authentication === "rsa" ? "rsa-signatures" : method}`,
      `${base} dh-group ${JUNOS.groups[group] ?? ""}`,
      ...(integrity === undefined
        ? []
        : [`${base} authentication-algorithm ${JUNOS.integrities[integrity] ?? ""}`]),
      `${base} encryption-algorithm ${JUNOS.ikeCiphers[encryption] ?? ""}`,
      `${base} lifetime-seconds ${lifetimeSeconds}`,
    ];
  });
}

function ikePolicyLines(
  { ike, authentication }: TunnelSide,
  name: string,
  report: RenderReport,
): string[] {
  const base = `set security ike policy ${name}`;
  const lines = ike.version === 1 ? [`${base} mode ${ike.mode}`] : [];
  lines.push(...ike.proposals.map((_, index) => `${base} proposals ${name}-${index + 1}`));
  if (ike.version === 2 && ike.reauthSeconds > 0) {
    lines.push(`${base} reauth-frequency 1`);
    report.byHand(
      "Junos counts rekeyings between two authentications (reauth-frequency), not seconds: adjust it.",
    );
  }
  if (authentication.kind === "psk") {
    lines.push(`${base} pre-shared-key ascii-text ${quoted(report.secret(authentication.secret))}`);
  } else {
    const certificate = plainName(authentication.own.certificate, 30);
    lines.push(`${base} certificate local-certificate ${certificate}`);
    report.byHand(
      `Load the certificate "${authentication.own.certificate}" with its key as local-certificate ${certificate}.`,
    );
    for (const authority of authentication.authorities) {
      const profile = plainName(authority, 30);
      lines.push(`${base} certificate trusted-ca ca-profile ${profile}`);
      report.byHand(`Load the authority's certificate "${authority}" as ca-profile ${profile}.`);
    }
  }
  return lines;
}

function gatewayLines(
  side: TunnelSide,
  gateway: string,
  name: string,
  report: RenderReport,
): string[] {
  const { ike, local, remote, outgoingInterface, authentication } = side;
  const base = `set security ike gateway ${gateway}`;
  const lines = [`${base} ike-policy ${name}`];
  switch (remote.reach.kind) {
    case "static":
      lines.push(`${base} address ${remote.reach.address}`);
      break;
    case "host":
      lines.push(`${base} address ${remote.reach.name}`);
      break;
    case "dynamic":
      lines.push(`${base} dynamic hostname ${remote.reach.peerId}`);
      break;
    default:
      lines.push(`${base} dynamic user-at-hostname ${quoted(remote.identity.value)}`);
      lines.push(
        `${base} dynamic ike-user-type ${remote.reach.kind === "dialup-group" ? "group-ike-id" : "shared-ike-id"}`,
      );
  }
  if (ike.detection.kind === "dpd") {
    const { delaySeconds, timeoutSeconds } = ike.detection;
    const threshold = Math.min(
      5,
      Math.max(1, Math.round(timeoutSeconds / Math.max(1, delaySeconds))),
    );
    const interval = Math.max(2, Math.min(60, delaySeconds));
    lines.push(`${base} dead-peer-detection interval ${interval}`);
    lines.push(`${base} dead-peer-detection threshold ${threshold}`);
    if (interval !== delaySeconds || interval * threshold !== timeoutSeconds) {
      const message = `Junos notices a dead peer after ${interval * threshold} s, not ${timeoutSeconds} s`;
      report.warn(
        side.tunnel,
        "vendor-detection",
        message,
        "use 2 to 60 s, and at most five times that",
      );
    }
  }
  if (!ike.nat.enabled) lines.push(`${base} no-nat-traversal`);
  else if (ike.nat.keepaliveSeconds > 0)
    lines.push(`${base} nat-keepalive ${ike.nat.keepaliveSeconds}`);
  if (local.identity.kind !== "address" || !isOwn(local)) {
    lines.push(`${base} local-identity ${identity(local.identity)}`);
  }
  if (remote.reach.kind === "static" && !isOwn(remote)) {
    lines.push(`${base} remote-identity ${identity(remote.identity)}`);
  }
  lines.push(
    `${base} external-interface ${/\.\d+$/.test(outgoingInterface) ? outgoingInterface : `${outgoingInterface}.0`}`,
  );
  if (local.reach.kind === "static") lines.push(`${base} local-address ${local.reach.address}`);
  lines.push(`${base} version v${ike.version}-only`);
  if (!ike.fragmentation && ike.version === 2) lines.push(`${base} fragmentation disable`);
  if (authentication.ppk !== undefined) {
    const profile = plainName(authentication.ppk.id, 30);
    lines.push(`${base} ppk-profile ${profile}`);
    lines.push(
      `set security key-manager profiles ${profile} static key-id ascii-text ${quoted(authentication.ppk.id)}`,
    );
    lines.push(
      `set security key-manager profiles ${profile} static key ascii-text ${quoted(report.secret(authentication.ppk.secret))}`,
    );
  }
  return lines;
}

function isOwn({ reach, identity: { kind, value } }: TunnelSide["local"]): boolean {
  return reach.kind === "static" && kind === "address" && value === reach.address;
}

function identity({ kind, value }: IkeIdentity): string {
  switch (kind) {
    case "address":
      return `${value.includes(":") ? "inet6" : "inet"} ${value}`;
    case "fqdn":
      return `hostname ${value}`;
    case "email":
      return `user-at-hostname ${quoted(value)}`;
    case "key-id":
      return `key-id ${quoted(value)}`;
    case "dn":
      return "distinguished-name";
  }
}

function espProposalLines({ child }: TunnelSide, name: string): string[] {
  return child.proposals.flatMap((proposal, index) => {
    const base = `set security ipsec proposal ${name}-${index + 1}`;
    const { encryption, integrity, esn } = proposal;
    const cipher = JUNOS.espCiphers[encryption] ?? "";
    return [
      `${base} protocol esp`,
      ...(integrity === undefined || cipherRow(encryption).aead
        ? []
        : [`${base} authentication-algorithm ${ESP_INTEGRITIES[integrity] ?? ""}`]),
      ...(cipher === "" ? [] : [`${base} encryption-algorithm ${cipher}`]),
      `${base} lifetime-seconds ${child.lifetimeSeconds}`,
      ...(child.lifetimeKilobytes === 0
        ? []
        : [`${base} lifetime-kilobytes ${child.lifetimeKilobytes}`]),
      ...(esn ? [`${base} extended-sequence-number`] : []),
    ];
  });
}

function ipsecPolicyLines(
  { child, tunnel }: TunnelSide,
  name: string,
  report: RenderReport,
): string[] {
  const base = `set security ipsec policy ${name}`;
  const groups = new Set(child.proposals.map(({ pfs }) => pfs));
  const [pfs] = groups;
  if (groups.size > 1) {
    const message = "Junos has one group for perfect forward secrecy; the first proposal's is used";
    report.warn(tunnel, "vendor-pfs", message, "give the phase 2 proposals one group");
  }
  return [
    ...(pfs === undefined
      ? []
      : [`${base} perfect-forward-secrecy keys ${JUNOS.groups[pfs] ?? ""}`]),
    ...child.proposals.map((_, index) => `${base} proposals ${name}-${index + 1}`),
  ];
}

function vpnLines(
  side: TunnelSide,
  gateway: string,
  name: string,
  unit: string,
  report: RenderReport,
): string[] {
  const { child, monitor, proxyId, selectors, start } = side;
  const base = `set security ipsec vpn ${name}`;
  const lines = [
    `${base} bind-interface ${unit}`,
    `${base} df-bit ${child.df}`,
    `${base} ike gateway ${gateway}`,
    `${base} ike ipsec-policy ${name}`,
  ];
  if (child.replayWindow === 0) lines.push(`${base} ike no-anti-replay`);
  else
    lines.push(
      `${base} ike anti-replay-window-size ${Math.min(8192, Math.max(64, child.replayWindow))}`,
    );
  if (child.idleSeconds > 0) lines.push(`${base} ike idle-time ${Math.max(60, child.idleSeconds)}`);
  if (proxyId !== undefined) {
    lines.push(`${base} ike proxy-identity local ${proxyId.local}`);
    lines.push(`${base} ike proxy-identity remote ${proxyId.remote}`);
    lines.push(`${base} ike proxy-identity service ${proxyId.service.toLowerCase()}`);
  } else if (!selectors.every(isAnyToAny)) {
    for (const [index, { local, remote }] of selectors.entries()) {
      lines.push(`${base} traffic-selector ts-${index + 1} local-ip ${local}`);
      lines.push(`${base} traffic-selector ts-${index + 1} remote-ip ${remote}`);
    }
  }
  if (monitor !== undefined) {
    lines.push(`${base} vpn-monitor${monitor.optimized ? " optimized" : ""}`);
    if (monitor.source !== undefined)
      lines.push(`${base} vpn-monitor source-interface ${monitor.source}`);
    if (monitor.destination !== undefined) {
      lines.push(`${base} vpn-monitor destination-ip ${monitor.destination}`);
    }
    if (monitor.intervalSeconds !== 10 || monitor.threshold !== 10) {
      report.byHand(
        `The monitor's interval and threshold are the gateway's, not a tunnel's: set security ipsec vpn-monitor-options interval ${monitor.intervalSeconds} threshold ${monitor.threshold}.`,
      );
    }
  }
  const when = { start: "immediately", trap: "on-traffic", respond: "responder-only" }[start];
  lines.push(`${base} establish-tunnels ${when}`);
  return lines;
}
