/**
 * Key exchanges with a post-quantum part (RFC 9370): where they can be had, and what a tunnel proposes where
 * they cannot. Without the operator's leave nothing falls back to a classical exchange.
 */
import { groupRow } from "./algorithms.js";
import type { Gateway } from "./gateway.js";
import type { EspProposal, IkeProposal } from "./proposal.js";

/** The first strongSwan with ML-KEM. */
const STRONGSWAN_MAJOR = 6;

/** Why the gateway has no ML-KEM, a sentence; undefined where it has. */
export function hybridGap({ name, vendor, version }: Gateway): string | undefined {
  if (vendor !== "strongswan") return `${name} (${vendor}) has no ML-KEM`;
  if (version === undefined)
    return `the version of ${name} is not told, so ML-KEM cannot be relied on`;
  if (parseInt(version, 10) >= STRONGSWAN_MAJOR) return undefined;
  return `${name} runs strongSwan ${version}; ML-KEM comes with ${STRONGSWAN_MAJOR}.0`;
}

export function isHybrid({ additional }: IkeProposal | EspProposal): boolean {
  return additional.some((group) => groupRow(group).quantumSafe === true);
}

/**
 * What an end proposes. With leave to fall back: hybrids first where it has them, classical ones behind.
 * Without: as written.
 */
export function proposalsFor<T extends IkeProposal | EspProposal>(
  proposals: readonly T[],
  gateway: Gateway,
  mayFallBack: boolean,
): readonly T[] {
  if (!mayFallBack || !proposals.some(isHybrid)) return proposals;
  const hybrids = hybridGap(gateway) === undefined ? proposals.filter(isHybrid) : [];
  const classical = proposals.map((one) => (isHybrid(one) ? { ...one, additional: [] } : one));
  const seen = new Set<string>();
  return [...hybrids, ...classical].filter((one) => {
    const text = JSON.stringify(one);
    if (seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}
