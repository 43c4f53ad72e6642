/** Ethernet segment identifier: ten octets, the first of them the type (RFC 7432 section 5). Never looked into. */
import { formatColonHex, parseOctets, shortHex } from "./hex.js";

/** With colons, as Junos and FRR show it. */
export function formatEsi(bytes: Uint8Array, at: number): string {
  return formatColonHex(bytes, at, 10);
}

/** 20 hex digits: the form of decoded messages. */
export function esiToHex(bytes: Uint8Array, at: number): string {
  return shortHex(bytes, at, at + 10);
}

/** 10 octets from either form; undefined for anything else. */
export function parseEsi(text: string): Uint8Array | undefined {
  return parseOctets(text, 10);
}
