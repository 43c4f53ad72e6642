/**
 * Best path by full re-selection, one step after the other (RFC 4271 section 9.1.2.2, RFC 4456
 * section 9, RFC 9494 section 4.4, RFC 7432 section 15 inside one key). A step keeps those that are
 * as good as the best.
 */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import {
  asPathLength,
  clusterList,
  Code,
  Community,
  hasCommunity,
  mobilityOf,
  neighbourAs,
  numberOf,
  type Attributes,
} from "./attributes.js";
import { esiOf, NO_ESI, routeTypeOf } from "./nlri.js";

export interface Candidate {
  readonly family: Family;
  /** NLRI as received, hex. */
  readonly nlri: string;
  readonly attributes: Attributes;
  readonly ibgp: boolean;
  /** BGP identifier of the session it came from. */
  readonly peerId: number;
  readonly peerAddress: string;
  /** As received with ADD-PATH; 0 without. */
  readonly pathId: number;
}

export function selectBest<T extends Candidate>(
  candidates: readonly T[],
  compareMobility: boolean,
): T | undefined {
  if (candidates.length === 0) return undefined;
  const fresh = lowest(candidates, (one) =>
    hasCommunity(one.attributes, Community.LlgrStale) ? 1 : 0,
  );
  const first = fresh[0];
  const mobile =
    compareMobility &&
    first !== undefined &&
    first.family === Family.Evpn &&
    routeTypeOf(first.nlri) === 2;
  return ordinary(mobile ? mobilityWinners(fresh) : fresh)[0];
}

export function originatorOf(one: Candidate): number {
  return numberOf(one.attributes, Code.OriginatorId) ?? one.peerId;
}

/**
 * What mobility leaves over. Copies of one originator are one word, the one that ordinary steps
 * prefer; a word is out when another originator's, not of the same segment, outranks it.
 */
function mobilityWinners<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  const rank = wrapRank(candidates);
  const originators = [...new Set(candidates.map(originatorOf))];
  const words = originators.map(
    (originator) => ordinary(candidates.filter((one) => originatorOf(one) === originator))[0] as T,
  );
  const outranks = (a: T, b: T): boolean => {
    if (sameSegment(a, b)) return false;
    const [aSticky, bSticky] = [a, b].map((one) => mobilityOf(one.attributes).sticky);
    return aSticky === bSticky ? rank(a) > rank(b) : aSticky === true;
  };
  const out = words.filter((word) => words.some((other) => outranks(other, word)));
  const gone = out.map(originatorOf);
  return candidates.filter((one) => !gone.includes(originatorOf(one)));
}

function sameSegment(a: Candidate, b: Candidate): boolean {
  const esi = esiOf(a.nlri);
  return esi !== NO_ESI && esi === esiOf(b.nlri);
}

/** Unsigned order; 1 to 0xFFFF count as wrapped when something of 0xFFFF0000 or more is there. */
function wrapRank(candidates: readonly Candidate[]): (one: Candidate) => number {
  const sequences = candidates.map((one) => mobilityOf(one.attributes).sequence);
  const small = (sequence: number): boolean => sequence >= 1 && sequence <= 0xffff;
  const wraps = sequences.some((one) => one >= 0xffff0000) && sequences.some(small);
  return (one) => {
    const { sequence } = mobilityOf(one.attributes);
    return wraps && small(sequence) ? sequence + 2 ** 32 : sequence;
  };
}

function ordinary<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  let left = candidates;
  left = lowest(left, (one) => -(numberOf(one.attributes, Code.LocalPref) ?? 100));
  left = lowest(left, (one) => asPathLength(one.attributes));
  left = lowest(left, (one) => numberOf(one.attributes, Code.Origin) ?? 0);
  left = lowestMed(left);
  left = lowest(left, (one) => (one.ibgp ? 1 : 0));
  left = lowest(left, originatorOf);
  left = lowest(left, (one) => clusterList(one.attributes).length);
  left = lowest(left, (one) => addressNumber(one.peerAddress));
  return lowest(left, (one) => one.pathId);
}

/** MED decides only between routes of one neighbouring AS. */
function lowestMed<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  const med = (one: T): number => numberOf(one.attributes, Code.Med) ?? 0;
  return candidates.filter((one) =>
    candidates.every(
      (other) =>
        neighbourAs(other.attributes) !== neighbourAs(one.attributes) || med(other) >= med(one),
    ),
  );
}

function lowest<T>(list: readonly T[], measure: (one: T) => number): readonly T[] {
  const least = Math.min(...list.map(measure));
  return list.filter((one) => measure(one) === least);
}

function addressNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
