/**
 * NLRI of every family as objects, in the field names of evpnctl and the API. In the tables they stay
 * octets; this is for display, tests and what we announce ourselves.
 */
import { readU32, writeU32 } from "../util/bytes.js";
import { decodeEvpnNlri, encodeEvpnNlri, formatEvpnNlri } from "./evpn/nlri.js";
import type { EvpnNlri } from "./evpn/types.js";
import { Family } from "./family.js";
import { NlriScan, scanNlri } from "./nlri-scan.js";
import { decodePrefix, encodePrefix, type PrefixNlri } from "./prefix.js";
import {
  decodeMembership,
  encodeMembership,
  formatMembership,
  type RouteTargetMembership,
} from "./route-target-nlri.js";
import {
  decodeVpnPrefix,
  encodeVpnPrefix,
  formatVpnPrefix,
  type VpnPrefixNlri,
} from "./vpn-prefix.js";

/** `pathId` is there with ADD-PATH only (RFC 7911). */
export type DecodedNlri = (EvpnNlri | PrefixNlri | VpnPrefixNlri | RouteTargetMembership) & {
  readonly pathId?: number;
};

/** The one NLRI in `bytes[start, end)`, behind its path id; `scanNlri` found where it ends. */
export function decodeNlri(
  family: Family,
  bytes: Uint8Array,
  start: number,
  end: number,
): DecodedNlri {
  switch (family) {
    case Family.Evpn:
      return decodeEvpnNlri(bytes, start, end);
    case Family.RouteTarget:
      return decodeMembership(bytes, start, end);
    case Family.Ipv4Unicast:
    case Family.Ipv6Unicast:
      return decodePrefix(family, bytes, start, end);
    case Family.Ipv4Vpn:
    case Family.Ipv6Vpn:
      return decodeVpnPrefix(family, bytes, start, end);
  }
}

/** Octets without path id. Throws RangeError for values that are none. */
export function encodeNlri(_family: Family, nlri: DecodedNlri): Uint8Array {
  if ("type" in nlri) return encodeEvpnNlri(nlri);
  if ("labels" in nlri) return encodeVpnPrefix(nlri);
  if ("prefix" in nlri) return encodePrefix(nlri);
  return encodeMembership(nlri);
}

/** One line for people. */
export function formatNlri(_family: Family, nlri: DecodedNlri): string {
  if ("type" in nlri) return formatEvpnNlri(nlri);
  if ("labels" in nlri) return formatVpnPrefix(nlri);
  if ("prefix" in nlri) return nlri.prefix;
  return formatMembership(nlri);
}

const scan = new NlriScan();

/** All NLRI of a field, or undefined when they cannot be told apart. */
export function decodeNlriField(
  family: Family,
  bytes: Uint8Array,
  start: number,
  end: number,
  addPath: boolean,
): DecodedNlri[] | undefined {
  const list: DecodedNlri[] = [];
  for (let at = start; at < end;) {
    const next = scanNlri(family, bytes, at, end, addPath, scan);
    if (next < 0) return undefined;
    const first = addPath ? at + 4 : at;
    const nlri = decodeNlri(family, bytes, first, next);
    list.push(addPath ? { pathId: readU32(bytes, at), ...nlri } : nlri);
    at = next;
  }
  return list;
}

/** The octets of a field; NLRI with a `pathId` carry it. */
export function encodeNlriField(family: Family, list: readonly DecodedNlri[]): Uint8Array {
  return Buffer.concat(
    list.map((nlri) => {
      const octets = encodeNlri(family, nlri);
      if (nlri.pathId === undefined) return octets;
      const bytes = new Uint8Array(4 + octets.length);
      writeU32(bytes, 0, nlri.pathId);
      bytes.set(octets, 4);
      return bytes;
    }),
  );
}
