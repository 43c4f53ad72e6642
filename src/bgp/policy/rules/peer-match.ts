/** Whose route it is, against a rule's `peer` condition: once per session and rule. */
import { parseIp } from "../../../fast-bgp-codec/values/ip.js";
import { PrefixSet } from "./prefix-set.js";
import type { PeerPattern, PrefixPattern } from "./settings.js";

/** A route's source as rules see it. */
export interface RouteSource {
  /** IP address as text, a zone behind it allowed. */
  readonly address: string;
  /** Peer group and the groups it inherits from; empty for none. */
  readonly groups: readonly string[];
}

export class PeerSet {
  private readonly groups = new Set<string>();
  private readonly prefixes: PrefixSet;

  constructor(patterns: readonly PeerPattern[]) {
    const prefixes: PrefixPattern[] = [];
    for (const pattern of patterns) {
      if ("group" in pattern) this.groups.add(pattern.group);
      else prefixes.push(pattern);
    }
    this.prefixes = new PrefixSet(prefixes);
  }

  /** @param address octets of the source's, undefined when it has none */
  has(source: RouteSource, address: Uint8Array | undefined): boolean {
    if (source.groups.some((group) => this.groups.has(group))) return true;
    if (address === undefined) return false;
    return this.prefixes.has(address, 0, address.length, 8 * address.length);
  }
}

export function addressOf(source: RouteSource): Uint8Array | undefined {
  return parseIp(source.address.split("%")[0]!);
}
