/**
 * BMP messages (RFC 7854 section 4, RFC 8671, RFC 9069), router to station.
 *   1 version 3 | 4 length of the whole message | 1 type
 * Per-peer header, 42 octets:
 *   1 peer type | 1 flags | 8 distinguisher | 16 address | 4 AS | 4 BGP identifier | 4 seconds | 4 microseconds
 */
import { parseIp } from "../../../fast-bgp-codec/values/ip.js";
import { writeU16, writeU32 } from "../../../util/bytes.js";

export const BmpType = {
  RouteMonitoring: 0,
  Statistics: 1,
  PeerDown: 2,
  PeerUp: 3,
  Initiation: 4,
  Termination: 5,
} as const;
export type BmpType = (typeof BmpType)[keyof typeof BmpType];

export const COMMON_HEADER = 6;
export const PER_PEER_HEADER = 42;
/** Octets in front of the UPDATE of a Route Monitoring message. */
export const MONITORING_HEADER = COMMON_HEADER + PER_PEER_HEADER;

/** Flags of peer types 0 to 2. */
export const FLAG_IPV6 = 0x80;
export const FLAG_POST_POLICY = 0x40;
export const FLAG_AS2 = 0x20;
export const FLAG_OUT = 0x10;

const PEER_GLOBAL = 0;
const PEER_LOC_RIB = 3;

/** Who a message is about: what the per-peer header says of it. */
export interface PeerIdentity {
  readonly type: number;
  /** FLAG_IPV6 or nothing. */
  readonly flags: number;
  /** 16 octets, IPv4 in the last four. */
  readonly address: Uint8Array;
  readonly as: number;
  readonly bgpId: number;
}

export function peerIdentity(address: string, as: number, bgpId: number): PeerIdentity {
  const ipv6 = address.includes(":");
  return { type: PEER_GLOBAL, flags: ipv6 ? FLAG_IPV6 : 0, address: address16(address), as, bgpId };
}

/** The one "peer" that Loc-RIB messages are about (RFC 9069 section 4): ourselves. */
export function locRibIdentity(as: number, bgpId: number): PeerIdentity {
  return { type: PEER_LOC_RIB, flags: 0, address: new Uint8Array(16), as, bgpId };
}

/** @param address with or without a zone, which BMP cannot say */
export function address16(address: string): Uint8Array {
  const bytes = parseIp(address.split("%")[0] ?? "") ?? new Uint8Array(4);
  const padded = new Uint8Array(16);
  padded.set(bytes, 16 - bytes.length);
  return padded;
}

export interface Stamp {
  readonly seconds: number;
  readonly micros: number;
}

/** Writes both headers at `at`; `length` is that of the whole message. */
export function writePeerHeader(
  bytes: Uint8Array,
  at: number,
  type: BmpType,
  length: number,
  peer: PeerIdentity,
  flags: number,
  stamp: Stamp,
): void {
  writeCommonHeader(bytes, at, type, length);
  bytes[at + 6] = peer.type;
  bytes[at + 7] = peer.flags | flags;
  bytes.fill(0, at + 8, at + 16);
  bytes.set(peer.address, at + 16);
  writeU32(bytes, at + 32, peer.as);
  writeU32(bytes, at + 36, peer.bgpId);
  writeU32(bytes, at + 40, stamp.seconds);
  writeU32(bytes, at + 44, stamp.micros);
}

function writeCommonHeader(bytes: Uint8Array, at: number, type: BmpType, length: number): void {
  bytes[at] = 3;
  writeU32(bytes, at + 1, length);
  bytes[at + 5] = type;
}

function plain(type: BmpType, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(COMMON_HEADER + body.length);
  writeCommonHeader(message, 0, type, message.length);
  message.set(body, COMMON_HEADER);
  return message;
}

function perPeer(
  type: BmpType,
  peer: PeerIdentity,
  flags: number,
  stamp: Stamp,
  body: Uint8Array,
): Uint8Array {
  const message = new Uint8Array(MONITORING_HEADER + body.length);
  writePeerHeader(message, 0, type, message.length, peer, flags, stamp);
  message.set(body, MONITORING_HEADER);
  return message;
}

function tlv(type: number, value: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + value.length);
  writeU16(bytes, 0, type);
  writeU16(bytes, 2, value.length);
  bytes.set(value, 4);
  return bytes;
}

function text(value: string): Uint8Array {
  return Buffer.from(value, "utf8").subarray(0, 65535);
}

/** First message of a connection (RFC 7854 section 4.3). */
export function encodeInitiation(sysName: string, sysDescription: string): Uint8Array {
  const body = Buffer.concat([tlv(1, text(sysDescription)), tlv(2, text(sysName))]);
  return plain(BmpType.Initiation, body);
}

export const TerminationReason = {
  AdministrativelyClosed: 0,
  Unspecified: 1,
  OutOfResources: 2,
} as const;
export type TerminationReason = (typeof TerminationReason)[keyof typeof TerminationReason];

/** Last message of a connection (RFC 7854 section 4.5). */
export function encodeTermination(reason: TerminationReason, words: string): Uint8Array {
  const code = new Uint8Array(2);
  writeU16(code, 0, reason);
  return plain(BmpType.Termination, Buffer.concat([tlv(0, text(words)), tlv(1, code)]));
}

export interface PeerUpBody {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remotePort: number;
  readonly openSent: Uint8Array;
  readonly openReceived: Uint8Array;
}

/** RFC 7854 section 4.10. */
export function encodePeerUp(peer: PeerIdentity, stamp: Stamp, up: PeerUpBody): Uint8Array {
  return perPeer(BmpType.PeerUp, peer, 0, stamp, peerUpBody(up));
}

function peerUpBody(up: PeerUpBody): Uint8Array {
  const head = new Uint8Array(20);
  head.set(address16(up.localAddress));
  writeU16(head, 16, up.localPort);
  writeU16(head, 18, up.remotePort);
  return Buffer.concat([head, up.openSent, up.openReceived]);
}

const TLV_TABLE_NAME = 3;
/** The default routing instance's name (RFC 9069 section 5.2.1). */
const TABLE = tlv(TLV_TABLE_NAME, text("global"));

/**
 * Peer Up of the loc-RIB: one fabricated OPEN, twice (RFC 9069 section 5.2).
 * @param named with the table's name, which is optional for the default instance
 */
export function encodeLocRibUp(
  peer: PeerIdentity,
  stamp: Stamp,
  open: Uint8Array,
  named: boolean,
): Uint8Array {
  const up = {
    localAddress: "::",
    localPort: 0,
    remotePort: 0,
    openSent: open,
    openReceived: open,
  };
  const body = peerUpBody(up);
  return perPeer(BmpType.PeerUp, peer, 0, stamp, named ? Buffer.concat([body, TABLE]) : body);
}

export type DownReason =
  | { readonly kind: "local-notification"; readonly notification: Uint8Array }
  | { readonly kind: "local"; readonly event: number }
  | { readonly kind: "remote-notification"; readonly notification: Uint8Array }
  | { readonly kind: "remote" }
  | { readonly kind: "deconfigured" };

/** RFC 7854 section 4.9. */
export function encodePeerDown(peer: PeerIdentity, stamp: Stamp, reason: DownReason): Uint8Array {
  return perPeer(BmpType.PeerDown, peer, 0, stamp, downBody(reason));
}

function downBody(reason: DownReason): Uint8Array {
  switch (reason.kind) {
    case "local-notification":
      return Buffer.concat([Uint8Array.of(1), reason.notification]);
    case "local":
      return Uint8Array.of(2, reason.event >>> 8, reason.event & 255);
    case "remote-notification":
      return Buffer.concat([Uint8Array.of(3), reason.notification]);
    case "remote":
      return Uint8Array.of(4);
    case "deconfigured":
      return Uint8Array.of(5);
  }
}

export interface Statistic {
  /** Type of the TLV (RFC 7854 section 4.8, RFC 8671 section 6.2). */
  readonly type: number;
  readonly value: number;
  /** Present where the type is per family: AFI and SAFI go in front. */
  readonly family?: { readonly afi: number; readonly safi: number };
}

/** Types whose value is a 64-bit gauge; all others are 32-bit counters. */
const GAUGES = new Set([7, 8, 9, 10, 14, 15, 16, 17]);

export function encodeStatistics(
  peer: PeerIdentity,
  stamp: Stamp,
  statistics: readonly Statistic[],
): Uint8Array {
  const count = new Uint8Array(4);
  writeU32(count, 0, statistics.length);
  const body = Buffer.concat([count, ...statistics.map(statisticTlv)]);
  return perPeer(BmpType.Statistics, peer, 0, stamp, body);
}

function statisticTlv({ type, value, family }: Statistic): Uint8Array {
  const gauge = GAUGES.has(type);
  const front = family === undefined ? 0 : 3;
  const bytes = new Uint8Array(front + (gauge ? 8 : 4));
  if (family !== undefined) {
    writeU16(bytes, 0, family.afi);
    bytes[2] = family.safi;
  }
  if (gauge) {
    writeU32(bytes, front, Math.floor(value / 2 ** 32));
    writeU32(bytes, front + 4, value >>> 0);
  } else {
    writeU32(bytes, front, value >>> 0);
  }
  return tlv(type, bytes);
}
