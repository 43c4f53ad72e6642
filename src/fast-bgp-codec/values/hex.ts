/** Short runs of octets as lower-case hex, and back: a table beats a Buffer below some 50 octets. */
import { readU8 } from "../../util/bytes.js";

const PAIRS: readonly string[] = Array.from({ length: 256 }, (_, i) =>
  i.toString(16).padStart(2, "0"),
);

/** Hex of `bytes[start, end)`. */
export function shortHex(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) text += PAIRS[readU8(bytes, at)]!;
  return text;
}

/** Octets in hex with a colon between each two. */
export function formatColonHex(bytes: Uint8Array, at: number, length: number): string {
  let text = length > 0 ? PAIRS[readU8(bytes, at)]! : "";
  for (let i = 1; i < length; i++) text += ":" + PAIRS[readU8(bytes, at + i)]!;
  return text;
}

/** Value of a hex digit, -1 for any other character. */
export function hexDigit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/**
 * Exactly `length` octets from bare hex, from pairs with `:` or `-` between them, or from groups of four
 * digits with `.` between them. Undefined for anything else.
 */
export function parseOctets(text: string, length: number): Uint8Array | undefined {
  const separator = text.charAt(text.length === 2 * length ? -1 : text.charAt(4) === "." ? 4 : 2);
  const group = separator === "." ? 4 : 2;
  if (separator !== "" && separator !== ":" && separator !== "-" && separator !== ".") {
    return undefined;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let digit = 0; digit < 2 * length; digit += 2) {
    if (separator !== "" && digit > 0 && digit % group === 0 && text.charAt(at++) !== separator) {
      return undefined;
    }
    const [high, low] = [hexDigit(text, at), hexDigit(text, at + 1)];
    if (high < 0 || low < 0) return undefined;
    bytes[digit / 2] = (high << 4) | low;
    at += 2;
  }
  return at === text.length ? bytes : undefined;
}
