/**
 * Interfaces of route-based tunnels on Linux: an xfrm interface each, told apart by `if_id`, with its address
 * and MTU; and the routes that point at it. Lines for `ip -batch`.
 */
import type { Gateway, TunnelSide } from "../../model/index.js";

export interface InterfaceId {
  /** At most 15 characters, as the kernel wants. */
  readonly name: string;
  readonly id: number;
}

/** By tunnel. */
export function interfaceIds(sides: readonly TunnelSide[]): ReadonlyMap<string, InterfaceId> {
  const found = new Map<string, InterfaceId>();
  const taken = new Set<number>();
  for (const { kind, tunnel, binding, names } of sides) {
    if (kind !== "route-based") continue;
    const wanted = binding.kind === "interface" ? binding.interface : tunnel;
    let id = names.vpnId ?? Number(/(\d{1,5})$/.exec(wanted)?.[1] ?? 1);
    while (taken.has(id) || id === 0) id += 1;
    taken.add(id);
    const name = /^[A-Za-z][A-Za-z0-9._-]{0,14}$/.test(wanted) ? wanted : `ipsec${id}`;
    found.set(tunnel, { name, id });
  }
  return found;
}

export function linkLines(
  gateway: Gateway,
  sides: readonly TunnelSide[],
  ids: ReadonlyMap<string, InterfaceId>,
): string[] {
  return sides.flatMap((side) => {
    const found = ids.get(side.tunnel);
    if (found === undefined) return [];
    const { name, id } = found;
    const own = gateway.interfaces.find((one) => one.name === name);
    const routes = gateway.routes.filter((route) => route.interface === name);
    return [
      `link add ${name} type xfrm dev ${side.outgoingInterface} if_id ${id}`,
      ...(own === undefined ? [] : [`link set ${name} mtu ${own.mtu}`]),
      ...(own?.addresses ?? []).map((address) => `address add ${address} dev ${name}`),
      `link set ${name} up`,
      ...routes.map(({ prefix, nextHop }) =>
        nextHop === undefined
          ? `route add ${prefix} dev ${name}`
          : `route add ${prefix} via ${nextHop} dev ${name}`,
      ),
    ];
  });
}
