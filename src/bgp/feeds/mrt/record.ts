/**
 * MRT records (RFC 6396, ADD-PATH forms RFC 8050).
 *   4 seconds | 2 type | 2 subtype | 4 length of the rest | [4 microseconds, in _ET types] | body
 */
import { AttributeCode } from "../../../fast-bgp-codec/iana.js";
import { AS_TRANS } from "../../../fast-bgp-codec/open.js";
import { parseIp } from "../../../fast-bgp-codec/values/ip.js";
import { copyBytes, readU16, readU8, writeU16, writeU32 } from "../../../util/bytes.js";

export const MrtType = { TableDumpV2: 13, Bgp4mpEt: 17 } as const;

export const TableSubtype = {
  PeerIndexTable: 1,
  Ipv4Unicast: 2,
  Ipv6Unicast: 4,
  Generic: 6,
  /** To be added to the subtypes above where entries have path ids. */
  Ipv4UnicastAddPath: 8,
  Ipv6UnicastAddPath: 10,
  GenericAddPath: 12,
} as const;

export const Bgp4mp = {
  Message: 1,
  MessageAs4: 4,
  StateChangeAs4: 5,
  MessageLocal: 6,
  MessageAs4Local: 7,
  MessageAddPath: 8,
  MessageAs4AddPath: 9,
  MessageLocalAddPath: 10,
  MessageAs4LocalAddPath: 11,
} as const;

export const MRT_HEADER = 12;

/** FSM states by their numbers (RFC 6396 section 4.4.1). */
export const STATE_NUMBERS: Readonly<Record<string, number>> = {
  Idle: 1,
  Connect: 2,
  Active: 3,
  OpenSent: 4,
  OpenConfirm: 5,
  Established: 6,
};

export function writeMrtHeader(
  bytes: Uint8Array,
  at: number,
  seconds: number,
  type: number,
  subtype: number,
  length: number,
): void {
  writeU32(bytes, at, seconds);
  writeU16(bytes, at + 4, type);
  writeU16(bytes, at + 6, subtype);
  writeU32(bytes, at + 8, length);
}

/** What the records of a session have in common. */
export interface MrtSession {
  readonly peerAs: number;
  readonly localAs: number;
  readonly peerAddress: string;
  readonly localAddress: string;
  /** AS numbers on the session have 4 octets. */
  readonly as4: boolean;
}

/** Most octets in front of a message: header, microseconds, both ASes, interface, AFI, both addresses. */
export const MOST_FRONT = MRT_HEADER + 4 + 8 + 4 + 32;

/** BGP4MP_ET with the fields up to the message or the states; returns where these go. Finish with `endBgp4mp`. */
export function beginBgp4mp(
  bytes: Uint8Array,
  at: number,
  wallMs: number,
  subtype: number,
  session: MrtSession,
): number {
  const seconds = Math.floor(wallMs / 1000);
  writeMrtHeader(bytes, at, seconds, MrtType.Bgp4mpEt, subtype, 0);
  writeU32(bytes, at + 12, Math.floor((wallMs - seconds * 1000) * 1000));
  let p = at + 16;
  const as2 = AS2_SUBTYPES.has(subtype);
  for (const as of [session.peerAs, session.localAs]) {
    if (as2) {
      writeU16(bytes, p, as > 0xffff ? AS_TRANS : as);
      p += 2;
    } else {
      writeU32(bytes, p, as);
      p += 4;
    }
  }
  const peer = address(session.peerAddress);
  const local = address(session.localAddress);
  const ipv6 = peer.length === 16 || local.length === 16;
  writeU16(bytes, p, 0);
  writeU16(bytes, p + 2, ipv6 ? 2 : 1);
  p += 4;
  for (const one of [peer, local]) {
    if (ipv6 && one.length === 4) bytes.fill(0, p, p + 12);
    p += ipv6 && one.length === 4 ? 12 : 0;
    bytes.set(one, p);
    p += one.length;
  }
  return p;
}

const AS2_SUBTYPES: ReadonlySet<number> = new Set([
  Bgp4mp.Message,
  Bgp4mp.MessageLocal,
  Bgp4mp.MessageAddPath,
  Bgp4mp.MessageLocalAddPath,
]);

export function endBgp4mp(bytes: Uint8Array, at: number, end: number): void {
  writeU32(bytes, at + 8, end - at - MRT_HEADER);
}

/** Subtype of a message: 2- or 4-octet ASes, sent by us or received, with path ids or without. */
export function messageSubtype(as4: boolean, local: boolean, addPath: boolean): number {
  if (addPath) {
    if (as4) return local ? Bgp4mp.MessageAs4LocalAddPath : Bgp4mp.MessageAs4AddPath;
    return local ? Bgp4mp.MessageLocalAddPath : Bgp4mp.MessageAddPath;
  }
  if (as4) return local ? Bgp4mp.MessageAs4Local : Bgp4mp.MessageAs4;
  return local ? Bgp4mp.MessageLocal : Bgp4mp.Message;
}

/** AFI and SAFI of the NLRI of an UPDATE, as one number `AFI << 8 | SAFI`; IPv4 unicast without MP attributes. */
export function familyOfUpdate(bytes: Uint8Array, start: number, end: number): number {
  const withdrawn = readU16(bytes, start + 19);
  let at = start + 21 + withdrawn + 2;
  while (at + 3 <= end) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    const code = readU8(bytes, at + 1);
    const value = at + (extended ? 4 : 3);
    const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
    if (code === AttributeCode.MpReachNlri || code === AttributeCode.MpUnreachNlri) {
      return (readU16(bytes, value) << 8) | readU8(bytes, value + 2);
    }
    at = value + length;
  }
  return (1 << 8) | 1;
}

/**
 * Copies a canonical (ascending) set with an MP_REACH_NLRI of the next hop alone in its place, as
 * TABLE_DUMP_V2 wants it (RFC 6396 section 4.3.4); returns the end in `target`.
 */
export function insertShortReach(
  bytes: Uint8Array,
  start: number,
  end: number,
  hop: number,
  hopLength: number,
  target: Uint8Array,
  to: number,
): number {
  let at = start;
  while (at < end && readU8(bytes, at + 1) < AttributeCode.MpReachNlri) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    at += extended ? 4 + readU16(bytes, at + 2) : 3 + readU8(bytes, at + 2);
  }
  let p = copyBytes(bytes, start, at, target, to);
  target[p++] = 0x80;
  target[p++] = AttributeCode.MpReachNlri;
  target[p++] = hopLength + 1;
  target[p++] = hopLength;
  p = copyBytes(bytes, hop, hop + hopLength, target, p);
  return copyBytes(bytes, at, end, target, p);
}

function address(text: string): Uint8Array {
  return parseIp(text.split("%")[0] ?? "") ?? new Uint8Array(4);
}
