/** The `radius` block of a file that passed the schema, to the relay's settings. */
import { isAbsolute, join } from "node:path";
import type {
  HomeServerSettings,
  ListenerSettings,
  PoolSettings,
  RadiusSettings,
  RouteSettings,
  TenantSettings,
} from "../radius/settings.js";
import { RADSEC_SECRET } from "../radius/radsec/settings.js";
import { parseEndpoint, parsePrefix } from "./address.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { radiusAddresses } from "./radius-addresses.js";
import { RADIUS_DEFAULTS } from "./radius-file.js";
import type {
  RadiusEntry,
  RadiusHomeServerEntry,
  RadiusListenerEntry,
  RadiusTenantEntry,
} from "./radius-file.js";
import { checkDoors, dynamicSettings, radsecSettings, tlsUpstreamSettings } from "./radsec.js";
import type { RadsecContext } from "./radsec.js";
import type { SecretSource } from "./secrets.js";

/** An octet of length, and what RADIUS needs of it, would allow more than anybody types. */
const SECRET_MAX = 253;
const SEED_SECRET_MAX = 32;
const SECRET_SHORT = 16;
/** In place of an endpoint. */
const OFF = "off";

const MEBI = 2 ** 20;

/** @param stateDir `restart.state-dir` */
export function radiusSettings(
  entry: RadiusEntry | undefined,
  stateDir: string | undefined,
  secrets: SecretSource,
  issues: IssueList,
): RadiusSettings | undefined {
  if (entry === undefined) return undefined;
  const here = (file: string) => (isAbsolute(file) ? file : join(secrets.directory, file));
  const state = entry["state-directory"];
  const room = entry["spool-max"] ?? RADIUS_DEFAULTS["spool-max"];
  const names = new Set<string>();
  checkPorts(entry, issues);
  checkDoors(entry.tenants, issues);
  return {
    stateDirectory:
      state !== undefined
        ? here(state)
        : stateDir === undefined
          ? undefined
          : join(stateDir, "radius"),
    spoolMax: parseInt(room, 10) * (room.endsWith("GiB") ? 1024 * MEBI : MEBI),
    dictionaries: (entry.dictionaries ?? []).map(here),
    tenants: entry.tenants.map((tenant, index) => {
      const path = ["radius", "tenants", index];
      unique(tenant.name, names, [...path, "name"], issues);
      return tenantSettings(tenant, path, secrets, issues);
    }),
  };
}

/** Two servers cannot have one port. */
function checkPorts({ tenants }: RadiusEntry, issues: IssueList): void {
  const taken = new Map<string, string>();
  for (const [index, tenant] of tenants.entries()) {
    for (const kind of ["authentication", "accounting"] as const) {
      const entry = tenant[kind];
      if (entry === undefined) continue;
      checkClients(tenant, entry, ["radius", "tenants", index, kind], issues);
      const endpoint = parseEndpoint(entry.listen ?? RADIUS_DEFAULTS[kind]);
      if (endpoint === undefined) continue;
      const place = `${endpoint.address} port ${endpoint.port}`;
      const who = `${kind} of ${tenant.name}`;
      const other = taken.get(place);
      if (other !== undefined) {
        issues.error(
          ["radius", "tenants", index, kind],
          `${place} is taken by ${other}`,
          "give each server an address or a port of its own",
        );
      }
      taken.set(place, who);
    }
  }
}

/** Over UDP there are clients, and without UDP there is TLS. */
function checkClients(
  { radsec }: RadiusTenantEntry,
  { listen, clients }: RadiusListenerEntry,
  path: ConfigPath,
  issues: IssueList,
): void {
  if (listen !== OFF) {
    if (clients !== undefined) return;
    const remedy =
      "add clients: [{prefix, secret-files}], or listen: off for clients over TLS alone";
    issues.error(path, '"clients" is missing', remedy);
    return;
  }
  if (radsec === undefined) {
    const remedy = "add radsec to the tenant, or give listen an address and a port";
    issues.error(
      [...path, "listen"],
      "nobody can come: there is no UDP port and no TLS port",
      remedy,
    );
  }
  if (clients !== undefined) {
    const why = "without a UDP port these clients cannot come";
    issues.error(
      [...path, "clients"],
      why,
      "remove them, or give listen an address and a port",
      true,
    );
  }
}

function tenantSettings(
  entry: RadiusTenantEntry,
  path: ConfigPath,
  secrets: SecretSource,
  issues: IssueList,
): TenantSettings {
  const profile = entry.profile ?? RADIUS_DEFAULTS.profile;
  const limit = profile === "seed" ? SEED_SECRET_MAX : SECRET_MAX;
  const read = (files: readonly string[], at: ConfigPath) =>
    files.flatMap((file, index) => readSecret(file, limit, [...at, index], secrets, issues));
  const tlsContext: RadsecContext = { secrets, issues, now: Date.now() };
  const servers = new Set<string>();
  const homeServers = entry["home-servers"].map((one, index): HomeServerSettings => {
    const at = [...path, "home-servers", index];
    unique(one.name, servers, [...at, "name"], issues);
    checkWay(one, at, issues);
    const { tls } = one;
    return {
      name: one.name,
      address: one.address,
      authenticationPort: one["authentication-port"] ?? RADIUS_DEFAULTS["authentication-port"],
      accountingPort: one["accounting-port"] ?? RADIUS_DEFAULTS["accounting-port"],
      secrets:
        tls === undefined
          ? read(one["secret-files"] ?? [], [...at, "secret-files"])
          : [RADSEC_SECRET],
      tls: tls === undefined ? undefined : tlsUpstreamSettings(tls, [...at, "tls"], tlsContext),
      requireMessageAuthenticator: one["require-message-authenticator"] ?? true,
      watchdog: one.watchdog ?? RADIUS_DEFAULTS.watchdog,
      suspectAfterMs: 3000,
      probeIntervalMs: 2000,
      probesUntilDead: 3,
      deadIntervalMs: 10_000,
    };
  });
  const pools = poolSettings(entry, servers, path, issues);
  return {
    name: entry.name,
    profile,
    authentication: listenerSettings(entry.authentication, "authentication", path, read),
    accounting: listenerSettings(entry.accounting, "accounting", path, read),
    radsec: radsecSettings(entry.radsec, [...path, "radsec"], tlsContext),
    dynamic: dynamicSettings(entry["dynamic-authorization"]),
    homeServers,
    pools,
    routes: routeSettings(entry, pools, path, issues),
    relayAddress: entry["relay-address"],
    sessionIdleMs:
      (entry["session-idle-seconds"] ?? RADIUS_DEFAULTS["session-idle-seconds"]) * 1000,
    requireServiceAttributes: entry["require-service-attributes"] ?? false,
    addresses: radiusAddresses(entry.addresses, [...path, "addresses"], issues),
  };
}

/** Over UDP or over TLS, and what each takes. */
function checkWay(entry: RadiusHomeServerEntry, path: ConfigPath, issues: IssueList): void {
  const secrets = entry["secret-files"];
  if (entry.tls === undefined && secrets === undefined) {
    issues.error(
      path,
      `nothing secures the way to ${entry.name}`,
      "add secret-files (RADIUS over UDP) or tls (RADIUS over TLS)",
    );
  }
  if (entry.tls !== undefined && secrets !== undefined) {
    issues.error(
      [...path, "secret-files"],
      "over TLS the shared secret is always the same, and protects nothing",
      "remove secret-files, or tls",
      true,
    );
  }
}

function listenerSettings(
  entry: RadiusListenerEntry | undefined,
  kind: "authentication" | "accounting",
  path: ConfigPath,
  read: (files: readonly string[], at: ConfigPath) => string[],
): ListenerSettings | undefined {
  if (entry === undefined) return undefined;
  const listen = entry.listen ?? RADIUS_DEFAULTS[kind];
  const endpoint = listen === OFF ? { address: "", port: 0 } : parseEndpoint(listen);
  if (endpoint === undefined) return undefined;
  return {
    address: endpoint.address,
    port: endpoint.port,
    clients: (entry.clients ?? []).map((client, index) => ({
      name: client.name ?? client.prefix,
      prefix: parsePrefix(client.prefix)?.text ?? client.prefix,
      secrets: read(client["secret-files"], [...path, kind, "clients", index, "secret-files"]),
      requireMessageAuthenticator:
        client["require-message-authenticator"] ?? RADIUS_DEFAULTS["require-message-authenticator"],
      proxy: client.proxy ?? false,
      limitProxyState: client["limit-proxy-state"] ?? true,
      rateLimit: client["rate-limit"] ?? 0,
      dynamicPort: client["dynamic-port"],
    })),
    cacheMs: 10_000,
    timeoutMs: 30_000,
    queueMax: 8192,
    pendingMax: 16_384,
    onFailure: entry["on-failure"] ?? RADIUS_DEFAULTS["on-failure"],
  };
}

function poolSettings(
  entry: RadiusTenantEntry,
  servers: ReadonlySet<string>,
  path: ConfigPath,
  issues: IssueList,
): PoolSettings[] {
  const names = new Set<string>();
  const pools = entry.pools ?? [{ name: "all", servers: [...servers] }];
  return pools.map((pool, index) => {
    const at = [...path, "pools", index];
    unique(pool.name, names, [...at, "name"], issues);
    for (const [place, server] of pool.servers.entries()) {
      if (servers.has(server)) continue;
      issues.error(
        [...at, "servers", place],
        `there is no home server "${server}"`,
        `name one of: ${[...servers].join(", ")}`,
      );
    }
    return { name: pool.name, servers: pool.servers, balance: pool.balance ?? false };
  });
}

function routeSettings(
  entry: RadiusTenantEntry,
  pools: readonly PoolSettings[],
  path: ConfigPath,
  issues: IssueList,
): RouteSettings[] {
  const first = pools[0]?.name;
  const routes = entry.routes ?? [
    {
      ...(first !== undefined && { authentication: first, accounting: first }),
    },
  ];
  return routes.map((route, index) => {
    for (const kind of ["authentication", "accounting"] as const) {
      const name = route[kind];
      if (name === undefined || pools.some((pool) => pool.name === name)) continue;
      issues.error(
        [...path, "routes", index, kind],
        `there is no pool "${name}"`,
        `name one of: ${pools.map((pool) => pool.name).join(", ")}`,
      );
    }
    const station = route["called-station-id"];
    return {
      ...(route.realm !== undefined && { realm: route.realm }),
      ...(station !== undefined && { calledStationId: station }),
      ...(route.network !== undefined && {
        network: parsePrefix(route.network)?.text ?? route.network,
      }),
      authenticationPool: route.authentication,
      accountingPool: route.accounting,
    };
  });
}

/** @returns the secret, or nothing and an issue that does not quote it */
function readSecret(
  name: string,
  limit: number,
  path: ConfigPath,
  source: SecretSource,
  issues: IssueList,
): string[] {
  const file = isAbsolute(name) ? name : join(source.directory, name);
  const say = source.lenient === true ? "warn" : "error";
  try {
    const { text, mode } = source.readFile(file);
    if ((mode & 0o007) !== 0) {
      issues.warn(path, `every user can read ${file}`, `chmod 640 ${file}`);
    }
    const secret = text.split(/\r?\n/, 1)[0] ?? "";
    const octets = Buffer.byteLength(secret);
    if (octets === 0 || octets > limit) {
      issues[say](path, `${file} holds no usable secret`, `write 1 to ${limit} octets in one line`);
      return [];
    }
    if (octets < SECRET_SHORT) {
      issues.warn(
        path,
        `the secret in ${file} is shorter than ${SECRET_SHORT} octets`,
        "make a new one: evpnctl radius secret",
      );
    }
    return [secret];
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    issues[say](path, `${file} cannot be read (${code})`, "create it, with the secret in one line");
    return [];
  }
}

function unique(name: string, seen: Set<string>, path: ConfigPath, issues: IssueList): void {
  if (seen.has(name)) issues.error(path, `${name} stands here twice`, "give each its own name");
  seen.add(name);
}
