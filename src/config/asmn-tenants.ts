/** Tenants of the Sec-EM: descriptors, catalog and alarms of a file that passed the schema. */
import {
  ASMN_DEFAULTS,
  type AsmnAlarmSettings,
  type AsmnCatalogEntry,
  type AsmnTenantSettings,
  type AsmnVnfSettings,
} from "../asmn/settings.js";
import { canonicalAddress } from "./address.js";
import type {
  AsmnAlarmEntry,
  AsmnCatalogLineEntry,
  AsmnTenantEntry,
  AsmnVnfEntry,
} from "./asmn-file.js";
import { rateOf, sizeOf, uniqueNames } from "./asmn-values.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { suggest } from "./suggest.js";

const { vnf: VNF, tenant: TENANT } = ASMN_DEFAULTS;
const WITH_PORTS: readonly string[] = ["tcp", "udp", "sctp"];
const PORT_MAX = 65_535;

export function asmnTenants(
  entries: readonly AsmnTenantEntry[],
  path: ConfigPath,
  issues: IssueList,
): AsmnTenantSettings[] {
  uniqueNames(entries, path, issues);
  const addresses = new Map<string, ConfigPath>();
  return entries.map((entry, index): AsmnTenantSettings => {
    const at = [...path, index];
    const vnfs = entry.vnfs ?? [];
    const names = uniqueNames(vnfs, [...at, "vnfs"], issues);
    return {
      name: entry.name,
      defaultAction: entry["default-action"] ?? TENANT.defaultAction,
      vnfs: vnfs.map((vnf, place) => vnfSettings(vnf, [...at, "vnfs", place], addresses, issues)),
      catalog: (entry.catalog ?? []).map((line, place) =>
        catalogLine(line, names, [...at, "catalog", place], issues),
      ),
      alarms: alarmSettings(entry.alarms ?? [], names, [...at, "alarms"], issues),
    };
  });
}

function vnfSettings(
  entry: AsmnVnfEntry,
  path: ConfigPath,
  taken: Map<string, ConfigPath>,
  issues: IssueList,
): AsmnVnfSettings {
  const addresses = (entry.addresses ?? []).map((text, index) => {
    const address = canonicalAddress(text) ?? text;
    const at = [...path, "addresses", index];
    const before = taken.get(address);
    if (before !== undefined) {
      issues.error(
        at,
        `${text} is another VNF's (${issues.where(before)}), and a session could be either's`,
        "give each VNF addresses of its own",
      );
    }
    taken.set(address, at);
    return address;
  });
  return {
    name: entry.name,
    role: entry.role ?? VNF.role,
    addresses,
    as: entry.as,
    routerId: entry["router-id"],
    binding: entry.binding ?? VNF.binding,
    rootOfTrust: entry["root-of-trust"] ?? VNF.rootOfTrust,
    maxInstances: entry["max-instances"] ?? VNF.maxInstances,
    manifest: { allowedChanges: entry["allowed-changes"] ?? [] },
    bgp: {
      sessions: entry.bgp?.sessions ?? 0,
      updatesPerSecond: entry.bgp?.["updates-per-second"] ?? 0,
      prefixes: entry.bgp?.prefixes ?? 0,
    },
  };
}

/** @param vnfs that there are; undefined = they are known elsewhere */
export function catalogLine(
  entry: AsmnCatalogLineEntry,
  vnfs: readonly string[] | undefined,
  path: ConfigPath,
  issues: IssueList,
): AsmnCatalogEntry {
  for (const side of ["from", "to"] as const) {
    if (entry[side] !== "*" && vnfs !== undefined)
      knownVnf(entry[side], vnfs, [...path, side], issues);
  }
  const [port, portEnd] = portsOf(entry, [...path, "port"], issues);
  const { rate, burst } = entry;
  if (burst !== undefined && rate === undefined) {
    issues.error([...path, "burst"], "a burst goes beyond a rate, and there is none", "add a rate");
  }
  return {
    from: entry.from,
    to: entry.to,
    protocol: entry.protocol,
    port,
    portEnd,
    rate: rate === undefined ? undefined : rateOf(rate, [...path, "rate"], issues),
    burst: burst === undefined ? undefined : sizeOf(burst, [...path, "burst"], issues),
    packetRate: entry["packet-rate"],
  };
}

function portsOf(
  { port, protocol }: AsmnCatalogLineEntry,
  path: ConfigPath,
  issues: IssueList,
): [number | undefined, number | undefined] {
  if (port === undefined) return [undefined, undefined];
  if (!WITH_PORTS.includes(protocol)) {
    issues.error(path, `${protocol} has no ports`, `leave it out, or use ${WITH_PORTS.join(", ")}`);
  }
  if (typeof port === "number") return [port, undefined];
  const [first = 0, last = 0] = port.split("-").map(Number);
  if (first > last || last > PORT_MAX) {
    issues.error(path, `${port} is no range of ports`, `write FIRST-LAST, up to ${PORT_MAX}`);
  }
  return [first, last];
}

/** @param vnfs that there are; undefined = they are known elsewhere */
export function alarmSettings(
  entries: readonly AsmnAlarmEntry[],
  vnfs: readonly string[] | undefined,
  path: ConfigPath,
  issues: IssueList,
): AsmnAlarmSettings[] {
  uniqueNames(entries, path, issues);
  return entries.map((entry, index): AsmnAlarmSettings => {
    const at = [...path, index];
    const { between } = entry;
    const [start = "", end = ""] = between?.split("-") ?? [];
    if (vnfs !== undefined) {
      knownVnf(entry.from, vnfs, [...at, "from"], issues);
      if (entry.to !== undefined) knownVnf(entry.to, vnfs, [...at, "to"], issues);
    }
    return {
      name: entry.name,
      from: entry.from,
      to: entry.to,
      octets: sizeOf(entry.volume, [...at, "volume"], issues),
      windowSeconds: entry["window-seconds"] ?? TENANT.alarmWindowSeconds,
      between: between === undefined ? undefined : { start, end },
    };
  });
}

export function knownVnf(
  name: string,
  vnfs: readonly string[],
  path: ConfigPath,
  issues: IssueList,
): void {
  if (vnfs.includes(name)) return;
  issues.error(
    path,
    `the tenant has no VNF "${name}"`,
    vnfs.length === 0 ? 'add it under "vnfs"' : suggest(name, vnfs, "value"),
  );
}
