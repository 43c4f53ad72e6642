/** Standard communities (RFC 1997) and large communities (RFC 8092) between octets and text. */
import { readU16, readU32, writeU16, writeU32 } from "../../util/bytes.js";
import { decimal } from "./rd.js";

/** Standard community (RFC 1997): `AS:number`. */
export function formatCommunity(bytes: Uint8Array, at: number): string {
  return `${readU16(bytes, at)}:${readU16(bytes, at + 2)}`;
}

export function parseCommunity(text: string): Uint8Array | undefined {
  const parts = text.split(":");
  const [high, low] = [decimal(parts[0] ?? "", 0xffff), decimal(parts[1] ?? "", 0xffff)];
  if (parts.length !== 2 || high === undefined || low === undefined) return undefined;
  const bytes = new Uint8Array(4);
  writeU16(bytes, 0, high);
  writeU16(bytes, 2, low);
  return bytes;
}

/** Large community (RFC 8092): three numbers. */
export function formatLargeCommunity(bytes: Uint8Array, at: number): string {
  return `${readU32(bytes, at)}:${readU32(bytes, at + 4)}:${readU32(bytes, at + 8)}`;
}

export function parseLargeCommunity(text: string): Uint8Array | undefined {
  const parts = text.split(":").map((part) => decimal(part, 0xffffffff));
  if (parts.length !== 3) return undefined;
  const bytes = new Uint8Array(12);
  for (const [i, part] of parts.entries()) {
    if (part === undefined) return undefined;
    writeU32(bytes, 4 * i, part);
  }
  return bytes;
}
