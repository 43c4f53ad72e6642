/**
 * OPEN (RFC 4271 section 4.2) with capabilities (RFC 5492).
 *   1 version | 2 AS | 2 hold time | 4 identifier | 1 length | optional parameters
 *   parameter: 1 type | 1 length | value
 * Extended form (RFC 9072): 1 non-zero | 1 type 255 | 2 length | parameters with lengths of 2 octets.
 */
import { readU16, readU32, readU8, writeU16 } from "../util/bytes.js";
import { decodeCapability, encodeCapability, type Capability } from "./capability.js";

import { isFault, resetFault, type DecodeFault } from "./fault.js";
import { HEADER_LENGTH, frame } from "./header.js";
import { MessageType } from "./iana.js";
import { formatIpv4, parseIpv4 } from "./values/ip.js";

export { capability, type Capability } from "./capability.js";

export const AS_TRANS = 23456;

export interface Open {
  readonly version: number;
  /** The 2-octet field: 23456 when the AS does not fit (RFC 6793). `openAs` gives the real one. */
  readonly myAs: number;
  /** Seconds, 0 or 3 and more. */
  readonly holdTime: number;
  /** Dotted quad. */
  readonly bgpId: string;
  /** In wire order, repetitions included. */
  readonly capabilities: readonly Capability[];
  /** The extended form was used (RFC 9072); on encoding, used although not needed. */
  readonly extendedOptParams?: boolean;
  /** How the sender laid them out, when not as one parameter with all of them. */
  readonly layout?: OpenLayout;
}

export interface OpenLayout {
  /** Capabilities per optional parameter. */
  readonly parameters: readonly number[];
  /** First length octet of the extended form, when not 255. */
  readonly lengthOctet?: number;
}

/** The AS of the sender: capability 65 over the 2-octet field. */
export function openAs(open: Open): number {
  for (const item of open.capabilities) if (item.name === "four-octet-as") return item.asn;
  return open.myAs;
}

/**
 * `bytes[start, end)` is the whole message, its header checked. Faults are those of the message alone
 * (RFC 4271 section 6.2): whether the AS is the expected one is the session's business.
 */
export function decodeOpen(bytes: Uint8Array, start: number, end: number): Open | DecodeFault {
  const body = start + HEADER_LENGTH;
  const version = readU8(bytes, body);
  if (version !== 4) {
    return openFault(1, `BGP version ${version}`, "RFC 4271 section 6.2", new Uint8Array([0, 4]));
  }
  const parameters = decodeParameters(bytes, body + 9, end);
  if (isFault(parameters)) return parameters;
  const open: Open = {
    version,
    myAs: readU16(bytes, body + 1),
    holdTime: readU16(bytes, body + 3),
    bgpId: formatIpv4(bytes, body + 5),
    ...parameters,
  };
  return checkOpen(open, readU32(bytes, body + 5)) ?? open;
}

function openFault(
  subcode: number,
  what: string,
  spec: string,
  data: Uint8Array = new Uint8Array(0),
): DecodeFault {
  return resetFault(2, subcode, `OPEN: ${what} (${spec})`, data);
}

function checkOpen(open: Open, id: number): DecodeFault | undefined {
  if (openAs(open) === 0 || open.myAs === 0) return openFault(2, "AS 0", "RFC 7607 section 2");
  if (id === 0) return openFault(3, "BGP identifier 0", "RFC 6286 section 2.1");
  if (open.holdTime === 1 || open.holdTime === 2) {
    return openFault(6, `hold time ${open.holdTime} s`, "RFC 4271 section 6.2");
  }
  let role = -1;
  for (const item of open.capabilities) {
    if (item.name !== "bgp-role") continue;
    if (role >= 0 && item.role !== role) {
      return openFault(11, "two different roles", "RFC 9234 section 4.2");
    }
    role = item.role;
  }
  return undefined;
}

type Parameters = Pick<Open, "capabilities" | "extendedOptParams" | "layout">;

function decodeParameters(
  bytes: Uint8Array,
  lengthAt: number,
  end: number,
): Parameters | DecodeFault {
  const lengthOctet = readU8(bytes, lengthAt);
  // The type octet alone tells; the length octet in front of it is not looked at (RFC 9072 section 2).
  const extended = end - lengthAt >= 4 && readU8(bytes, lengthAt + 1) === 255;
  const first = lengthAt + (extended ? 4 : 1);
  const length = extended ? readU16(bytes, lengthAt + 2) : lengthOctet;
  if (first + length !== end) return badLengths("optional parameters do not fill the message");
  const capabilities: Capability[] = [];
  const parameters: number[] = [];
  const header = extended ? 3 : 2;
  for (let at = first; at < end;) {
    if (at + header > end) return badLengths("an optional parameter is cut off");
    const type = readU8(bytes, at);
    const value = at + header;
    const next = value + (extended ? readU16(bytes, at + 1) : readU8(bytes, at + 1));
    if (next > end) return badLengths(`optional parameter ${type} exceeds the message`);
    if (type !== 2) {
      return openFault(4, `optional parameter ${type} is not known`, "RFC 4271 section 6.2");
    }
    const before = capabilities.length;
    if (!decodeCapabilities(bytes, value, next, capabilities)) {
      return badLengths("a capability exceeds its parameter");
    }
    parameters.push(capabilities.length - before);
    at = next;
  }
  return {
    capabilities,
    ...(extended ? { extendedOptParams: true } : {}),
    ...describeLayout(parameters, extended && lengthOctet !== 255 ? lengthOctet : undefined),
  };
}

function badLengths(what: string): DecodeFault {
  return openFault(0, what, "RFC 4271 section 6.2");
}

function decodeCapabilities(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: Capability[],
): boolean {
  for (let at = start; at < end;) {
    if (at + 2 > end) return false;
    const next = at + 2 + readU8(bytes, at + 1);
    if (next > end) return false;
    into.push(decodeCapability(readU8(bytes, at), bytes, at + 2, next));
    at = next;
  }
  return true;
}

function describeLayout(
  parameters: readonly number[],
  lengthOctet: number | undefined,
): { layout?: OpenLayout } {
  const plain = parameters.length === 0 || (parameters.length === 1 && parameters[0]! > 0);
  if (plain && lengthOctet === undefined) return {};
  return { layout: lengthOctet === undefined ? { parameters } : { parameters, lengthOctet } };
}

/**
 * The whole message. All capabilities in one parameter unless `layout` says otherwise; the extended
 * form only when 255 octets do not suffice (RFC 9072 section 2) or `extendedOptParams` asks for it.
 * Throws RangeError for what no OPEN of 4096 octets can hold: an own bug, not a peer's.
 */
export function encodeOpen(open: Open): Uint8Array {
  const encoded = open.capabilities.map(encodeCapability);
  const counts = open.layout?.parameters ?? (encoded.length === 0 ? [] : [encoded.length]);
  const values: Uint8Array[] = [];
  let used = 0;
  for (const count of counts) {
    values.push(Buffer.concat(encoded.slice(used, used + count)));
    used += count;
  }
  const total = values.reduce((sum, value) => sum + 2 + value.length, 0);
  const extended = open.extendedOptParams === true || total > 255;
  const header = extended ? 3 : 2;
  const length = values.reduce((sum, value) => sum + header + value.length, 0);
  const body = new Uint8Array((extended ? 13 : 10) + length);
  if (body.length > 4096 - HEADER_LENGTH) throw new RangeError("OPEN exceeds 4096 octets");
  body[0] = open.version;
  writeU16(body, 1, open.myAs);
  writeU16(body, 3, open.holdTime);
  body.set(parseIpv4(open.bgpId) ?? new Uint8Array(4), 5);
  body[9] = extended ? (open.layout?.lengthOctet ?? 255) : length;
  if (extended) {
    body[10] = 255;
    writeU16(body, 11, length);
  }
  let at = extended ? 13 : 10;
  for (const value of values) {
    body[at] = 2;
    if (extended) writeU16(body, at + 1, value.length);
    else body[at + 1] = value.length;
    body.set(value, at + header);
    at += header + value.length;
  }
  return frame(MessageType.Open, body);
}
