/**
 * Whether an Access-Accept says what the session has already, read in place: most accepts of a busy network
 * say nothing new, and nothing is made of them. "No" may be wrong (`session-fields.ts` then finds out);
 * "yes" never is.
 */
import { readU16, readU32, readU8 } from "../../util/bytes.js";
import { Attr, HEADER, Vendor } from "../packet/iana.js";
import type { Session } from "./session.js";

const DIGITS = "0123456789abcdef";

/** Both packets are checked ones. */
export function saysTheSame(session: Session, request: Uint8Array, accept: Uint8Array): boolean {
  const { userName, classes, vlan, addressPool, bundles } = session;
  // Service-Bundles are inside of vendors' attributes.
  if (bundles.length > 0) return false;
  let [userAt, classAt, vlanAt, poolAt] = [0, 0, 0, 0];
  const length = readU16(accept, 2);
  for (let at = HEADER; at < length;) {
    const end = at + readU8(accept, at + 1);
    switch (readU8(accept, at)) {
      case Attr.Class:
        if (!isHex(accept, at + 2, end, classes[classAt++])) return false;
        break;
      case Attr.UserName:
        userAt ||= at;
        break;
      case Attr.TunnelPrivateGroupId:
        vlanAt ||= at;
        break;
      case Attr.FramedPool:
        poolAt ||= at;
        break;
      case Attr.FramedIpAddress:
        return false;
      case Attr.VendorSpecific:
        if (end - at >= 8 && readU32(accept, at + 2) === Vendor.Erx) return false;
        break;
      default:
    }
    at = end;
  }
  if (classAt !== classes.length) return false;
  return (
    isName(userName, userAt === 0 ? request : accept, userAt) &&
    (vlanAt === 0 ? vlan === undefined : isVlan(accept, vlanAt, vlan)) &&
    (poolAt === 0 ? addressPool === undefined : isText(accept, poolAt, addressPool))
  );
}

/** @param at 0 = the first User-Name that the packet has */
function isName(name: string, packet: Uint8Array, at: number): boolean {
  if (at !== 0) return isText(packet, at, name);
  const length = readU16(packet, 2);
  for (let next = HEADER; next < length; next += readU8(packet, next + 1)) {
    if (readU8(packet, next) === Attr.UserName) return isText(packet, next, name);
  }
  return name === "";
}

/** RFC 2868 section 3.6: a first octet up to 1f is a tag. */
function isVlan(packet: Uint8Array, at: number, vlan: string | undefined): boolean {
  const end = at + readU8(packet, at + 1);
  const tagged = end > at + 2 && readU8(packet, at + 2) <= 0x1f;
  return isAscii(packet, tagged ? at + 3 : at + 2, end, vlan);
}

function isText(packet: Uint8Array, at: number, text: string | undefined): boolean {
  return isAscii(packet, at + 2, at + readU8(packet, at + 1), text);
}

/** What is not ASCII is left to others. */
function isAscii(bytes: Uint8Array, from: number, end: number, text: string | undefined): boolean {
  if (text?.length !== end - from) return false;
  for (let at = from; at < end; at++) {
    const octet = readU8(bytes, at);
    if (octet > 0x7f || octet !== text.charCodeAt(at - from)) return false;
  }
  return true;
}

function isHex(bytes: Uint8Array, from: number, end: number, text: string | undefined): boolean {
  if (text?.length !== (end - from) * 2) return false;
  for (let at = from, digit = 0; at < end; at++) {
    const octet = readU8(bytes, at);
    if (text[digit++] !== DIGITS[octet >> 4] || text[digit++] !== DIGITS[octet & 15]) return false;
  }
  return true;
}
