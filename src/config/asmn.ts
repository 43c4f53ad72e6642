/** The `asmn` block of a file that passed the schema, to the settings of its parts. */
import { isAbsolute, join } from "node:path";
import {
  ASMN_DEFAULTS,
  type AsmnEndpoint,
  type AsmnSettings,
  type FeedSourceSettings,
  type GateSettings,
  type GatewaySettings,
  type SecEmSettings,
} from "../asmn/settings.js";
import { parseEndpoint, parsePrefix } from "./address.js";
import type {
  AsmnEntry,
  FeedSourceEntry,
  GateEntry,
  GatewayEntry,
  NamedKeyEntry,
  SecEmEntry,
} from "./asmn-file.js";
import { alarmSettings, asmnTenants, knownVnf } from "./asmn-tenants.js";
import { tpmKeysOf } from "./asmn-tpm.js";
import { endpointsOf, rateOf, sizeOf, uniqueNames } from "./asmn-values.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { suggest } from "./suggest.js";

const { secEm: SEC_EM, gate: GATE, gateway: GATEWAY, tenant: TENANT } = ASMN_DEFAULTS;
const COMMUNITY_MAX = 65_535;

export interface AsmnContext {
  /** Relative files start here. */
  readonly directory: string;
  /** `restart.state-dir`. */
  readonly stateDir: string | undefined;
  /** Names of `api.clients`; undefined = there are none, and whoever reaches the API is an operator. */
  readonly clients: readonly string[] | undefined;
  /** Whom evpnd becomes once its ports are bound. */
  readonly user: string | undefined;
  readonly issues: IssueList;
}

/** Undefined when there is no such block, or nothing in it. */
export function asmnSettings(
  entry: AsmnEntry | undefined,
  context: AsmnContext,
): AsmnSettings | undefined {
  if (entry === undefined) return undefined;
  const { issues } = context;
  if (Object.keys(entry).length === 0) {
    issues.warn(["asmn"], "this block does nothing", "add sec-em, gate or gateway");
    return undefined;
  }
  const secEm = secEmSettings(entry["sec-em"], context);
  const gate = gateSettings(entry.gate, secEm, context);
  const gateway = gatewaySettings(entry.gateway, secEm, context);
  checkPorts({ secEm, gate, gateway }, issues);
  return { secEm, gate, gateway };
}

function secEmSettings(
  entry: SecEmEntry | undefined,
  context: AsmnContext,
): SecEmSettings | undefined {
  if (entry === undefined) return undefined;
  const { issues } = context;
  const path = ["asmn", "sec-em"];
  const { limits = {}, feeds = [], "tpm-keys": tpmKeys = [] } = entry;
  const tenants = asmnTenants(entry.tenants ?? [], [...path, "tenants"], issues);
  const names = tenants.map(({ name }) => name);
  uniqueNames(feeds, [...path, "feeds"], issues);
  for (const [index, feed] of feeds.entries()) {
    for (const [place, tenant] of (feed.tenants ?? []).entries()) {
      knownTenant(tenant, names, [...path, "feeds", index, "tenants", place], issues);
    }
  }
  for (const [index, { tenant }] of tpmKeys.entries()) {
    knownTenant(tenant, names, [...path, "tpm-keys", index, "tenant"], issues);
  }
  if (feeds.length > 0 && (entry["feed-listen"] ?? []).length === 0) {
    issues.error(
      [...path, "feeds"],
      "gates and gateways elsewhere have nowhere to connect",
      "add feed-listen: [ADDRESS:PORT]",
    );
  }
  for (const role of ["vim", "vnfm"] as const) {
    for (const [index, name] of (entry.roles?.[role] ?? []).entries()) {
      checkClient(name, [...path, "roles", role, index], context);
    }
  }
  const settings: SecEmSettings = {
    name: entry.name ?? SEC_EM.name,
    audience: entry.audience ?? SEC_EM.audience,
    listen: endpointsOf(entry.listen ?? [SEC_EM.listen]),
    feedListen: endpointsOf(entry["feed-listen"] ?? []),
    feeds: feeds.map((feed) => ({
      name: feed.name,
      role: feed.role,
      publicKey: feed["public-key"],
      tenants: feed.tenants,
    })),
    stateDirectory: stateDirectory(entry["state-directory"], "sec-em", context),
    rootKeyFile: inPlace(entry["root-key-file"], context),
    imageDirectory: inPlace(entry["image-directory"], context),
    roles: { vim: entry.roles?.vim ?? [], vnfm: entry.roles?.vnfm ?? [] },
    verdictLifetimeSeconds: entry["verdict-lifetime-seconds"] ?? SEC_EM.verdictLifetimeSeconds,
    heartbeatSeconds: entry["heartbeat-seconds"] ?? SEC_EM.heartbeatSeconds,
    renewalSeconds: entry["renewal-seconds"] ?? SEC_EM.renewalSeconds,
    tokenLifetimeSeconds: entry["token-lifetime-seconds"] ?? SEC_EM.tokenLifetimeSeconds,
    upgradeSeconds: entry["upgrade-seconds"] ?? SEC_EM.upgradeSeconds,
    verdictKeySeconds: entry["verdict-key-seconds"] ?? SEC_EM.verdictKeySeconds,
    keyOverlapSeconds: entry["key-overlap-seconds"] ?? SEC_EM.keyOverlapSeconds,
    limits: {
      connections: limits.connections ?? SEC_EM.connections,
      connectionsPerAddress: limits["connections-per-address"] ?? SEC_EM.connectionsPerAddress,
      handshakesPerSecond: limits["handshakes-per-second"] ?? SEC_EM.handshakesPerSecond,
      auditOctets:
        limits["audit-size"] === undefined
          ? SEC_EM.auditOctets
          : sizeOf(limits["audit-size"], [...path, "limits", "audit-size"], issues),
    },
    platformKeys: keysOf(entry["platform-keys"] ?? [], [...path, "platform-keys"], issues),
    platformDocumentSeconds: entry["platform-document-seconds"] ?? SEC_EM.platformDocumentSeconds,
    tpmKeys: tpmKeysOf(tpmKeys, [...path, "tpm-keys"], issues),
    packageKeys: keysOf(entry["package-keys"] ?? [], [...path, "package-keys"], issues),
    tenants,
  };
  checkTimes(settings, path, issues);
  checkPlatforms(settings, path, issues);
  return settings;
}

function checkTimes(settings: SecEmSettings, path: ConfigPath, issues: IssueList): void {
  const { renewalSeconds, verdictLifetimeSeconds, keyOverlapSeconds } = settings;
  if (renewalSeconds >= verdictLifetimeSeconds) {
    issues.error(
      [...path, "renewal-seconds"],
      `VNFs that renew every ${renewalSeconds} s lose verdicts that hold for ${verdictLifetimeSeconds} s`,
      "renew at least twice within verdict-lifetime-seconds",
    );
  }
  if (keyOverlapSeconds < verdictLifetimeSeconds) {
    issues.error(
      [...path, "key-overlap-seconds"],
      `verdicts of the former key hold for ${verdictLifetimeSeconds} s`,
      "make it no shorter than verdict-lifetime-seconds",
    );
  }
}

function checkPlatforms(
  { tenants, platformKeys }: SecEmSettings,
  path: ConfigPath,
  issues: IssueList,
): void {
  if (platformKeys.length > 0) return;
  for (const [at, tenant] of tenants.entries()) {
    for (const [index, { name, rootOfTrust }] of tenant.vnfs.entries()) {
      // Keys of TPMs may come by the API.
      if (rootOfTrust !== "platform") continue;
      issues.error(
        [...path, "tenants", at, "vnfs", index, "root-of-trust"],
        `nobody's word counts for ${name}`,
        "add platform-keys",
      );
    }
  }
}

function gateSettings(
  entry: GateEntry | undefined,
  secEm: SecEmSettings | undefined,
  context: AsmnContext,
): GateSettings | undefined {
  if (entry === undefined) return undefined;
  const { issues } = context;
  const path = ["asmn", "gate"];
  const sources = sourceSettings(entry.sources ?? [], [...path, "sources"], issues);
  const audience = entry.audience ?? secEm?.audience ?? SEC_EM.audience;
  const staleSeconds = entry["stale-seconds"] ?? GATE.staleSeconds;
  if (secEm === undefined && sources.length === 0) {
    issues.error(path, "nobody tells it who is trusted", "add sources, or asmn.sec-em");
  }
  if (secEm !== undefined && secEm.audience !== audience) {
    issues.error(
      [...path, "audience"],
      `the Sec-EM here issues verdicts for "${secEm.audience}"`,
      "use one word in both places",
    );
  }
  if (secEm !== undefined && staleSeconds < 2 * secEm.heartbeatSeconds) {
    issues.error(
      [...path, "stale-seconds"],
      `heartbeats come every ${secEm.heartbeatSeconds} s, and one may be late`,
      `use at least ${2 * secEm.heartbeatSeconds}`,
    );
  }
  const community = entry["mark-community"] ?? GATE.markCommunity;
  if (community.split(":").some((part) => Number(part) > COMMUNITY_MAX)) {
    issues.error(
      [...path, "mark-community"],
      `${community} is no community`,
      `write two numbers up to ${COMMUNITY_MAX}, for example ${GATE.markCommunity}`,
    );
  }
  const { proxy = "off" } = entry;
  return {
    audience,
    sources,
    stateDirectory: stateDirectory(entry["state-directory"], "gate", context),
    keyFile: inPlace(entry["key-file"], context),
    staleSeconds,
    graceSeconds: entry["grace-seconds"] ?? GATE.graceSeconds,
    dryRun: entry["dry-run"] ?? GATE.dryRun,
    proxy: proxy === "off" ? undefined : parseEndpoint(proxy),
    markCommunity: community,
  };
}

function gatewaySettings(
  entry: GatewayEntry | undefined,
  secEm: SecEmSettings | undefined,
  context: AsmnContext,
): GatewaySettings | undefined {
  if (entry === undefined) return undefined;
  const { issues } = context;
  const tenants = secEm?.tenants;
  const path = ["asmn", "gateway"];
  const sources = sourceSettings(entry.sources ?? [], [...path, "sources"], issues);
  if (tenants === undefined && sources.length === 0) {
    issues.error(path, "nobody gives it a catalog", "add sources, or asmn.sec-em");
  }
  // Of Sec-EMs elsewhere nobody here knows the tenants.
  const tenant = tenants?.find(({ name }) => name === entry.tenant);
  const isHere = tenants !== undefined && sources.length === 0;
  if (isHere) {
    const names = tenants.map(({ name }) => name);
    knownTenant(entry.tenant, names, [...path, "tenant"], issues);
  }
  const vnfs = isHere ? tenant?.vnfs.map(({ name }) => name) : undefined;
  if (context.user !== undefined) {
    issues.error(
      path,
      `as ${context.user} evpnd could not change the rules that traffic has to follow`,
      'leave "user" out, and have systemd start it with CAP_NET_ADMIN instead (User=, AmbientCapabilities=)',
    );
  }
  uniqueNames(entry.interfaces, [...path, "interfaces"], issues);
  const lower = entry.lower ?? {};
  const at = [...path, "lower"];
  return {
    name: entry.name ?? GATEWAY.name,
    audience: entry.audience ?? secEm?.audience ?? SEC_EM.audience,
    tenant: entry.tenant,
    sources,
    stateDirectory: stateDirectory(entry["state-directory"], "gateway", context),
    keyFile: inPlace(entry["key-file"], context),
    table: entry.table ?? GATEWAY.table,
    interfaces: entry.interfaces.map((one, index) => {
      const place = [...path, "interfaces", index];
      return {
        name: one.name,
        rate: one.rate === undefined ? undefined : rateOf(one.rate, [...place, "rate"], issues),
        vnfs: (one.vnfs ?? []).map(({ vnf, prefixes }, number) => {
          if (vnfs !== undefined) knownVnf(vnf, vnfs, [...place, "vnfs", number, "vnf"], issues);
          return { vnf, prefixes: prefixes.map((text) => parsePrefix(text)?.text ?? text) };
        }),
      };
    }),
    secEmAddresses: endpointsOf(entry["sec-ems"] ?? []),
    defaultAction: entry["default-action"] ?? TENANT.defaultAction,
    lower: {
      dscp: lower.dscp ?? GATEWAY.dscp,
      rate:
        lower.rate === undefined ? GATEWAY.lowerRate : rateOf(lower.rate, [...at, "rate"], issues),
      burst:
        lower.burst === undefined
          ? GATEWAY.lowerBurst
          : sizeOf(lower.burst, [...at, "burst"], issues),
    },
    alarms: alarmSettings(entry.alarms ?? [], vnfs, [...path, "alarms"], issues),
  };
}

function sourceSettings(
  entries: readonly FeedSourceEntry[],
  path: ConfigPath,
  issues: IssueList,
): FeedSourceSettings[] {
  uniqueNames(entries, path, issues);
  return entries.flatMap((entry) => {
    const endpoint = parseEndpoint(entry.address);
    if (endpoint === undefined) return [];
    const { name } = entry;
    return [{ name, endpoint, publicKey: entry["public-key"], rootKeys: entry["root-keys"] }];
  });
}

function keysOf(
  entries: readonly NamedKeyEntry[],
  path: ConfigPath,
  issues: IssueList,
): { name: string; publicKey: string }[] {
  uniqueNames(entries, path, issues);
  return entries.map((entry) => ({ name: entry.name, publicKey: entry["public-key"] }));
}

/** Two servers cannot have one port. */
function checkPorts({ secEm, gate }: AsmnSettings, issues: IssueList): void {
  const taken = new Map<string, string>();
  const take = (where: AsmnEndpoint, path: ConfigPath, what: string): void => {
    const place = `${where.address} port ${where.port}`;
    const other = taken.get(place);
    if (other !== undefined) {
      issues.error(
        path,
        `${place} is taken by ${other}`,
        "give each an address or a port of its own",
      );
    }
    taken.set(place, what);
  };
  const path = ["asmn", "sec-em"];
  for (const [index, where] of (secEm?.listen ?? []).entries()) {
    take(where, [...path, "listen", index], "asmn.sec-em.listen");
  }
  for (const [index, where] of (secEm?.feedListen ?? []).entries()) {
    take(where, [...path, "feed-listen", index], "asmn.sec-em.feed-listen");
  }
  if (gate?.proxy !== undefined) take(gate.proxy, ["asmn", "gate", "proxy"], "asmn.gate.proxy");
}

function checkClient(name: string, path: ConfigPath, { clients, issues }: AsmnContext): void {
  // Nobody else gets in by a slip: whoever is not named has the role's duty no more.
  if (clients === undefined) {
    issues.warn(
      path,
      "without api.clients nobody has a name",
      "add api.clients, or leave roles out: then every operator may",
    );
  } else if (!clients.includes(name)) {
    issues.warn(path, `there is no API client "${name}"`, suggest(name, clients, "value"));
  }
}

export function knownTenant(
  name: string,
  tenants: readonly string[],
  path: ConfigPath,
  issues: IssueList,
): void {
  if (tenants.includes(name)) return;
  issues.error(
    path,
    `the Sec-EM has no tenant "${name}"`,
    tenants.length === 0 ? "add it under asmn.sec-em.tenants" : suggest(name, tenants, "value"),
  );
}

function stateDirectory(given: string | undefined, part: string, context: AsmnContext): string {
  const { stateDir, issues } = context;
  const named = inPlace(given, context);
  if (named !== undefined) return named;
  if (stateDir === undefined) {
    issues.error(
      ["asmn", part],
      "nothing says where its keys and its state are to be kept",
      'add "state-directory" here, or "state-dir" to the block "restart"',
    );
  }
  return join(stateDir ?? "", "asmn", part);
}

function inPlace(file: string | undefined, { directory }: AsmnContext): string | undefined {
  if (file === undefined || isAbsolute(file)) return file;
  return join(directory, file);
}
