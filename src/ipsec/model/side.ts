/**
 * One end's view of a tunnel: all that its gateway is to be told, with nothing to look up elsewhere.
 * Renderers, the live driver and the comparison take sides; importers make them. `sideOf` derives one from
 * the definition, so that each side is the other's mirror unless an override says otherwise.
 */
import type { Authentication, EndCertificate, KeyScope, PostQuantumKey } from "./authentication.js";
import type { Gateway, IkeIdentity, PeerAddress, Vendor } from "./gateway.js";
import { proposalsFor } from "./hybrid.js";
import { gatewayNamed, type IpsecModel } from "./model.js";
import type {
  BackupOf,
  Binding,
  ChildParameters,
  EndNames,
  IkeParameters,
  MtuSettings,
  ProxyId,
  Selector,
  StartMode,
  Tunnel,
  TunnelKind,
  TunnelMonitor,
} from "./tunnel.js";

export type EndIndex = 0 | 1;

export interface SideGateway {
  readonly name: string;
  readonly vendor: Vendor;
  readonly reach: PeerAddress;
  readonly identity: IkeIdentity;
}

export type SideAuthentication =
  | {
      readonly kind: "psk";
      readonly secret: string;
      readonly scope: KeyScope;
      readonly ppk?: PostQuantumKey | undefined;
    }
  | {
      readonly kind: "certificate";
      readonly own: EndCertificate;
      /** Of the peer, to pin it; undefined = what an authority signed will do. */
      readonly peerCertificate?: string | undefined;
      readonly authorities: readonly string[];
      readonly ppk?: PostQuantumKey | undefined;
    };

export interface TunnelSide {
  readonly tunnel: string;
  readonly end: EndIndex;
  readonly kind: TunnelKind;
  readonly enabled: boolean;
  readonly local: SideGateway;
  readonly remote: SideGateway;
  readonly outgoingInterface: string;
  readonly binding: Binding;
  readonly ike: IkeParameters;
  readonly child: ChildParameters;
  readonly authentication: SideAuthentication;
  /** What is proposed for the SAs, local first; any to any is one selector of two `0.0.0.0/0`. */
  readonly selectors: readonly Selector[];
  /** Undefined = off. */
  readonly proxyId?: ProxyId | undefined;
  readonly localNetworks: readonly string[];
  readonly remoteNetworks: readonly string[];
  readonly localVteps: readonly string[];
  readonly remoteVteps: readonly string[];
  readonly start: StartMode;
  readonly monitor?: TunnelMonitor | undefined;
  readonly group?: { readonly name: string; readonly weight: number } | undefined;
  readonly backupOf?: BackupOf | undefined;
  readonly failClosed: boolean;
  readonly mtu: MtuSettings;
  readonly names: EndNames;
}

const ANY_V4 = "0.0.0.0/0";
const ANY_V6 = "::/0";

/** Undefined when a gateway of the tunnel is not in the model: the check says so. */
export function sideOf(model: IpsecModel, tunnel: Tunnel, end: EndIndex): TunnelSide | undefined {
  const own = tunnel.ends[end];
  const far = tunnel.ends[end === 0 ? 1 : 0];
  const local = gatewayNamed(model, own.gateway);
  const remote = gatewayNamed(model, far.gateway);
  if (local === undefined || remote === undefined) return undefined;
  return sideBetween(tunnel, end, local, remote);
}

/** The same where the gateways are at hand, for many tunnels of a large model. */
export function sideBetween(
  tunnel: Tunnel,
  end: EndIndex,
  local: Gateway,
  remote: Gateway,
): TunnelSide {
  const own = tunnel.ends[end];
  const far = tunnel.ends[end === 0 ? 1 : 0];
  const { override } = own;
  const ike = { ...tunnel.ike, ...override?.ike };
  const child = { ...tunnel.child, ...override?.child };
  const fallback = tunnel.classicalFallback;
  return {
    tunnel: tunnel.name,
    end,
    kind: tunnel.kind,
    enabled: tunnel.enabled,
    local: sideGateway(local, own.identity),
    remote: sideGateway(remote, far.identity),
    outgoingInterface: own.outgoingInterface,
    binding: own.binding,
    ike: { ...ike, proposals: proposalsFor(ike.proposals, local, fallback) },
    child: { ...child, proposals: proposalsFor(child.proposals, local, fallback) },
    authentication: sideAuthentication(tunnel.authentication, end, override?.secret),
    selectors: override?.selectors ?? selectorsOf(tunnel, end),
    proxyId: end === 0 ? tunnel.proxyId : mirrorProxyId(tunnel.proxyId),
    localNetworks: own.networks,
    remoteNetworks: far.networks,
    localVteps: own.vteps,
    remoteVteps: far.vteps,
    start: own.start,
    monitor: own.monitor,
    group: tunnel.group,
    backupOf: tunnel.backupOf,
    failClosed: tunnel.failClosed,
    mtu: tunnel.mtu,
    names: own.names,
  };
}

/** Selectors of the definition as one end has them, overrides apart. */
export function selectorsOf(tunnel: Tunnel, end: EndIndex): readonly Selector[] {
  const first = definedSelectors(tunnel);
  return end === 0 ? first : first.map(mirrorSelector);
}

function definedSelectors(tunnel: Tunnel): readonly Selector[] {
  if (tunnel.selectors !== undefined) return tunnel.selectors;
  const { proxyId } = tunnel;
  if (proxyId !== undefined) return [anyPort(proxyId.local, proxyId.remote)];
  const [first, second] = tunnel.ends;
  if (tunnel.kind === "route-based") return anyToAny(tunnel);
  return first.networks.flatMap((local) =>
    second.networks
      .filter((remote) => isSix(remote) === isSix(local))
      .map((remote) => anyPort(local, remote)),
  );
}

/** Both families where networks of both are told, else IPv4's alone, or IPv6's. */
function anyToAny({ ends }: Tunnel): readonly Selector[] {
  const networks = ends.flatMap(({ networks: own, vteps }) => [...own, ...vteps]);
  const six = networks.some(isSix);
  const four = !six || networks.some((network) => !isSix(network));
  return [...(four ? [anyPort(ANY_V4, ANY_V4)] : []), ...(six ? [anyPort(ANY_V6, ANY_V6)] : [])];
}

export function anyPort(local: string, remote: string): Selector {
  return { local, remote, protocol: 0, localPort: 0, remotePort: 0 };
}

/** As the other side has it. */
export function mirrorSelector(selector: Selector): Selector {
  return {
    local: selector.remote,
    remote: selector.local,
    protocol: selector.protocol,
    localPort: selector.remotePort,
    remotePort: selector.localPort,
  };
}

export function isAnyToAny({ local, remote, protocol }: Selector): boolean {
  const any = (network: string): boolean => network === ANY_V4 || network === ANY_V6;
  return any(local) && any(remote) && protocol === 0;
}

function mirrorProxyId(proxyId: ProxyId | undefined): ProxyId | undefined {
  if (proxyId === undefined) return undefined;
  return { local: proxyId.remote, remote: proxyId.local, service: proxyId.service };
}

function sideGateway(gateway: Gateway, identity: IkeIdentity | undefined): SideGateway {
  const { name, vendor, reach } = gateway;
  return { name, vendor, reach, identity: identity ?? gateway.identity ?? ownIdentity(reach) };
}

/** With a static address, that is who it is. */
function ownIdentity(reach: PeerAddress): IkeIdentity {
  switch (reach.kind) {
    case "static":
      return { kind: "address", value: reach.address };
    case "host":
      return { kind: "fqdn", value: reach.name };
    case "dynamic":
      return { kind: "fqdn", value: reach.peerId };
    case "dialup-user":
      return { kind: "email", value: reach.user };
    case "dialup-group":
      return { kind: "key-id", value: reach.group };
  }
}

function sideAuthentication(
  authentication: Authentication,
  end: EndIndex,
  secret: string | undefined,
): SideAuthentication {
  if (authentication.kind === "psk") {
    return secret === undefined ? authentication : { ...authentication, secret };
  }
  const { ends, authorities, ppk } = authentication;
  const peer = ends[end === 0 ? 1 : 0];
  return {
    kind: "certificate",
    own: ends[end],
    // Without an authority the certificate itself is what is trusted.
    peerCertificate: authorities.length === 0 ? peer.certificate : undefined,
    authorities,
    ppk,
  };
}

function isSix(network: string): boolean {
  return network.includes(":");
}
