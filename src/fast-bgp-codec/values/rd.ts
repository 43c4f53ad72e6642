/**
 * Route distinguisher (RFC 4364 section 4.2): 2 type | 6 value.
 *   type 0: 2 AS | 4 number; type 1: 4 IPv4 | 2 number; type 2: 4 AS | 2 number
 * Compared as eight octets: 0:65000:100 and 2:65000:100 differ.
 */
import { fromHex, readU16, readU32, toHex, writeU16, writeU32 } from "../../util/bytes.js";
import { formatIpv4, parseIpv4 } from "./ip.js";

/** `type:administrator:number`, the form of decoded messages; `type:hex` for types beyond 2. */
export function rdToText(bytes: Uint8Array, at: number): string {
  const type = readU16(bytes, at);
  switch (type) {
    case 0:
      return `0:${readU16(bytes, at + 2)}:${readU32(bytes, at + 4)}`;
    case 1:
      return `1:${formatIpv4(bytes, at + 2)}:${readU16(bytes, at + 6)}`;
    case 2:
      return `2:${readU32(bytes, at + 2)}:${readU16(bytes, at + 6)}`;
    default:
      return `${type}:${toHex(bytes, at + 2, at + 8)}`;
  }
}

/** `administrator:number` as people write it; a 4-octet AS that would fit in 2 carries an L. */
export function formatRd(bytes: Uint8Array, at: number): string {
  return shortenRd(rdToText(bytes, at));
}

/** The short form of `type:administrator:number`. */
export function shortenRd(text: string): string {
  const [type, administrator, number] = text.split(":");
  if (number === undefined || administrator === undefined) return text;
  const ambiguous = type === "2" && Number(administrator) <= 0xffff;
  return `${administrator}${ambiguous ? "L" : ""}:${number}`;
}

/** Eight octets from either form; undefined for anything else. */
export function parseRd(text: string): Uint8Array | undefined {
  const parts = text.split(":");
  const bytes = new Uint8Array(8);
  if (parts.length === 3) {
    const type = decimal(parts[0]!, 2);
    if (type === undefined) return undefined;
    writeU16(bytes, 0, type);
    return writeAdministrator(bytes, 2, type, parts[1]!, parts[2]!) ? bytes : undefined;
  }
  if (parts.length !== 2) return undefined;
  const [first, second] = [parts[0]!, parts[1]!];
  const opaque = /^[0-9a-f]{12}$/.test(second) ? decimal(first, 0xffff) : undefined;
  if (opaque !== undefined && opaque > 2) {
    writeU16(bytes, 0, opaque);
    bytes.set(fromHex(second)!, 2);
    return bytes;
  }
  const type = administratorType(first);
  writeU16(bytes, 0, type);
  return writeAdministrator(bytes, 2, type, first.replace(/L$/, ""), second) ? bytes : undefined;
}

/** Which of the three encodings an administrator asks for: also that of route targets. */
export function administratorType(text: string): 0 | 1 | 2 {
  if (text.includes(".")) return 1;
  return text.endsWith("L") || Number(text) > 0xffff ? 2 : 0;
}

/** Writes the six octets of administrator and number; false when they do not fit the type. */
export function writeAdministrator(
  bytes: Uint8Array,
  at: number,
  type: number,
  administrator: string,
  number: string,
): boolean {
  const value = decimal(number, type === 0 ? 0xffffffff : 0xffff);
  if (value === undefined) return false;
  if (type === 1) {
    const ip = parseIpv4(administrator);
    if (ip === undefined) return false;
    bytes.set(ip, at);
  } else {
    const as = decimal(administrator, type === 0 ? 0xffff : 0xffffffff);
    if (as === undefined) return false;
    if (type === 0) writeU16(bytes, at, as);
    else writeU32(bytes, at, as);
  }
  if (type === 0) writeU32(bytes, at + 2, value);
  else writeU16(bytes, at + 4, value);
  return true;
}

/** A decimal number up to `most`, or undefined. */
export function decimal(text: string, most: number): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= most ? value : undefined;
}
