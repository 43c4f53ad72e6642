/**
 * A RADIUS packet as octets (RFC 2865 section 3), checked once and then read in place.
 *   1 code | 1 identifier | 2 length | 16 authenticator | attributes: 1 type, 1 length, value
 * Octets of a datagram beyond Length are padding. After `checkPacket` every attribute lies inside
 * the packet and has a length of at least 2, so the readers here need no further bounds.
 */
import { readU16, readU32, readU8 } from "../../util/bytes.js";
import { Attr, HEADER, PACKET_MAX } from "./iana.js";

/** Why octets are no RADIUS packet, or carry what does not go together. */
export type PacketFault =
  "short" | "length" | "attribute-length" | "vendor-length" | "message-authenticator" | "password";

/** Offsets of attributes (of the type octet) that decisions need; 0 = absent. */
export interface PacketFacts {
  readonly length: number;
  readonly messageAuthenticator: number;
  readonly userPassword: number;
  readonly chapPassword: number;
  readonly chapChallenge: number;
  readonly eapMessage: number;
  readonly state: number;
  readonly lastProxyState: number;
  readonly calledStationId: number;
  readonly callingStationId: number;
  readonly userName: number;
  readonly acctStatusType: number;
  /** Some attribute may be hidden: 69, or any of a vendor. */
  readonly vendorOrTunnel: boolean;
}

/** @returns the facts, or what is wrong. Never throws, whatever the octets. */
export function checkPacket(
  bytes: Uint8Array,
  available = bytes.length,
): PacketFacts | PacketFault {
  if (available < HEADER) return "short";
  const length = readU16(bytes, 2);
  if (length < HEADER || length > PACKET_MAX || length > available) return "length";
  let messageAuthenticator = 0;
  let userPassword = 0;
  let chapPassword = 0;
  let chapChallenge = 0;
  let eapMessage = 0;
  let state = 0;
  let lastProxyState = 0;
  let calledStationId = 0;
  let callingStationId = 0;
  let userName = 0;
  let acctStatusType = 0;
  let vendorOrTunnel = false;
  for (let at = HEADER; at < length;) {
    if (at + 2 > length) return "attribute-length";
    const size = readU8(bytes, at + 1);
    if (size < 2 || at + size > length) return "attribute-length";
    switch (readU8(bytes, at)) {
      case Attr.UserName:
        userName ||= at;
        break;
      case Attr.UserPassword:
        if (userPassword !== 0 || size < 18 || size > 130 || (size - 2) % 16 !== 0)
          return "password";
        userPassword = at;
        break;
      case Attr.ChapPassword:
        if (chapPassword !== 0 || size !== 19) return "password";
        chapPassword = at;
        break;
      case Attr.State:
        state ||= at;
        break;
      case Attr.VendorSpecific:
        if (size < 7) return "vendor-length";
        vendorOrTunnel = true;
        break;
      case Attr.CalledStationId:
        calledStationId ||= at;
        break;
      case Attr.CallingStationId:
        callingStationId ||= at;
        break;
      case Attr.ProxyState:
        lastProxyState = at;
        break;
      case Attr.AcctStatusType:
        if (size !== 6) return "attribute-length";
        acctStatusType ||= at;
        break;
      case Attr.ChapChallenge:
        chapChallenge ||= at;
        break;
      case Attr.TunnelPassword:
        vendorOrTunnel = true;
        break;
      case Attr.EapMessage:
        eapMessage ||= at;
        break;
      case Attr.MessageAuthenticator:
        if (messageAuthenticator !== 0 || size !== 18) return "message-authenticator";
        messageAuthenticator = at;
        break;
      default:
    }
    at += size;
  }
  if (userPassword !== 0 && (chapPassword !== 0 || eapMessage !== 0)) return "password";
  return {
    length,
    messageAuthenticator,
    userPassword,
    chapPassword,
    chapChallenge,
    eapMessage,
    state,
    lastProxyState,
    calledStationId,
    callingStationId,
    userName,
    acctStatusType,
    vendorOrTunnel,
  };
}

/** One attribute in place: `value` is a view, not a copy. */
export interface Attribute {
  readonly type: number;
  readonly offset: number;
  readonly value: Uint8Array;
}

/** The attributes of a checked packet, in order. */
export function* attributesOf(bytes: Uint8Array): Generator<Attribute> {
  const length = readU16(bytes, 2);
  for (let at = HEADER; at < length; at += readU8(bytes, at + 1)) {
    yield { type: readU8(bytes, at), offset: at, value: valueAt(bytes, at) };
  }
}

/** The value of the attribute whose type octet is at `at`. */
export function valueAt(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at + 2, at + readU8(bytes, at + 1));
}

/** The first attribute of a type in a checked packet. */
export function findAttribute(bytes: Uint8Array, type: number): Uint8Array | undefined {
  const length = readU16(bytes, 2);
  for (let at = HEADER; at < length; at += readU8(bytes, at + 1)) {
    if (readU8(bytes, at) === type) return valueAt(bytes, at);
  }
  return undefined;
}

/** A 4-octet number, if the packet has that attribute with that length. */
export function findNumber(bytes: Uint8Array, type: number): number | undefined {
  const length = readU16(bytes, 2);
  for (let at = HEADER; at < length; at += readU8(bytes, at + 1)) {
    if (readU8(bytes, at) !== type) continue;
    return readU8(bytes, at + 1) === 6 ? readU32(bytes, at + 2) : undefined;
  }
  return undefined;
}

/** Text of an attribute; octets that are no UTF-8 become replacement characters. */
export function findText(bytes: Uint8Array, type: number): string | undefined {
  const length = readU16(bytes, 2);
  for (let at = HEADER; at < length; at += readU8(bytes, at + 1)) {
    if (readU8(bytes, at) === type) return textBetween(bytes, at + 2, at + readU8(bytes, at + 1));
  }
  return undefined;
}

export function textOf(value: Uint8Array): string {
  return textBetween(value, 0, value.length);
}

/** Packets from sockets are Buffers: no view is made for a name. */
function textBetween(bytes: Uint8Array, start: number, end: number): string {
  if (bytes instanceof Buffer) return bytes.toString("utf8", start, end);
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
}
