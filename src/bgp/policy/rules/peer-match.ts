/** Whose route it is, against a rule's `peer` condition: once per session and rule. */
import { parseIp } from "../../../fast-bgp-codec/values/ip.js";
import { PrefixSet } from "./prefix-set.js";
import type { PeerPattern } from "./settings.js";

/** A route's source as rules see it. */
export interface RouteSource {
  /** IP address as text, a zone behind it allowed. */
  readonly address: string;
  /** Peer group and the groups it inherits from; empty for none. */
  readonly groups: readonly string[];
}

export function matchesPeer(pattern: PeerPattern, source: RouteSource): boolean {
  if ("group" in pattern) return source.groups.includes(pattern.group);
  const octets = parseIp(source.address.split("%")[0]!);
  if (octets === undefined) return false;
  return new PrefixSet([pattern]).has(octets, 0, octets.length, 8 * octets.length);
}
