/**
 * IPv4 and IPv6 addresses between octets and text. Text form of IPv6 as in RFC 5952; parsing takes
 * every form of RFC 4291 section 2.2 without zone.
 */
import { readU16, readU8, writeU16 } from "../../util/bytes.js";
import { hexDigit } from "./hex.js";

/** Dotted quad of the 4 octets at `at`. */
export function formatIpv4(bytes: Uint8Array, at: number): string {
  return `${readU8(bytes, at)}.${readU8(bytes, at + 1)}.${readU8(bytes, at + 2)}.${readU8(bytes, at + 3)}`;
}

/** The 16 octets at `at`; IPv4-mapped addresses end in a dotted quad. */
export function formatIpv6(bytes: Uint8Array, at: number): string {
  let bestStart = -1;
  let bestLength = 1;
  let runStart = -1;
  for (let i = 0; i < 8; i++) {
    if (readU16(bytes, at + 2 * i) !== 0) {
      runStart = -1;
      continue;
    }
    if (runStart < 0) runStart = i;
    if (i - runStart + 1 > bestLength) {
      bestStart = runStart;
      bestLength = i - runStart + 1;
    }
  }
  if (bestStart === 0 && bestLength === 5 && readU16(bytes, at + 10) === 0xffff) {
    return `::ffff:${formatIpv4(bytes, at + 12)}`;
  }
  let text = "";
  for (let i = 0; i < 8; i++) {
    if (i === bestStart) {
      text += "::";
      i += bestLength - 1;
      continue;
    }
    if (text !== "" && !text.endsWith(":")) text += ":";
    text += readU16(bytes, at + 2 * i).toString(16);
  }
  return text;
}

/** @param octets 4 or 16 */
export function formatIp(bytes: Uint8Array, at: number, octets: number): string {
  return octets === 4 ? formatIpv4(bytes, at) : formatIpv6(bytes, at);
}

/** 4 octets, or undefined when `text` is not a dotted quad of decimal numbers without leading zeros. */
export function parseIpv4(text: string): Uint8Array | undefined {
  const result = new Uint8Array(4);
  let at = 0;
  for (let i = 0; i < 4; i++) {
    if (i > 0 && text.charCodeAt(at++) !== 46) return undefined;
    const first = at;
    let value = 0;
    for (let c = text.charCodeAt(at); c >= 48 && c <= 57 && at - first < 3;) {
      value = value * 10 + c - 48;
      c = text.charCodeAt(++at);
    }
    const digits = at - first;
    if (digits === 0 || value > 255 || (digits > 1 && text.charCodeAt(first) === 48)) {
      return undefined;
    }
    result[i] = value;
  }
  return at === text.length ? result : undefined;
}

/** 16 octets, or undefined. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const result = new Uint8Array(16);
  /** Octets written, and how many of them stood before the `::`. */
  let length = 0;
  let gap = -1;
  let at = 0;
  if (text.startsWith("::")) {
    gap = 0;
    at = 2;
    if (text.length === 2) return result;
  }
  for (;;) {
    const start = at;
    let value = 0;
    for (
      let digit = hexDigit(text, at);
      digit >= 0 && at - start < 4;
      digit = hexDigit(text, ++at)
    ) {
      value = (value << 4) | digit;
    }
    if (text.charCodeAt(at) === 46) {
      const quad = length <= 12 ? parseIpv4(text.slice(start)) : undefined;
      if (quad === undefined) return undefined;
      result.set(quad, length);
      length += 4;
      break;
    }
    if (at === start || length === 16) return undefined;
    writeU16(result, length, value);
    length += 2;
    if (at === text.length) break;
    if (text.charCodeAt(at++) !== 58) return undefined;
    if (text.charCodeAt(at) === 58) {
      if (gap >= 0) return undefined;
      gap = length;
      if (++at === text.length) break;
    }
  }
  if (gap < 0) return length === 16 ? result : undefined;
  if (length > 14) return undefined;
  result.copyWithin(16 - (length - gap), gap, length);
  result.fill(0, gap, 16 - (length - gap));
  return result;
}

/** 4 or 16 octets, or undefined when `text` is no address. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** fe80::/10, with or without a zone: another host on each link (RFC 4291 section 2.5.6). */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address);
}
