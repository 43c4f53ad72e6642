/** What lies behind either end of a tunnel, as far as routes, policies and the address book tell. */
import type { AddressEntry, Binding } from "../../model/index.js";
import { Budget, MOST_NETWORKS } from "../importing/far-end.js";
import { zoneName, type Assembly, type GatheredPolicy, type GatheredVpn } from "./assembly.js";

/** Looked up once for all tunnels. */
export interface Surroundings {
  readonly assembly: Assembly;
  /** Prefixes by zone. */
  readonly zones: ReadonlyMap<string, readonly string[]>;
  /** By zone and name. */
  readonly entries: ReadonlyMap<string, string>;
  /** Tunnel interfaces that VPNs are bound to, by zone: how many. */
  readonly bound: ReadonlyMap<string, number>;
  /** Prefixes that are routed to an interface. */
  readonly routed: ReadonlyMap<string, readonly string[]>;
  /** Policies that send into a VPN, by its name. */
  readonly policies: ReadonlyMap<string, readonly GatheredPolicy[]>;
  readonly budget: Budget;
}

export function surroundingsOf(assembly: Assembly, book: readonly AddressEntry[]): Surroundings {
  const zones = new Map<string, string[]>();
  for (const { zone, prefix } of book) push(zones, zone, prefix);
  const bound = new Map<string, number>();
  for (const { bind } of assembly.vpns.values()) {
    if (bind?.to !== "interface") continue;
    const zone = assembly.interfaces.get(bind.target)?.zone ?? "";
    bound.set(zone, (bound.get(zone) ?? 0) + 1);
  }
  const routed = new Map<string, string[]>();
  for (const route of assembly.routes) push(routed, route.interface ?? "", route.prefix);
  const policies = new Map<string, GatheredPolicy[]>();
  for (const policy of assembly.policies.values())
    push(policies, policy.statement.vpn ?? "", policy);
  return {
    assembly,
    zones,
    entries: new Map(book.map(({ zone, name, prefix }) => [`${zone}\n${name}`, prefix])),
    bound,
    routed,
    policies,
    budget: new Budget(MOST_NETWORKS),
  };
}

/** Undefined when all tunnels together have too many. */
export function networksOf(vpn: GatheredVpn, binding: Binding, around: Surroundings) {
  if (vpn.proxyId !== undefined) return { own: [vpn.proxyId.local], far: [vpn.proxyId.remote] };
  const found =
    binding.kind === "interface" ? byRoutes(binding.interface, around) : byPolicies(vpn, around);
  const count = found.own.length + found.far.length;
  return around.budget.take(count) ? found : undefined;
}

/**
 * Route-based: what is routed into the tunnel; else, where one tunnel alone is in its zone, what the address
 * book has there. Everything else in the book is on this side.
 */
function byRoutes(name: string, { assembly, zones, bound, routed }: Surroundings) {
  const zone = assembly.interfaces.get(name)?.zone ?? "";
  const told = routed.get(name) ?? [];
  const alone = (bound.get(zone) ?? 0) <= 1;
  const own = [...zones].flatMap(([other, prefixes]) => (other === zone ? [] : prefixes));
  return {
    own: unique(own),
    far: unique(told.length > 0 || !alone ? told : (zones.get(zone) ?? [])),
  };
}

function byPolicies({ statement: { name } }: GatheredVpn, { policies, entries }: Surroundings) {
  const prefixes = (zone: string, names: readonly string[]) =>
    names.flatMap((one) => entries.get(`${zoneName(zone)}\n${one}`) ?? []);
  const into = policies.get(name) ?? [];
  return {
    own: unique(into.flatMap(({ statement, sources }) => prefixes(statement.from, sources))),
    far: unique(
      into.flatMap(({ statement, destinations }) => prefixes(statement.to, destinations)),
    ),
  };
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)];
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
