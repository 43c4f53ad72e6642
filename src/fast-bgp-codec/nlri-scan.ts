/**
 * One NLRI on the hot path: where it ends, whether it is well formed, and which of its octets are
 * the route's key. Nothing is allocated; the result goes into a reused `NlriScan`.
 *
 * EVPN (RFC 7432 section 7): 1 route type | 1 length of the body | body; keys per type as in
 * RFC 7432 sections 7.1 to 7.4, RFC 9136 section 3.1, RFC 9251 section 9, RFC 9572 section 3.
 * IPv4 and IPv6 unicast (RFC 4271 section 4.3), route target membership (RFC 4684 section 4):
 *   1 length in bits | prefix octets
 * IPv4 and IPv6 VPN (RFC 4364 section 4.3.4, RFC 4659 section 3.2, RFC 8277 section 2):
 *   1 length in bits of what follows | 3 each label | 8 RD | prefix octets
 *   The key is RD, prefix and the prefix's length; the labels are not part of it.
 * With ADD-PATH (RFC 7911 section 3) a path id of 4 octets stands in front of either.
 */
import { copyBytes, readU24, readU32, readU8 } from "../util/bytes.js";
import { Family } from "./family.js";

export const NlriStatus = {
  Ok: 0,
  /** An EVPN route type we do not know; the whole body is key. */
  UnknownType: 1,
  /** The envelope is good, the body is not, and its key cannot be told. */
  Malformed: 2,
  /** The same, but the key could be read: what it names can be withdrawn. */
  MalformedKeyed: 3,
  /** It runs past the end: nothing behind it can be found. */
  Overrun: 4,
} as const;
export type NlriStatus = (typeof NlriStatus)[keyof typeof NlriStatus];

/** One NLRI, reused. Offsets are absolute in the scanned bytes. */
export class NlriScan {
  /** Path id (RFC 7911), 0 without ADD-PATH. */
  pathId = 0;
  /** First octet behind the path id. */
  start = 0;
  /** Octets from `start` to the end of the NLRI. */
  length = 0;
  /**
   * EVPN route type; the length of the prefix in bits for VPN families, where the octets of the key do not
   * tell it; 0 for IP families and route targets.
   */
  routeType = 0;
  status: NlriStatus = NlriStatus.Ok;
  /** The key: route type, `keyLength` octets from `keyStart`, `tailLength` octets from `tailStart`. */
  keyStart = 0;
  keyLength = 0;
  tailStart = 0;
  tailLength = 0;
  /** The prefix has bits set beyond its length: `maskNlri` before keying. */
  hostBits = false;
}

/**
 * Scans the NLRI at `offset` of a field that ends at `end`.
 * @returns offset of the next NLRI, -1 on Overrun
 */
export function scanNlri(
  family: Family,
  bytes: Uint8Array,
  offset: number,
  end: number,
  addPath: boolean,
  out: NlriScan,
): number {
  let start = offset;
  out.pathId = 0;
  if (addPath) {
    if (start + 4 > end) return overrun(out, start);
    out.pathId = readU32(bytes, start);
    start += 4;
  }
  out.start = start;
  out.hostBits = false;
  out.tailStart = start;
  out.tailLength = 0;
  switch (family) {
    case Family.Evpn:
      return scanEvpn(bytes, start, end, out);
    case Family.Ipv4Unicast:
      return scanPrefix(bytes, start, end, 32, out);
    case Family.Ipv6Unicast:
      return scanPrefix(bytes, start, end, 128, out);
    case Family.RouteTarget:
      return scanRouteTarget(bytes, start, end, out);
    case Family.Ipv4Vpn:
      return scanVpn(bytes, start, end, 32, out);
    case Family.Ipv6Vpn:
      return scanVpn(bytes, start, end, 128, out);
  }
}

/** Copies the NLRI, without path id, to `target` with the bits beyond its prefix length cleared. Returns the end. */
export function maskNlri(
  family: Family,
  bytes: Uint8Array,
  scan: NlriScan,
  target: Uint8Array,
  at: number,
): number {
  const end = copyBytes(bytes, scan.start, scan.start + scan.length, target, at);
  if (scan.hostBits) {
    if (family === Family.Evpn) {
      const octets = scan.length === 36 ? 4 : 16;
      clearBits(target, at + 25, readU8(bytes, scan.start + 24), octets);
    } else {
      clearBits(target, at + 1, readU8(bytes, scan.start), scan.length - 1);
    }
  }
  return end;
}

function clearBits(target: Uint8Array, at: number, bits: number, octets: number): void {
  let i = bits >>> 3;
  if (i < octets && (bits & 7) !== 0) {
    target[at + i] = readU8(target, at + i) & (0xff << (8 - (bits & 7)));
    i++;
  }
  for (; i < octets; i++) target[at + i] = 0;
}

function hasHostBits(bytes: Uint8Array, at: number, bits: number, octets: number): boolean {
  let i = bits >>> 3;
  if (i >= octets) return false;
  if ((bits & 7) !== 0) {
    if ((readU8(bytes, at + i) & (0xff >>> (bits & 7))) !== 0) return true;
    i++;
  }
  for (; i < octets; i++) if (readU8(bytes, at + i) !== 0) return true;
  return false;
}

function overrun(out: NlriScan, start: number): -1 {
  out.start = start;
  out.length = 0;
  out.keyStart = start;
  out.keyLength = 0;
  out.tailStart = start;
  out.tailLength = 0;
  out.hostBits = false;
  out.routeType = 0;
  out.status = NlriStatus.Overrun;
  return -1;
}

function scanPrefix(
  bytes: Uint8Array,
  start: number,
  end: number,
  most: number,
  out: NlriScan,
): number {
  if (start >= end) return overrun(out, start);
  const bits = readU8(bytes, start);
  const octets = (bits + 7) >>> 3;
  const next = start + 1 + octets;
  // Too many bits: the field cannot be trusted from here on (RFC 7606 section 5.3).
  if (bits > most || next > end) return overrun(out, start);
  out.length = 1 + octets;
  out.keyStart = start;
  out.keyLength = 1 + octets;
  out.routeType = 0;
  out.status = NlriStatus.Ok;
  out.hostBits = (bits & 7) !== 0 && hasHostBits(bytes, start + 1, bits, octets);
  return next;
}

/** Lengths from 1 to 31 bits and beyond 96 are not legal (RFC 4684 section 4). */
function scanRouteTarget(bytes: Uint8Array, start: number, end: number, out: NlriScan): number {
  const next = scanPrefix(bytes, start, end, 255, out);
  if (next < 0) return next;
  const bits = readU8(bytes, start);
  if (bits > 96 || (bits > 0 && bits < 32)) out.status = NlriStatus.Malformed;
  return next;
}

/** Stands where a withdrawal has no label to say (RFC 8277 section 2.4), and what older speakers write there. */
const WITHDRAWN_LABEL = 0x800000;
const WITHDRAWN_ZERO = 0;
const LABEL = 3;
const RD = 8;

/**
 * The label stack ends at the bottom-of-stack bit or at a withdrawal's label. Where it does not end in
 * front of an RD and at most `most` bits of prefix, nothing can be told (RFC 7606 section 5.3).
 */
function scanVpn(
  bytes: Uint8Array,
  start: number,
  end: number,
  most: number,
  out: NlriScan,
): number {
  if (start >= end) return overrun(out, start);
  const bits = readU8(bytes, start);
  const octets = (bits + 7) >>> 3;
  const next = start + 1 + octets;
  if (next > end) return overrun(out, start);
  let left = bits - 8 * RD;
  let at = start + 1;
  let label: number;
  do {
    left -= 8 * LABEL;
    if (left < 0) return overrun(out, start);
    label = readU24(bytes, at);
    at += LABEL;
  } while ((label & 1) === 0 && label !== WITHDRAWN_LABEL && label !== WITHDRAWN_ZERO);
  if (left > most) return overrun(out, start);
  out.length = 1 + octets;
  out.keyStart = at;
  out.keyLength = next - at;
  out.routeType = left;
  out.status = NlriStatus.Ok;
  out.hostBits = (bits & 7) !== 0 && hasHostBits(bytes, start + 1, bits, octets);
  return next;
}

function scanEvpn(bytes: Uint8Array, start: number, end: number, out: NlriScan): number {
  if (start + 2 > end) return overrun(out, start);
  const size = readU8(bytes, start + 1);
  const next = start + 2 + size;
  if (next > end) return overrun(out, start);
  const type = readU8(bytes, start);
  out.length = 2 + size;
  out.routeType = type;
  out.keyStart = start + 2;
  out.keyLength = size;
  switch (type) {
    case 2:
      out.status = scanMacIp(bytes, start, size, out);
      break;
    case 1:
      if (size >= 22) out.keyLength = 22;
      out.status =
        size === 25 ? NlriStatus.Ok : size < 22 ? NlriStatus.Malformed : NlriStatus.MalformedKeyed;
      break;
    case 3:
      out.status = scanOriginator(bytes, start + 2, size, 12, out);
      break;
    case 4:
      out.status = scanOriginator(bytes, start + 2, size, 18, out);
      break;
    case 5:
      out.status = scanIpPrefix(bytes, start, size, out);
      break;
    case 6:
      out.status = scanMulticast(bytes, start + 2, size, 12, 1, out);
      break;
    case 7:
      out.status = scanMulticast(bytes, start + 2, size, 22, 1, out);
      break;
    case 8:
      out.status = scanMulticast(bytes, start + 2, size, 22, 6, out);
      break;
    case 9:
      out.status = size === 20 ? NlriStatus.Ok : NlriStatus.Malformed;
      break;
    case 10:
      out.status = scanMulticast(bytes, start + 2, size, 12, 0, out);
      break;
    case 11:
      out.status = scanLeafAd(bytes, start + 2, size);
      break;
    default:
      out.status = NlriStatus.UnknownType;
  }
  return next;
}

/** 8 RD | 10 ESI | 4 tag | 1 MAC bits | 6 MAC | 1 IP bits | 0/4/16 IP | 3 label1 | 0/3 label2 */
function scanMacIp(bytes: Uint8Array, start: number, size: number, out: NlriScan): NlriStatus {
  if (size < 30 || readU8(bytes, start + 24) !== 48) return NlriStatus.Malformed;
  const ip = addressOctets(readU8(bytes, start + 31), true);
  if (ip < 0 || size < 30 + ip) return NlriStatus.Malformed;
  out.keyLength = 8;
  out.tailStart = start + 20;
  out.tailLength = 12 + ip;
  return size === 33 + ip || size === 36 + ip ? NlriStatus.Ok : NlriStatus.MalformedKeyed;
}

/** Types 3 and 4: `before` octets | 1 IP bits | 4/16 originating router. All of it is key. */
function scanOriginator(
  bytes: Uint8Array,
  body: number,
  size: number,
  before: number,
  out: NlriScan,
): NlriStatus {
  if (size <= before) return NlriStatus.Malformed;
  const octets = addressOctets(readU8(bytes, body + before), false);
  const needed = before + 1 + octets;
  if (octets < 0 || size < needed) return NlriStatus.Malformed;
  out.keyLength = needed;
  return size === needed ? NlriStatus.Ok : NlriStatus.MalformedKeyed;
}

/** 8 RD | 10 ESI | 4 tag | 1 prefix bits | 4/16 prefix | 4/16 gateway | 3 label; only the size tells the family. */
function scanIpPrefix(bytes: Uint8Array, start: number, size: number, out: NlriScan): NlriStatus {
  if (size !== 34 && size !== 58) return NlriStatus.Malformed;
  const octets = size === 34 ? 4 : 16;
  const bits = readU8(bytes, start + 24);
  if (bits > octets << 3) return NlriStatus.Malformed;
  out.keyLength = 8;
  out.tailStart = start + 20;
  out.tailLength = 5 + octets;
  out.hostBits = hasHostBits(bytes, start + 25, bits, octets);
  return NlriStatus.Ok;
}

/**
 * Types 6, 7, 8 and 10: `before` octets, then source, group and originating router, each behind its
 * length in bits, then `after` octets that are not key.
 */
function scanMulticast(
  bytes: Uint8Array,
  body: number,
  size: number,
  before: number,
  after: number,
  out: NlriScan,
): NlriStatus {
  let at = before;
  for (let field = 0; field < 3; field++) {
    if (at >= size) return NlriStatus.Malformed;
    const octets = addressOctets(readU8(bytes, body + at), field < 2);
    if (octets < 0) return NlriStatus.Malformed;
    at += 1 + octets;
  }
  if (at > size) return NlriStatus.Malformed;
  out.keyLength = at;
  return at + after === size ? NlriStatus.Ok : NlriStatus.MalformedKeyed;
}

/** A complete NLRI | 1 originator bits | 4/16 originator. The inner NLRI is carried, not judged. */
function scanLeafAd(bytes: Uint8Array, body: number, size: number): NlriStatus {
  if (size < 2) return NlriStatus.Malformed;
  const at = 2 + readU8(bytes, body + 1);
  if (at >= size) return NlriStatus.Malformed;
  const octets = addressOctets(readU8(bytes, body + at), false);
  return octets > 0 && at + 1 + octets === size ? NlriStatus.Ok : NlriStatus.Malformed;
}

/** Octets of an address field by its length in bits, -1 for a length that cannot be. */
function addressOctets(bits: number, mayBeAbsent: boolean): number {
  if (bits === 32) return 4;
  if (bits === 128) return 16;
  return bits === 0 && mayBeAbsent ? 0 : -1;
}
