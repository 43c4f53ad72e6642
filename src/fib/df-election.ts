/**
 * Designated forwarder election as the PEs of a segment do it, from their type 4 routes alone: a pure
 * function. RFC 7432 section 8.5 (modulo), RFC 8584 (HRW, AC-influenced, consistency), RFC 9785
 * (preference).
 *
 * All PEs must announce the same algorithm and the same capabilities, else everybody falls back to the
 * modulo of RFC 7432 without any (RFC 8584 section 2.2). The don't-preempt bit is a PE's own word and need
 * not agree.
 */
import { crc32 } from "node:zlib";
import { readI32, writeU32 } from "../util/bytes.js";

export const DfAlgorithm = {
  Modulo: 0,
  Hrw: 1,
  HighestPreference: 2,
  LowestPreference: 3,
} as const;

const AC_DF = 0x4000;
const DONT_PREEMPT = 0x8000;

export interface DfCandidate {
  /** Originating router, 4 or 16 octets. */
  readonly address: Uint8Array;
  /** Of its DF election community; 0 without one. */
  readonly algorithm: number;
  readonly bitmap: number;
  readonly preference: number;
  /** Whether it has per-ES, and for this tag per-EVI A-D routes: asked under AC-DF only. */
  readonly perEs: boolean;
  readonly perEvi: boolean;
}

export interface DfResult {
  /** The algorithm used. */
  readonly algorithm: number;
  readonly acDf: boolean;
  /** The PEs do not agree on algorithm or capabilities. */
  readonly disagree: boolean;
  /** Index of the forwarder among the candidates, -1 for none. */
  readonly winner: number;
  /** Indexes of those that stood, best first. */
  readonly order: readonly number[];
  /** For people. */
  readonly reason: string;
}

/**
 * @param tag what the service is carved by: Ethernet tag, lowest VLAN of a bundle, or VNI (RFC 8365 section 8.1.5)
 * @param assume only this algorithm and bitmap, whatever was announced: what a PE that disagrees would do
 */
export function electForwarder(
  candidates: readonly DfCandidate[],
  esi: Uint8Array,
  tag: number,
  assume?: { readonly algorithm: number; readonly bitmap: number },
): DfResult {
  const first = candidates[0];
  const disagree =
    first !== undefined &&
    candidates.some(
      (one) =>
        one.algorithm !== first.algorithm ||
        ((one.bitmap ^ first.bitmap) & ~DONT_PREEMPT & 0xffff) !== 0,
    );
  const said = assume ?? (disagree ? undefined : first);
  const algorithm = isKnown(said?.algorithm) ? said.algorithm : DfAlgorithm.Modulo;
  const acDf = said !== undefined && (said.bitmap & AC_DF) !== 0;
  const standing = candidates
    .map((_, index) => index)
    .filter((index) => !acDf || (candidates[index]!.perEs && candidates[index]!.perEvi));
  const { order, reason } = rank(candidates, standing, algorithm, esi, tag);
  const why = [
    disagree && assume === undefined
      ? "the PEs announce different algorithms or capabilities, so RFC 7432's default"
      : "",
    acDf && standing.length < candidates.length
      ? `${candidates.length - standing.length} without A-D routes left out (AC-DF)`
      : "",
    order.length === 0 ? "no candidate" : order.length === 1 ? "the only candidate" : reason,
  ].filter((part) => part !== "");
  return { algorithm, acDf, disagree, winner: order[0] ?? -1, order, reason: why.join("; ") };
}

/** HRW weight (RFC 8584 section 3.2): modulo 2^31, from the low 31 bits of the address and the digest of tag and ESI. */
export function hrwWeight(address: Uint8Array, esi: Uint8Array, tag: number): number {
  const key = new Uint8Array(14);
  writeU32(key, 0, tag);
  key.set(esi.subarray(0, 10), 4);
  const digest = crc32(key) & 0x7fffffff;
  const server = readI32(address, address.length - 4) & 0x7fffffff;
  const inner = (Math.imul(1103515245, server) + 12345) ^ digest;
  return (Math.imul(1103515245, inner) + 12345) & 0x7fffffff;
}

function isKnown(algorithm: number | undefined): algorithm is number {
  return algorithm !== undefined && algorithm <= DfAlgorithm.LowestPreference;
}

function rank(
  candidates: readonly DfCandidate[],
  standing: readonly number[],
  algorithm: number,
  esi: Uint8Array,
  tag: number,
): { order: number[]; reason: string } {
  const byAddress = [...standing].sort((a, b) =>
    compareAddresses(candidates[a]!.address, candidates[b]!.address),
  );
  switch (algorithm) {
    case DfAlgorithm.Hrw: {
      const weights = candidates.map(({ address }) => hrwWeight(address, esi, tag));
      const order = stableSort(byAddress, (a, b) => weights[b]! - weights[a]!);
      return { order, reason: `highest random weight for tag ${tag}` };
    }
    case DfAlgorithm.HighestPreference:
    case DfAlgorithm.LowestPreference: {
      const sign = algorithm === DfAlgorithm.HighestPreference ? -1 : 1;
      const order = stableSort(byAddress, (a, b) => {
        const byPreference = candidates[a]!.preference - candidates[b]!.preference;
        return byPreference !== 0
          ? sign * byPreference
          : preempts(candidates[b]!) - preempts(candidates[a]!);
      });
      return { order, reason: preferenceReason(candidates, order, algorithm) };
    }
    default: {
      const ordinal = byAddress.length === 0 ? 0 : tag % byAddress.length;
      const order = [...byAddress.slice(ordinal), ...byAddress.slice(0, ordinal)];
      return { order, reason: `${tag} modulo ${byAddress.length} PEs is ordinal ${ordinal}` };
    }
  }
}

function preferenceReason(
  candidates: readonly DfCandidate[],
  order: readonly number[],
  algorithm: number,
): string {
  const [a, b] = [candidates[order[0] ?? 0], candidates[order[1] ?? 0]];
  if (a === undefined || b === undefined || order.length < 2) return "";
  const which = algorithm === DfAlgorithm.HighestPreference ? "highest" : "lowest";
  if (a.preference !== b.preference) return `${which} preference ${a.preference}`;
  return preempts(a) !== preempts(b)
    ? `preference ${a.preference} shared, don't-preempt set`
    : `preference ${a.preference} shared, lowest address`;
}

function preempts(candidate: DfCandidate): number {
  return (candidate.bitmap & DONT_PREEMPT) !== 0 ? 1 : 0;
}

/** `Array.sort` is stable: ties keep the order by address. */
function stableSort(list: readonly number[], compare: (a: number, b: number) => number): number[] {
  return [...list].sort(compare);
}

/** Numeric; IPv4 below IPv6 (RFC 9785 section 4.1). */
export function compareAddresses(a: Uint8Array, b: Uint8Array): number {
  return a.length - b.length || Buffer.compare(a, b);
}
