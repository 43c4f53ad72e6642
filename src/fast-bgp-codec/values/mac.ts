/** MAC addresses: six octets, shown as lower-case hex with colons. */
import { formatColonHex, parseOctets } from "./hex.js";

export function formatMac(bytes: Uint8Array, at: number): string {
  return formatColonHex(bytes, at, 6);
}

/** 6 octets; takes 00:11:22:33:44:55, 00-11-…, 0011.2233.4455 and bare hex. Undefined for anything else. */
export function parseMac(text: string): Uint8Array | undefined {
  return parseOctets(text, 6);
}
