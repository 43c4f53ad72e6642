/** The route-target options of a peer that passed the schema, to settings. */
import { INTEREST_DEFAULTS, type InterestOptions } from "../bgp/policy/interest-options.js";
import { parseExtendedCommunity, parseRouteTarget } from "../fast-bgp-codec/index.js";

export interface InterestEntry {
  "route-targets"?: string[];
  "allow-route-targets"?: string[];
  "route-target-inference"?: InterestOptions["inference"];
  "route-target-inference-hold"?: number;
  "default-membership"?: boolean;
}

export const INTEREST_ENTRY_DEFAULTS = {
  "route-target-inference": INTEREST_DEFAULTS.inference,
  "route-target-inference-hold": INTEREST_DEFAULTS.inferenceHold,
  "default-membership": INTEREST_DEFAULTS.defaultMembership,
} as const;

/** Eight octets from `65000:100`, `192.0.2.1:100`, `4200000001:100`, `65000L:100` or `es-import:MAC`. */
export function parseImportTarget(text: string): Uint8Array | undefined {
  return text.startsWith("es-import:") ? parseExtendedCommunity(text) : parseRouteTarget(text);
}

export function interestOptions(entry: InterestEntry): InterestOptions {
  return {
    targets: hexOf(entry["route-targets"]),
    allowed: hexOf(entry["allow-route-targets"]),
    inference: entry["route-target-inference"] ?? INTEREST_DEFAULTS.inference,
    inferenceHold: entry["route-target-inference-hold"] ?? INTEREST_DEFAULTS.inferenceHold,
    defaultMembership: entry["default-membership"] ?? INTEREST_DEFAULTS.defaultMembership,
  };
}

/** In order and each once, so that equal sets are equal lists. */
function hexOf(texts: readonly string[] | undefined): readonly string[] | undefined {
  if (texts === undefined) return undefined;
  const targets = texts.flatMap((text) => {
    const octets = parseImportTarget(text);
    return octets === undefined ? [] : [Buffer.from(octets).toString("hex")];
  });
  return [...new Set(targets)].sort();
}
