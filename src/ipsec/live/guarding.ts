/** What the guard is told of the tunnels of this gateway: the prefixes behind them, and what a tunnel is. */
import { tunnelMtu } from "../check/index.js";
import type { GuardWays } from "../guard/index.js";
import type { TunnelSide } from "../model/index.js";
import { interfaceIds, type InterfaceId } from "../vendors/linux/links.js";
import { protectedBy } from "./plan.js";

export interface Guarding {
  readonly prefixes: readonly string[];
  readonly ways: GuardWays;
}

/** Segments are not made smaller than what every path must carry (RFC 9293 section 3.7.1). */
const MOST_CAREFUL = 536;

/** @param sides those that are switched on */
export function guardingOf(
  sides: readonly TunnelSide[],
  ids: ReadonlyMap<string, InterfaceId> = interfaceIds(sides),
): Guarding {
  // The device's own name: what is configured may be a wildcard of the packet filter, or no name at all.
  const interfaces = sides.flatMap(({ tunnel, binding }) =>
    binding.kind === "interface" ? (ids.get(tunnel)?.name ?? []) : [],
  );
  return {
    prefixes: sides.flatMap(protectedBy),
    ways: { interfaces: [...new Set(interfaces)].sort(), segment: smallestSegment(sides) },
  };
}

/** One size for all tunnels: what fits into the narrowest that asks for it. */
function smallestSegment(sides: readonly TunnelSide[]): GuardWays["segment"] {
  const reports = sides.filter(({ mtu }) => mtu.clampMss).map((side) => tunnelMtu(side));
  if (reports.length === 0) return undefined;
  return {
    four: Math.max(MOST_CAREFUL, Math.min(...reports.map(({ mss4 }) => mss4))),
    six: Math.max(MOST_CAREFUL, Math.min(...reports.map(({ mss6 }) => mss6))),
  };
}
