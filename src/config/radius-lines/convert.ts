/**
 * Configuration lines to a `radius` block, with each secret in a file of its own: the block names the files,
 * whoever imports writes them.
 */
import type { LineIssue, LineRelay, LineRouter, LineServer, RelayKind } from "./model.js";
import { DEFAULT_PORTS } from "./model.js";
import { maskLength } from "./parse.js";

export interface ConvertedLines {
  /** `{tenants: […]}`, as the file has it under `radius`. */
  readonly block: { readonly tenants: readonly object[] };
  /** By file name. */
  readonly secrets: ReadonlyMap<string, string>;
  readonly issues: readonly LineIssue[];
}

/** @param directory of the secrets, as the block names it */
export function convertLines(routers: readonly LineRouter[], directory: string): ConvertedLines {
  const secrets = new Map<string, string>();
  const issues: LineIssue[] = [];
  const file = (name: string, secret: string): string => {
    secrets.set(name, secret);
    return `${directory}/${name}`;
  };
  const tenants = routers.map((router) => tenantOf(router, file, issues));
  return { block: { tenants }, secrets, issues };
}

type FileOf = (name: string, secret: string) => string;

function tenantOf(router: LineRouter, file: FileOf, issues: LineIssue[]): object {
  const { name } = router;
  const say = (message: string): void => {
    issues.push({ line: 0, severity: "warning", message: `${name}: ${message}` });
  };
  const listener = (kind: RelayKind): object | undefined => {
    const relay = router.relays.get(kind);
    if (relay === undefined) return undefined;
    if (relay.keys.length === 0) {
      say(`the ${kind} server has no key, so it would serve nobody: it is left out`);
      return undefined;
    }
    return listenerOf(name, kind, relay, file);
  };
  const homes = homesOf(router.servers, say);
  if (homes.length === 0) say("no home server has a key: add home-servers by hand");
  const pool = (kind: RelayKind) => homes.filter((home) => home.kinds.has(kind));
  const kinds: readonly RelayKind[] = ["authentication", "accounting"];
  const pools = kinds.filter((kind) => pool(kind).length > 0);
  const authentication = listener("authentication");
  const accounting = listener("accounting");
  const dynamic = dynamicOf(router.servers, homes, say);
  return {
    name,
    profile: "seed",
    ...(authentication !== undefined && { authentication }),
    ...(accounting !== undefined && { accounting }),
    ...(dynamic !== undefined && { "dynamic-authorization": dynamic }),
    "home-servers": homes.map(({ name: server, address, secret, ports }) => ({
      name: server,
      address,
      ...(ports.authentication !== undefined && { "authentication-port": ports.authentication }),
      ...(ports.accounting !== undefined && { "accounting-port": ports.accounting }),
      "secret-files": [file(`${name}-home-${server}`, secret)],
    })),
    pools: pools.map((kind) => ({
      name: kind,
      servers: pool(kind).map((home) => home.name),
    })),
    routes: [Object.fromEntries(pools.map((kind) => [kind, kind]))],
  };
}

/**
 * Who may ask for disconnects is a home server here: its address and its secret. Such a router ends the session
 * itself and tells no access point.
 */
function dynamicOf(
  servers: readonly LineServer[],
  homes: readonly Home[],
  say: (message: string) => void,
): object | undefined {
  const ports = new Set<number>();
  for (const { kind, address, secret, port, disconnect } of servers) {
    if (kind !== "dynamic-request" || !disconnect) continue;
    if (homes.some((home) => home.address === address && home.secret === secret)) {
      ports.add(port ?? DEFAULT_PORTS["dynamic-request"]);
    } else {
      say(
        `disconnects from ${address} are not taken over: no home server has that address and key, and only a subscriber's own home server may end a session`,
      );
    }
  }
  if (ports.size === 0) return undefined;
  return { enabled: true, ports: [...ports], "client-port": 0 };
}

function listenerOf(name: string, kind: RelayKind, relay: LineRelay, file: FileOf): object {
  return {
    listen: `0.0.0.0:${relay.port ?? DEFAULT_PORTS[kind]}`,
    clients: relay.keys.map(({ address, mask, secret }) => {
      const length = maskLength(mask) ?? 32;
      return {
        prefix: `${networkOf(address, length)}/${length}`,
        "secret-files": [file(`${name}-${kind}-${address}-${length}`, secret)],
      };
    }),
  };
}

interface Home {
  /** Its address, with the kind behind it where one address has two secrets. */
  readonly name: string;
  readonly address: string;
  readonly secret: string;
  readonly kinds: Set<RelayKind>;
  readonly ports: { authentication?: number; accounting?: number };
}

/** Servers of one address and secret are one home server. */
function homesOf(servers: readonly LineServer[], say: (message: string) => void): Home[] {
  const homes: Home[] = [];
  for (const { kind, address, secret, port } of servers) {
    if (kind === "dynamic-request") continue;
    if (secret === undefined) {
      say(`${kind} server ${address} has no key, so requests for it are dropped: it is left out`);
      continue;
    }
    let home = homes.find((one) => one.address === address && one.secret === secret);
    if (home === undefined) {
      const other = homes.some((one) => one.address === address);
      const name = other ? `${address}-${kind}` : address;
      homes.push((home = { name, address, secret, kinds: new Set(), ports: {} }));
    }
    home.kinds.add(kind);
    if (port !== undefined) home.ports[kind] = port;
  }
  return homes;
}

/** Without the bits beyond the length: the file's schema refuses them. */
function networkOf(address: string, length: number): string {
  return address
    .split(".")
    .map((part, index) => {
      const bits = Math.min(8, Math.max(0, length - 8 * index));
      return Number(part) & (0xff << (8 - bits)) & 0xff;
    })
    .join(".");
}
