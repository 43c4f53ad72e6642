/** MAC addresses: six octets, shown as lower-case hex with colons. */
import { readU8 } from "../../util/bytes.js";

const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).padStart(2, "0"),
);

/** Octets in hex with a colon between each two. */
export function formatColonHex(bytes: Uint8Array, at: number, length: number): string {
  let text = "";
  for (let i = 0; i < length; i++) {
    if (i > 0) text += ":";
    text += HEX[readU8(bytes, at + i)]!;
  }
  return text;
}

export function formatMac(bytes: Uint8Array, at: number): string {
  return formatColonHex(bytes, at, 6);
}

/** 6 octets; takes 00:11:22:33:44:55, 00-11-…, 0011.2233.4455 and bare hex. Undefined for anything else. */
export function parseMac(text: string): Uint8Array | undefined {
  return parseOctets(text, 6);
}

/** Hex of exactly `length` octets, bare or with one kind of separator. */
export function parseOctets(text: string, length: number): Uint8Array | undefined {
  const bare = new RegExp(`^[0-9a-fA-F]{${2 * length}}$`);
  const pairs = new RegExp(`^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){${length - 1}}$`);
  const quads = /^[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4})+$/;
  if (!bare.test(text) && !pairs.test(text) && !quads.test(text)) return undefined;
  const hex = text.replace(/[:.-]/g, "");
  return hex.length === 2 * length ? new Uint8Array(Buffer.from(hex, "hex")) : undefined;
}
