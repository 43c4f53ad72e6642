/**
 * An imported model as the `ipsec` block of a configuration file: what the profile and the defaults say anyway is
 * left out. Loading the block gives the model again.
 */
import { isDeepStrictEqual } from "node:util";
import {
  ANY,
  formatEspName,
  formatEspProposal,
  formatIkeName,
  formatIkeSuite,
  NO_BANDWIDTH,
  PROFILES,
  type ChildParameters,
  type Gateway,
  type GatewayInterface,
  type IkeIdentity,
  type IkeParameters,
  type IpsecModel,
  type PeerAddress,
  type Policy,
  type Tunnel,
  type TunnelEnd,
} from "../model/index.js";

export type Block = Readonly<Record<string, unknown>>;

export function configurationOf({ gateways, tunnels }: IpsecModel): Block {
  const sites = [...new Set(gateways.map(({ site }) => site))];
  return {
    sites: sites.map((name) => ({
      name,
      gateways: gateways.filter(({ site }) => site === name).map(gatewayBlock),
    })),
    tunnels: tunnels.map(tunnelBlock),
  };
}

function gatewayBlock(gateway: Gateway): Block {
  const { nat, objects } = gateway;
  return brief({
    name: gateway.name,
    vendor: gateway.vendor,
    version: gateway.version,
    description: gateway.description,
    "host-name": gateway.hostName,
    ...reachBlock(gateway.reach),
    identity: identityText(gateway.identity),
    zones: gateway.zones,
    interfaces: gateway.interfaces.map(interfaceBlock),
    "address-book": gateway.addressBook,
    policies: gateway.policies.map(policyBlock),
    nat: brief({
      exempt: nat.exemptions,
      overload: nat.overloads,
    }),
    routes: gateway.routes.map(({ prefix, nextHop, interface: through }) =>
      brief({ prefix, "next-hop": nextHop, interface: through }),
    ),
    "permit-ipsec": gateway.permitIpsec ? true : undefined,
    "ike-interfaces": gateway.ikeInterfaces,
    objects,
  });
}

function reachBlock(reach: PeerAddress): Block {
  switch (reach.kind) {
    case "static":
      return { address: reach.address };
    case "host":
      return { host: reach.name };
    case "dynamic":
      return { "dynamic-id": reach.peerId };
    case "dialup-user":
      return { "dialup-user": reach.user };
    case "dialup-group":
      return { "dialup-group": reach.group };
  }
}

function identityText(identity: IkeIdentity | undefined): string | undefined {
  return identity && `${identity.kind}:${identity.value}`;
}

function interfaceBlock(one: GatewayInterface): Block {
  const { bandwidth } = one;
  const limit = (value: number, none: number) => (value === none ? undefined : value);
  return brief({
    name: one.name,
    zone: one.zone,
    type: one.type === "layer3" ? undefined : one.type,
    addresses: one.addresses,
    unnumbered: one.unnumbered,
    mode: one.mode === "route" ? undefined : one.mode,
    manageable: one.manageable ? true : undefined,
    mtu: one.mtu === 1500 ? undefined : one.mtu,
    "egress-maximum": limit(bandwidth.egressMaximum, NO_BANDWIDTH.egressMaximum),
    "egress-guaranteed": limit(bandwidth.egressGuaranteed, NO_BANDWIDTH.egressGuaranteed),
    "ingress-maximum": limit(bandwidth.ingressMaximum, NO_BANDWIDTH.ingressMaximum),
    "dns-proxy": one.dnsProxy ? true : undefined,
    nhrp: one.nhrp ? true : undefined,
  });
}

function policyBlock(policy: Policy): Block {
  const names = (list: readonly string[]) =>
    list.length === 1 && (list[0] === ANY || list[0] === "ANY") ? undefined : list;
  return brief({
    id: policy.id,
    name: policy.name,
    from: policy.from,
    to: policy.to,
    source: names(policy.sources),
    destination: names(policy.destinations),
    service: names(policy.services),
    action: policy.action,
    tunnel: policy.tunnel,
    log: policy.log ? true : undefined,
    enabled: policy.enabled ? undefined : false,
  });
}

function tunnelBlock(tunnel: Tunnel): Block {
  const { authentication, profile } = tunnel;
  const base = PROFILES[profile];
  const scope = authentication.kind === "psk" ? authentication.scope : undefined;
  return brief({
    name: tunnel.name,
    description: tunnel.description,
    enabled: tunnel.enabled ? undefined : false,
    profile,
    kind: tunnel.kind === base?.kind ? undefined : tunnel.kind,
    psk: authentication.kind === "psk" ? authentication.secret : undefined,
    "psk-prefix": scope?.kind === "prefix" ? scope.prefix : undefined,
    "psk-group": scope?.kind === "group" ? scope.name : undefined,
    ends: tunnel.ends.map(endBlock),
    ike: ikeBlock(tunnel.ike, base?.ike),
    esp: espBlock(tunnel.child, base?.child),
    selectors: tunnel.selectors?.map((one) =>
      brief({
        local: one.local,
        remote: one.remote,
        protocol: one.protocol === 0 ? undefined : one.protocol,
        "local-port": one.localPort === 0 ? undefined : one.localPort,
        "remote-port": one.remotePort === 0 ? undefined : one.remotePort,
      }),
    ),
    "proxy-id": tunnel.proxyId,
    "vpn-group": tunnel.group,
    "fail-closed": tunnel.failClosed ? undefined : false,
    "path-mtu": tunnel.mtu.path === 1500 ? undefined : tunnel.mtu.path,
    "clamp-mss": tunnel.mtu.clampMss ? undefined : false,
    "opt-ins": tunnel.optIns.map((one) => brief({ ...one })),
  });
}

function endBlock(end: TunnelEnd): Block {
  const { binding, monitor, names } = end;
  return brief({
    gateway: end.gateway,
    interface: end.outgoingInterface,
    bind: binding.kind === "interface" ? binding.interface : undefined,
    "bind-zone": binding.kind === "zone" ? binding.zone : undefined,
    identity: identityText(end.identity),
    networks: end.networks,
    vteps: end.vteps,
    start: end.start === "trap" ? undefined : end.start,
    monitor: monitor && {
      ...brief({ source: monitor.source, destination: monitor.destination }),
      optimized: monitor.optimized,
      rekey: monitor.rekey,
      interval: monitor.intervalSeconds,
      threshold: monitor.threshold,
    },
    names: brief({
      gateway: names.gateway,
      vpn: names.vpn,
      "vpn-id": names.vpnId,
      "crypto-map": names.cryptoMap,
      sequence: names.sequence,
      "access-list": names.accessList,
      "transform-set": names.transformSet,
    }),
  });
}

function ikeBlock(ike: IkeParameters, base: IkeParameters | undefined): Block | undefined {
  const { detection, nat } = ike;
  const block = brief({
    version: ike.version === base?.version ? undefined : ike.version,
    mode: ike.mode === base?.mode ? undefined : ike.mode,
    proposals: same(ike.proposals, base?.proposals)
      ? undefined
      : ike.proposals.map((one) =>
          brief({
            number: one.number,
            proposal: formatIkeName(one) ?? formatIkeSuite(one),
            lifetime: one.lifetimeSeconds,
          }),
        ),
    detection: same(detection, base?.detection) ? undefined : detectionBlock(detection),
    "nat-traversal": same(nat, base?.nat)
      ? undefined
      : {
          enabled: nat.enabled,
          "udp-checksum": nat.udpChecksum,
          keepalive: nat.keepaliveSeconds,
          force: nat.force,
        },
  });
  return Object.keys(block).length === 0 ? undefined : block;
}

function detectionBlock(detection: IkeParameters["detection"]): Block {
  switch (detection.kind) {
    case "none":
      return { kind: "none" };
    case "dpd":
      return {
        kind: "dpd",
        delay: detection.delaySeconds,
        timeout: detection.timeoutSeconds,
        action: detection.action,
      };
    case "heartbeat":
      return { kind: "heartbeat", hello: detection.helloSeconds, threshold: detection.threshold };
  }
}

function espBlock(child: ChildParameters, base: ChildParameters | undefined): Block | undefined {
  const other = <T>(value: T, usual: T | undefined) => (value === usual ? undefined : value);
  const block = brief({
    mode: other(child.mode, base?.mode),
    proposals: same(child.proposals, base?.proposals)
      ? undefined
      : child.proposals.map((one) => formatEspName(one) ?? formatEspProposal(one)),
    lifetime: other(child.lifetimeSeconds, base?.lifetimeSeconds),
    "lifetime-kb": other(child.lifetimeKilobytes, base?.lifetimeKilobytes),
    "replay-window": other(child.replayWindow, base?.replayWindow),
    idle: other(child.idleSeconds, base?.idleSeconds),
    df: other(child.df, base?.df),
  });
  return Object.keys(block).length === 0 ? undefined : block;
}

function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b);
}

/** Without what is not said: undefined, empty texts, lists and blocks. */
function brief(block: Block): Block {
  return Object.fromEntries(
    Object.entries(block).filter(([, value]) => {
      if (value === undefined || value === "") return false;
      if (Array.isArray(value)) return value.length > 0;
      return typeof value !== "object" || value === null || Object.keys(value).length > 0;
    }),
  );
}
