/**
 * Policies as the configuration hands them over: plain data in one normal form, so that equal text
 * means an equal policy and the whole can cross threads. Octets are lower-case hex.
 *
 * All conditions of a match must hold; of the values of one condition one is enough. What is left out
 * holds always. A rule that matches applies `set`; then `accept`, `reject` and `quarantine` decide and
 * end the chain, `continue` goes on with the next rule, which sees what was set.
 */
import type { Family } from "../../../fast-bgp-codec/family.js";

/** Octets that must be equal where the mask has ones. */
export interface OctetPattern {
  readonly value: string;
  readonly mask: string;
}

/** Inclusive. */
export type NumberRange = readonly [from: number, to: number];

/** A prefix and the lengths that count under it: `10.0.0.0/8 ge 16 le 24`. */
export interface PrefixPattern {
  /** 4 or 16 octets, host bits 0. */
  readonly octets: string;
  readonly bits: number;
  readonly least: number;
  readonly most: number;
}

/** Whose route it is: an address or prefix, or a peer group. */
export type PeerPattern = PrefixPattern | { readonly group: string };

export interface MatchSettings {
  readonly families?: readonly Family[];
  /** EVPN route types. */
  readonly routeTypes?: readonly number[];
  readonly rds?: readonly OctetPattern[];
  readonly esis?: readonly OctetPattern[];
  readonly ethernetTags?: readonly NumberRange[];
  readonly macs?: readonly OctetPattern[];
  /** Host address of a MAC/IP route, originating router of types 3 and 4. */
  readonly hosts?: readonly PrefixPattern[];
  /** Prefix of an IP or VPN route, and of EVPN type 5. */
  readonly prefixes?: readonly PrefixPattern[];
  /** 24 bits of the first label; of type 3 that of the PMSI tunnel. */
  readonly vnis?: readonly NumberRange[];
  /** Its high 20 bits. */
  readonly labels?: readonly NumberRange[];
  readonly routeTargets?: readonly OctetPattern[];
  readonly communities?: readonly OctetPattern[];
  readonly extendedCommunities?: readonly OctetPattern[];
  readonly largeCommunities?: readonly OctetPattern[];
  readonly peers?: readonly PeerPattern[];
  readonly nextHops?: readonly PrefixPattern[];
  readonly asPathLength?: readonly NumberRange[];
  /** Any AS of the path; its last; its first. */
  readonly asPathContains?: readonly NumberRange[];
  readonly asPathOrigin?: readonly NumberRange[];
  readonly asPathNeighbor?: readonly NumberRange[];
  /** `AsPathPattern` texts. */
  readonly asPathPatterns?: readonly string[];
  readonly localPreference?: readonly NumberRange[];
  readonly med?: readonly NumberRange[];
  /** MAC mobility sequence; 0 when the route has none. */
  readonly mobilitySequence?: readonly NumberRange[];
}

/** In this order: `set` replaces all, `remove` takes away, `add` adds what is not there. */
export interface CommunityAction {
  readonly set?: readonly string[];
  readonly remove?: readonly OctetPattern[];
  readonly add?: readonly string[];
}

export interface ActionSettings {
  readonly communities?: CommunityAction;
  readonly extendedCommunities?: CommunityAction;
  readonly largeCommunities?: CommunityAction;
  /** As `extendedCommunities`, on route targets alone. */
  readonly routeTargets?: CommunityAction;
  readonly localPreference?: number;
  readonly med?: number;
  /** `self`, or octets of an address. */
  readonly nextHop?: string;
  /** eBGP only. Without `as` our own. */
  readonly prepend?: { readonly as: number | undefined; readonly count: number };
}

export type Verdict = "accept" | "reject" | "quarantine" | "continue";

export interface RuleSettings {
  /** Empty when it has none. */
  readonly name: string;
  /** The rule as it was written, on one line, for people. */
  readonly text: string;
  readonly match: MatchSettings;
  readonly set: ActionSettings;
  readonly then: Verdict;
}

export interface PolicySettings {
  readonly name: string;
  readonly rules: readonly RuleSettings[];
}

export type DefaultVerdict = "accept" | "reject";

/** A peer's part: policies by name, in the order they are asked, and what holds when none decides. */
export interface PeerPolicy {
  readonly importPolicies: readonly string[];
  readonly exportPolicies: readonly string[];
  readonly importDefault: DefaultVerdict;
  readonly exportDefault: DefaultVerdict;
  /** The peer's group and those it inherits from, for rules that ask for the source's group. */
  readonly groups: readonly string[];
}

export const PEER_POLICY_DEFAULTS: PeerPolicy = {
  importPolicies: [],
  exportPolicies: [],
  importDefault: "accept",
  exportDefault: "accept",
  groups: [],
};
