/**
 * Attribute sets that are larger than a peer's limits allow: in octets, communities, cluster ids or AS
 * numbers. Looked at in canonical form, before the set costs the table anything.
 */
import { readU16, readU8 } from "../../util/bytes.js";
import type { AttributeLimits } from "./settings.js";

/** Which limit a set exceeds, in the order in which they are tried. */
export const AttributeExcess = {
  None: 0,
  Size: 1,
  Communities: 2,
  ClusterList: 3,
  AsPath: 4,
} as const;
export type AttributeExcess = (typeof AttributeExcess)[keyof typeof AttributeExcess];

/** Indexed by `AttributeExcess`: the words for people. */
export const ATTRIBUTE_EXCESSES: readonly string[] = [
  "within its limits",
  "more octets of attributes than allowed",
  "more communities than allowed",
  "a longer CLUSTER_LIST than allowed",
  "a longer AS_PATH than allowed",
];

/** Octets of one community by attribute code (RFC 1997, RFC 4360, RFC 5701, RFC 8092); 0 elsewhere. */
function communityOctets(code: number): number {
  switch (code) {
    case 8:
      return 4;
    case 16:
      return 8;
    case 25:
      return 20;
    case 32:
      return 12;
    default:
      return 0;
  }
}

/** Looks at the canonical attributes `bytes[start, end)`. Hot where limits are set: allocates nothing. */
export function attributeExcess(
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: AttributeLimits,
): AttributeExcess {
  if (limits.size > 0 && end - start > limits.size) return AttributeExcess.Size;
  let communities = 0;
  let at = start;
  while (at < end) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    const code = readU8(bytes, at + 1);
    const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
    const value = at + (extended ? 4 : 3);
    at = value + length;
    if (code === 2 && limits.asPath > 0 && asNumbers(bytes, value, at) > limits.asPath) {
      return AttributeExcess.AsPath;
    }
    if (code === 10 && limits.clusterList > 0 && length >>> 2 > limits.clusterList) {
      return AttributeExcess.ClusterList;
    }
    const octets = communityOctets(code);
    if (octets > 0) communities += Math.floor(length / octets);
  }
  return limits.communities > 0 && communities > limits.communities
    ? AttributeExcess.Communities
    : AttributeExcess.None;
}

/** AS numbers of 4 octets in the segments of `bytes[start, end)`. */
function asNumbers(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let at = start; at + 2 <= end; at += 2 + 4 * readU8(bytes, at + 1)) {
    count += readU8(bytes, at + 1);
  }
  return count;
}

/** Whether some limit of `after` lets through what the same one of `before` did not. */
export function isRelaxed(before: AttributeLimits, after: AttributeLimits): boolean {
  const names = Object.keys(before) as (keyof AttributeLimits)[];
  return names.some(
    (name) => before[name] > 0 && (after[name] === 0 || after[name] > before[name]),
  );
}
