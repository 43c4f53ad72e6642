/**
 * Path attributes for the model: a list of {code, flags, value in hex}, ascending by code, AS
 * numbers with 4 octets, and what RFC 4271, RFC 4456 and RFC 1997 read from them.
 */
import { chunks, hexOf, numberAt, octetsIn, slice } from "./hex.js";

export interface Attribute {
  readonly code: number;
  /** The four upper flag bits, without extended length. */
  readonly flags: number;
  readonly value: string;
  /** A false length to write, for a fault. */
  readonly declared?: number;
}
export type Attributes = readonly Attribute[];

export const Code = {
  Origin: 1,
  AsPath: 2,
  NextHop: 3,
  Med: 4,
  LocalPref: 5,
  AtomicAggregate: 6,
  Aggregator: 7,
  Communities: 8,
  OriginatorId: 9,
  ClusterList: 10,
  MpReach: 14,
  MpUnreach: 15,
  ExtendedCommunities: 16,
  As4Path: 17,
  As4Aggregator: 18,
  PmsiTunnel: 22,
  LargeCommunities: 32,
} as const;

/** Optional codes the sheets name; the others that come optional are unknown. */
const KNOWN = new Set<number>([
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 22, 23, 24, 25, 26, 29, 32, 35, 40, 128,
]);

export interface Segment {
  readonly type: number;
  readonly as: readonly number[];
}

export function find(attributes: Attributes, code: number): string | undefined {
  return attributes.find((one) => one.code === code)?.value;
}

export function without(attributes: Attributes, ...codes: number[]): Attributes {
  return attributes.filter((one) => !codes.includes(one.code));
}

/** Replaces or adds. */
export function put(
  attributes: Attributes,
  code: number,
  flags: number,
  value: string,
): Attributes {
  return [...without(attributes, code), { code, flags, value }].sort((a, b) => a.code - b.code);
}

export function segmentsOf(value: string): Segment[] {
  const out: Segment[] = [];
  for (let at = 0; at < octetsIn(value);) {
    const count = numberAt(value, at + 1, 1);
    const as = chunks(slice(value, at + 2, count * 4), 4).map((one) => parseInt(one, 16));
    out.push({ type: numberAt(value, at, 1), as });
    at += 2 + count * 4;
  }
  return out;
}

export function asPathValue(segments: readonly Segment[], octets: 2 | 4 = 4): string {
  return segments
    .map(
      ({ type, as }) =>
        hexOf(type, 1) +
        hexOf(as.length, 1) +
        as.map((one) => hexOf(octets === 2 && one > 0xffff ? 23456 : one, octets)).join(""),
    )
    .join("");
}

/** RFC 4271 section 9.1.2.2 a, RFC 5065: a set counts one, confederation segments nothing. */
export function asPathLength(attributes: Attributes): number {
  let length = 0;
  for (const { type, as } of segmentsOf(find(attributes, Code.AsPath) ?? "")) {
    if (type === 2) length += as.length;
    if (type === 1) length += 1;
  }
  return length;
}

export function asCount(attributes: Attributes, as: number): number {
  return segmentsOf(find(attributes, Code.AsPath) ?? "")
    .flatMap((segment) => segment.as)
    .filter((one) => one === as).length;
}

/** The neighbouring AS of RFC 4271 section 9.1.2.2 c; 0 stands for our own. */
export function neighbourAs(attributes: Attributes): number {
  const first = segmentsOf(find(attributes, Code.AsPath) ?? "")[0];
  return first?.type === 2 ? (first.as[0] ?? 0) : 0;
}

export function numberOf(attributes: Attributes, code: number): number | undefined {
  const value = find(attributes, code);
  return value === undefined ? undefined : parseInt(value, 16);
}

export function clusterList(attributes: Attributes): number[] {
  return chunks(find(attributes, Code.ClusterList) ?? "", 4).map((one) => parseInt(one, 16));
}

export const Community = {
  NoExport: 0xffffff01,
  NoAdvertise: 0xffffff02,
  NoExportSubconfed: 0xffffff03,
  GracefulShutdown: 0xffff0000,
  LlgrStale: 0xffff0006,
  NoLlgr: 0xffff0007,
} as const;

export function hasCommunity(attributes: Attributes, community: number): boolean {
  return chunks(find(attributes, Code.Communities) ?? "", 4).includes(hexOf(community, 4));
}

export interface Mobility {
  readonly sticky: boolean;
  readonly sequence: number;
}

/** RFC 7432 section 7.7; absent is sequence 0, not sticky. */
export function mobilityOf(attributes: Attributes): Mobility {
  const value = chunks(find(attributes, Code.ExtendedCommunities) ?? "", 8).find((one) =>
    one.startsWith("0600"),
  );
  if (value === undefined) return { sticky: false, sequence: 0 };
  return { sticky: (numberAt(value, 2, 1) & 1) === 1, sequence: numberAt(value, 4, 4) };
}

/** What is left of a received attribute set when import has done its work (RFC 7606, RFC 4271 section 5). */
export function importAttributes(attributes: Attributes, ibgp: boolean): Attributes {
  return attributes
    .filter(
      ({ code, flags }) =>
        (KNOWN.has(code) || (flags & 0x40) !== 0) &&
        (ibgp ||
          (code !== Code.LocalPref && code !== Code.OriginatorId && code !== Code.ClusterList)),
    )
    .map((one) => {
      if (!KNOWN.has(one.code)) return { ...one, flags: one.flags | 0x20 };
      if (one.code === Code.LargeCommunities) {
        return { ...one, value: [...new Set(chunks(one.value, 12))].join("") };
      }
      return one;
    })
    .sort((a, b) => a.code - b.code);
}

/** iBGP to iBGP (RFC 4456 section 8). */
export function reflect(attributes: Attributes, sourceId: number, clusterId: number): Attributes {
  const withOriginator =
    find(attributes, Code.OriginatorId) === undefined
      ? put(attributes, Code.OriginatorId, 0x80, hexOf(sourceId, 4))
      : attributes;
  const list = find(attributes, Code.ClusterList) ?? "";
  return put(withOriginator, Code.ClusterList, 0x80, hexOf(clusterId, 4) + list);
}

/** eBGP to iBGP: what RFC 4271 section 5.1.5 asks for unless a rule of ours set it, nothing of reflection. */
export function fromEbgp(attributes: Attributes): Attributes {
  if (find(attributes, Code.LocalPref) !== undefined) return attributes;
  return put(attributes, Code.LocalPref, 0x40, hexOf(100, 4));
}

/** With a community more, at the end. */
export function withCommunity(attributes: Attributes, community: number): Attributes {
  if (hasCommunity(attributes, community)) return attributes;
  const before = attributes.find((one) => one.code === Code.Communities);
  const value = (before?.value ?? "") + hexOf(community, 4);
  return put(attributes, Code.Communities, before?.flags ?? 0xc0, value);
}

/** To an eBGP peer, from whomever. */
export function toEbgp(attributes: Attributes, ownAs: number): Attributes {
  const segments = segmentsOf(find(attributes, Code.AsPath) ?? "");
  const first = segments[0];
  const path =
    first !== undefined && first.type === 2 && first.as.length < 255
      ? [{ type: 2, as: [ownAs, ...first.as] }, ...segments.slice(1)]
      : [{ type: 2, as: [ownAs] }, ...segments];
  const kept = chunks(find(attributes, Code.ExtendedCommunities) ?? "", 8).filter(
    (one) => (numberAt(one, 0, 1) & 0x40) === 0,
  );
  const stripped = without(
    attributes,
    Code.Med,
    Code.LocalPref,
    Code.OriginatorId,
    Code.ClusterList,
  )
    .map((one) => (one.code === Code.ExtendedCommunities ? { ...one, value: kept.join("") } : one))
    .filter((one) => one.code !== Code.ExtendedCommunities || one.value !== "");
  return put(stripped, Code.AsPath, 0x40, asPathValue(path));
}

/** One string per set, whatever order and flag habits it came with. */
export function attributesText(attributes: Attributes): string {
  return [...attributes]
    .sort((a, b) => a.code - b.code)
    .map(({ code, flags, value }) => `${code}/${hexOf(flags & 0xe0, 1)}=${value}`)
    .join(" ");
}
