/** A tunnel of a file that passed the schema, to the model's: its profile with what the file says on top. */
import {
  DEFAULT_PROFILE,
  PROFILES,
  withMethod,
  type Authentication,
  type Binding,
  type EndOverride,
  type KeyScope,
  type Selector,
  type Tunnel,
  type TunnelEnd,
  type TunnelMonitor,
} from "../ipsec/model/index.js";
import type { IpsecEndEntry, IpsecSelectorEntry, IpsecTunnelEntry } from "./ipsec-file.js";
import { canonical, identityOf } from "./ipsec-gateway.js";
import { childParameters, ikeParameters } from "./ipsec-proposals.js";
import type { ConfigPath, IssueList } from "./issue.js";

const TAKE_OVER_SECONDS = 10;
const RETURN_SECONDS = 60;

/** Undefined, with an issue, when it has not two ends or no way to authenticate. */
export function tunnelOf(
  entry: IpsecTunnelEntry,
  path: ConfigPath,
  issues: IssueList,
): Tunnel | undefined {
  const profile = PROFILES[entry.profile ?? DEFAULT_PROFILE]!;
  const authentication = authenticationOf(entry, path, issues);
  const [first, second] = entry.ends;
  if (first === undefined || second === undefined || entry.ends.length > 2) {
    issues.error([...path, "ends"], "a tunnel has two ends", "give both, and no more");
    return undefined;
  }
  if (authentication === undefined) return undefined;
  const method = authentication.kind === "psk" ? "psk" : "certificate";
  const ike = ikeParameters(withMethod(profile.ike, method), entry.ike, method, {
    path: [...path, "ike"],
    issues,
  });
  const child = childParameters(profile.child, entry.esp, { path: [...path, "esp"], issues });
  const base: EndBase = { ike, child, method, issues };
  const backup = entry["backup-of"];
  const group = entry["vpn-group"];
  const proxyId = entry["proxy-id"];
  return {
    name: entry.name,
    description: entry.description ?? "",
    enabled: entry.enabled ?? true,
    kind: entry.kind ?? profile.kind,
    profile: profile.name,
    ends: [endOf(first, [...path, "ends", 0], base), endOf(second, [...path, "ends", 1], base)],
    ike,
    child,
    authentication,
    selectors: entry.selectors?.map(selectorOf),
    proxyId: proxyId && {
      local: canonical(proxyId.local),
      remote: canonical(proxyId.remote),
      service: proxyId.service ?? "ANY",
    },
    group: group && { name: group.name, weight: group.weight ?? 0 },
    backupOf: backup && {
      tunnel: backup.tunnel,
      takeOverAfterSeconds: backup["take-over-after"] ?? TAKE_OVER_SECONDS,
      returnAfterSeconds: backup["return-after"] ?? RETURN_SECONDS,
    },
    failClosed: entry["fail-closed"] ?? true,
    mtu: { path: entry["path-mtu"] ?? 1500, clampMss: entry["clamp-mss"] ?? true },
    classicalFallback: entry["classical-fallback"] ?? false,
    optIns: (entry["opt-ins"] ?? []).map(({ finding, owner, expires, reason = "" }) => ({
      finding,
      owner,
      expires,
      reason,
    })),
  };
}

interface EndBase {
  readonly ike: Tunnel["ike"];
  readonly child: Tunnel["child"];
  readonly method: "psk" | "certificate";
  readonly issues: IssueList;
}

function endOf(entry: IpsecEndEntry, path: ConfigPath, base: EndBase): TunnelEnd {
  const names = entry.names;
  return {
    gateway: entry.gateway,
    outgoingInterface: entry.interface,
    identity: identityOf(entry.identity),
    binding: bindingOf(entry, path, base.issues),
    networks: (entry.networks ?? []).map(canonical),
    vteps: (entry.vteps ?? []).map(canonical),
    start: entry.start ?? "trap",
    monitor: monitorOf(entry.monitor),
    names: {
      gateway: names?.gateway,
      vpn: names?.vpn,
      vpnId: names?.["vpn-id"],
      cryptoMap: names?.["crypto-map"],
      sequence: names?.sequence,
      accessList: names?.["access-list"],
      transformSet: names?.["transform-set"],
    },
    override: overrideOf(entry.override, [...path, "override"], base),
  };
}

function bindingOf(entry: IpsecEndEntry, path: ConfigPath, issues: IssueList): Binding {
  const { bind } = entry;
  const zone = entry["bind-zone"];
  if (bind !== undefined && zone !== undefined) {
    issues.error([...path, "bind-zone"], "bind and bind-zone both stand here", "keep one", true);
  }
  if (bind !== undefined) return { kind: "interface", interface: bind };
  return zone === undefined ? { kind: "none" } : { kind: "zone", zone };
}

function monitorOf(entry: IpsecEndEntry["monitor"]): TunnelMonitor | undefined {
  if (entry === undefined) return undefined;
  return {
    source: entry.source,
    destination: entry.destination,
    optimized: entry.optimized ?? false,
    rekey: entry.rekey ?? false,
    intervalSeconds: entry.interval ?? 10,
    threshold: entry.threshold ?? 3,
  };
}

function overrideOf(
  entry: IpsecEndEntry["override"],
  path: ConfigPath,
  { ike, child, method, issues }: EndBase,
): EndOverride | undefined {
  if (entry === undefined) return undefined;
  return {
    ike: entry.ike && ikeParameters(ike, entry.ike, method, { path: [...path, "ike"], issues }),
    child: entry.esp && childParameters(child, entry.esp, { path: [...path, "esp"], issues }),
    selectors: entry.selectors?.map(selectorOf),
    secret: entry.psk,
  };
}

function selectorOf(entry: IpsecSelectorEntry): Selector {
  return {
    local: canonical(entry.local),
    remote: canonical(entry.remote),
    protocol: entry.protocol ?? 0,
    localPort: entry["local-port"] ?? 0,
    remotePort: entry["remote-port"] ?? 0,
  };
}

function authenticationOf(
  entry: IpsecTunnelEntry,
  path: ConfigPath,
  issues: IssueList,
): Authentication | undefined {
  const { psk, certificates, authorities = [] } = entry;
  const ppk = entry.ppk && {
    id: entry.ppk.id,
    secret: entry.ppk.name,
    required: entry.ppk.required ?? true,
  };
  if ((psk === undefined) === (certificates === undefined)) {
    issues.error(
      path,
      psk === undefined
        ? "nothing says how the ends authenticate"
        : "psk and certificates both stand here",
      "give psk, or certificates of both ends",
    );
    return undefined;
  }
  if (psk !== undefined) return { kind: "psk", secret: psk, scope: scopeOf(entry), ppk };
  const [first, second] = (certificates ?? []).map((one) => ({
    certificate: one.certificate,
    privateKey: one["private-key"],
  }));
  if (first === undefined || second === undefined || certificates?.length !== 2) {
    issues.error([...path, "certificates"], "there are not two", "give one for each end");
    return undefined;
  }
  return { kind: "certificate", ends: [first, second], authorities, ppk };
}

function scopeOf(entry: IpsecTunnelEntry): KeyScope {
  const [prefix, group] = [entry["psk-prefix"], entry["psk-group"]];
  if (group !== undefined) return { kind: "group", name: group };
  return prefix === undefined ? { kind: "peer" } : { kind: "prefix", prefix: canonical(prefix) };
}
