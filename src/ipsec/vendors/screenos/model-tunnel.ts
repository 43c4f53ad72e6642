/** One VPN with its gateway, as a tunnel of the model. */
import {
  parseEspName,
  parseIkeName,
  groupOfNumber,
  PROFILES,
  SCREENOS_IKE_SECONDS,
  SECURITY_LEVELS,
  type Binding,
  type ChildParameters,
  type Cipher,
  type EspProposal,
  type IkeIdentity,
  type IkeParameters,
  type IkeProposal,
  type Integrity,
  type PeerAddress,
  type Tunnel,
  type TunnelEnd,
} from "../../model/index.js";
import {
  FAR_OUTSIDE,
  FAR_TUNNEL,
  identityOf,
  plainRef,
  reachOf,
  similarNames,
} from "../importing/far-end.js";
import type { ImportedSecret } from "../importing/imported.js";
import type { Notebook } from "../importing/notebook.js";
import type { Assembly, GatheredGateway, GatheredVpn } from "./assembly.js";
import { zoneName } from "./assembly.js";
import { networksOf, type Surroundings } from "./model-networks.js";
import { HEARTBEAT_THRESHOLD } from "./render-vpn.js";
import type { ProposalStatement, RemoteEnd } from "./statement.js";
import { SCREENOS, SCREENOS_ESP_SECONDS } from "./words.js";

export interface TunnelParts {
  readonly vpn: GatheredVpn;
  readonly gateway: GatheredGateway | undefined;
  readonly assembly: Assembly;
  readonly surroundings: Surroundings;
  /** Name of this gateway in the model. */
  readonly local: string;
}

export interface BuiltTunnel {
  /** Its second end's gateway is still to be named. */
  readonly tunnel: Tunnel;
  readonly reach: PeerAddress;
  readonly identity: IkeIdentity | undefined;
  /** How this gateway is reached, as far as this tunnel tells. */
  readonly ownReach: PeerAddress | undefined;
}

const SSG = PROFILES["ssg"];
/** DPD of ScreenOS, unless told otherwise. */
const DPD_RETRIES = 5;

export function tunnelOf(
  parts: TunnelParts,
  notebook: Notebook,
  secrets: ImportedSecret[],
): BuiltTunnel | undefined {
  const { vpn, gateway, assembly, local } = parts;
  const { statement, line } = vpn;
  if (SSG === undefined) return undefined;
  if (gateway === undefined) {
    const similar = similarNames(statement.gateway, assembly.gateways.keys());
    const hint =
      similar.length === 0 ? "import its lines, too" : `did you mean ${similar.join(", ")}?`;
    const message = `there is no gateway "${statement.gateway}", so the VPN "${statement.name}" is no tunnel`;
    notebook.add("error", "unknown-name", line, message, hint);
    return undefined;
  }
  const ike = ikeParameters(gateway, assembly, notebook);
  const child = childParameters(vpn, assembly, notebook);
  if (ike === undefined || child === undefined) return undefined;
  const outgoing = gateway.statement.outgoing ?? "";
  const { remote } = gateway.statement;
  const binding = bindingOf(vpn);
  const routeBased = binding.kind === "interface";
  const networks = networksOf(vpn, binding, parts.surroundings);
  if (networks === undefined) {
    const message = `the networks of "${statement.name}" are left out: the text has too many of them`;
    notebook.add("error", "networks", line, message, "import fewer tunnels at once");
  }
  const { proxyId } = vpn;
  const first: TunnelEnd = {
    gateway: local,
    outgoingInterface: outgoing,
    ...(gateway.statement.localId !== undefined && {
      identity: identityOf(gateway.statement.localId),
    }),
    binding,
    networks: networks?.own ?? [],
    vteps: [],
    start: vpn.monitor?.rekey === true ? "start" : "trap",
    ...monitorOf(vpn),
    names: {
      gateway: gateway.statement.name,
      vpn: statement.name,
      ...(vpn.bind?.id !== undefined && { vpnId: vpn.bind.id }),
    },
  };
  const second: TunnelEnd = {
    gateway: "",
    outgoingInterface: FAR_OUTSIDE,
    binding: routeBased ? { kind: "interface", interface: FAR_TUNNEL } : { kind: "none" },
    networks: networks?.far ?? [],
    vteps: [],
    start: "trap",
    names: {},
  };
  const tunnel: Tunnel = {
    name: plainRef(statement.name),
    description: "",
    enabled: true,
    kind: routeBased ? "route-based" : "policy-based",
    profile: SSG.name,
    ends: [first, second],
    ike,
    child,
    authentication: {
      kind: "psk",
      secret: secretOf(gateway, plainRef(statement.name), notebook, secrets),
      scope: { kind: "peer" },
    },
    ...(proxyId !== undefined && {
      proxyId: { local: proxyId.local, remote: proxyId.remote, service: proxyId.service },
    }),
    ...(vpn.group !== undefined && {
      group: { name: String(vpn.group.id), weight: vpn.group.weight },
    }),
    failClosed: true,
    mtu: { path: 1500, clampMss: false },
    classicalFallback: false,
    optIns: [],
  };
  const identity =
    remote.kind === "static" && remote.id !== undefined ? identityOf(remote.id) : undefined;
  return { tunnel, reach: peerOf(remote), identity, ownReach: ownReach(outgoing, assembly) };
}

function ownReach(outgoing: string, assembly: Assembly): PeerAddress | undefined {
  const address = assembly.interfaces.get(outgoing)?.addresses[0]?.split("/")[0];
  return address === undefined ? undefined : { kind: "static", address };
}

function peerOf(remote: RemoteEnd): PeerAddress {
  if (remote.kind === "static") return reachOf(remote.address);
  return remote.kind === "dynamic"
    ? { kind: "dynamic", peerId: remote.id }
    : { kind: "dialup-user", user: remote.user };
}

function bindingOf({ bind }: GatheredVpn): Binding {
  if (bind === undefined) return { kind: "none" };
  return bind.to === "interface"
    ? { kind: "interface", interface: bind.target }
    : { kind: "zone", zone: zoneName(bind.target) };
}

function monitorOf({ monitor }: GatheredVpn): Pick<TunnelEnd, "monitor"> {
  if (monitor === undefined) return {};
  const { source, destination, optimized, rekey } = monitor;
  return {
    monitor: {
      ...(source !== undefined && { source }),
      ...(destination !== undefined && { destination }),
      optimized,
      rekey,
      intervalSeconds: 10,
      threshold: 10,
    },
  };
}

function secretOf(
  { statement, line }: GatheredGateway,
  tunnel: string,
  notebook: Notebook,
  secrets: ImportedSecret[],
): string {
  const { secret } = statement;
  if (secret?.kind === "named") {
    secrets.push({ name: secret.name, value: undefined, from: line.from });
    return secret.name;
  }
  const name = tunnel;
  const value = secret?.kind === "clear" ? secret.value : undefined;
  secrets.push({ name, value, from: line.from });
  if (value === undefined) {
    const message = `the pre-shared key is not shown; the tunnel refers to it as "${name}"`;
    notebook.add(
      "warning",
      "key-masked",
      line,
      message,
      `set it: evpnctl ipsec secrets set ${name}`,
    );
  } else {
    const message = `the pre-shared key stands in clear; the tunnel refers to it as "${name}"`;
    notebook.add(
      "warning",
      "key-in-clear",
      line,
      message,
      "replace the key at both ends: who has read the text knows it",
    );
  }
  return name;
}

function ikeParameters(
  { statement, line, details }: GatheredGateway,
  assembly: Assembly,
  notebook: Notebook,
): IkeParameters | undefined {
  if (SSG === undefined) return undefined;
  const { ikev2, mode, level } = statement;
  const names = level === undefined ? statement.proposals : SECURITY_LEVELS[level].ike;
  const proposals = names.flatMap(
    (name) => ikeProposal(name, assembly) ?? unknown(name, "phase-1", line, notebook),
  );
  if (proposals.length === 0) {
    return noProposal(`the gateway "${statement.name}"`, "pre-g2-aes128-sha", line, notebook);
  }
  let ike: IkeParameters = {
    ...SSG.ike,
    version: ikev2 ? 2 : 1,
    mode: mode ?? "main",
    proposals,
  };
  for (const detail of details) {
    const { nat } = ike;
    if (detail.kind === "nat-traversal") ike = { ...ike, nat: { ...nat, enabled: detail.on } };
    else if (detail.kind === "udp-checksum") ike = { ...ike, nat: { ...nat, udpChecksum: true } };
    else if (detail.kind === "keepalive") {
      ike = { ...ike, nat: { ...nat, keepaliveSeconds: detail.seconds } };
    }
  }
  return { ...ike, detection: detectionOf(details) };
}

function detectionOf(details: GatheredGateway["details"]): IkeParameters["detection"] {
  let [interval, retry, hello] = [0, DPD_RETRIES, 0];
  for (const detail of details) {
    if (detail.kind === "heartbeat") hello = detail.seconds;
    if (detail.kind !== "dpd") continue;
    interval = detail.interval ?? interval;
    retry = detail.retry ?? retry;
  }
  if (interval > 0) {
    const timeoutSeconds = interval * retry;
    return { kind: "dpd", delaySeconds: interval, timeoutSeconds, action: "clear" };
  }
  return hello > 0
    ? { kind: "heartbeat", helloSeconds: hello, threshold: HEARTBEAT_THRESHOLD }
    : { kind: "none" };
}

function childParameters(
  { statement, line }: GatheredVpn,
  assembly: Assembly,
  notebook: Notebook,
): ChildParameters | undefined {
  if (SSG === undefined) return undefined;
  const { replay, mode, idleTime, level } = statement;
  const names = level === undefined ? statement.proposals : SECURITY_LEVELS[level].esp;
  const proposals = names.flatMap(
    (name) => espProposal(name, assembly) ?? unknown(name, "phase-2", line, notebook),
  );
  if (proposals.length === 0) {
    return noProposal(`the VPN "${statement.name}"`, "g2-esp-aes128-sha", line, notebook);
  }
  const lives = names.map((name) => lifeOf(assembly.proposals.get(name)));
  const [life = lifeOf(undefined)] = lives;
  if (lives.some((one) => one.seconds !== life.seconds || one.kilobytes !== life.kilobytes)) {
    const message = `the proposals of "${statement.name}" have different lifetimes; the first one's is taken`;
    notebook.add("warning", "lifetimes", line, message, "give them one lifetime");
  }
  return {
    ...SSG.child,
    mode,
    proposals,
    lifetimeSeconds: life.seconds,
    lifetimeKilobytes: life.kilobytes,
    replayWindow: replay === true ? 64 : 0,
    idleSeconds: (idleTime ?? 0) * 60,
  };
}

function lifeOf(statement: ProposalStatement | undefined) {
  return {
    seconds: statement?.seconds ?? SCREENOS_ESP_SECONDS,
    kilobytes: statement?.kilobytes ?? 0,
  };
}

function unknown(name: string, phase: string, line: GatheredVpn["line"], notebook: Notebook): [] {
  const message = `the ${phase} proposal "${name}" is not known, and is left out`;
  notebook.add(
    "error",
    "proposal",
    line,
    message,
    "import its definition, too, or name one that ScreenOS has",
  );
  return [];
}

function noProposal(
  whose: string,
  example: string,
  line: GatheredVpn["line"],
  notebook: Notebook,
): undefined {
  const message = `${whose} has no proposal that can be read, so no tunnel comes of it`;
  notebook.add("error", "no-proposal", line, message, `name one, as in proposal "${example}"`);
  return undefined;
}

function ikeProposal(name: string, assembly: Assembly): IkeProposal | undefined {
  const custom = assembly.proposals.get(name);
  if (custom?.kind !== "p1-proposal") return parseIkeName(name);
  const group = custom.group === undefined ? undefined : groupOfNumber(custom.group);
  const encryption = keyOf<Cipher>(SCREENOS.ikeCiphers, custom.encryption);
  const integrity = keyOf<Integrity>(SCREENOS.integrities, custom.hash);
  if (group === undefined || encryption === undefined || integrity === undefined) return undefined;
  const authentication =
    custom.method === "rsa-sig" ? "rsa" : custom.method === "dsa-sig" ? "dsa" : "psk";
  return {
    authentication,
    encryption,
    integrity,
    prf: integrity,
    group,
    additional: [],
    lifetimeSeconds: custom.seconds ?? SCREENOS_IKE_SECONDS,
  };
}

function espProposal(name: string, assembly: Assembly): EspProposal | undefined {
  const custom = assembly.proposals.get(name);
  if (custom?.kind !== "p2-proposal") return parseEspName(name);
  const pfs = custom.group === undefined ? undefined : groupOfNumber(custom.group);
  const encryption = keyOf<Cipher>(SCREENOS.espCiphers, custom.encryption);
  const integrity =
    custom.hash === "null" ? undefined : keyOf<Integrity>(SCREENOS.integrities, custom.hash);
  if (encryption === undefined || (custom.group !== undefined && pfs === undefined))
    return undefined;
  if (integrity === undefined && custom.hash !== "null") return undefined;
  return { protocol: "esp", encryption, integrity, pfs, additional: [], esn: false };
}

function keyOf<K extends string>(
  table: Readonly<Partial<Record<K, string>>>,
  word: string,
): K | undefined {
  return (Object.keys(table) as K[]).find((key) => table[key] === word);
}
