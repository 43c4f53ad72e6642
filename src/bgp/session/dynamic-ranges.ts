/** Which dynamic range an address belongs to: the longest matching prefix. Cold: once per accepted connection. */
import { formatIp, parseIp } from "../../fast-bgp-codec/values/ip.js";
import { readU8 } from "../../util/bytes.js";
import type { DynamicRange } from "../settings.js";

interface Prefix {
  readonly bytes: Uint8Array;
  readonly length: number;
}

interface Entry extends Prefix {
  readonly range: DynamicRange;
  readonly allow: readonly Prefix[];
  readonly deny: readonly Prefix[];
}

export class DynamicRanges {
  /** Longest prefix first. */
  private readonly entries: readonly Entry[];

  /** Throws RangeError on a prefix that is none: configuration has checked them. */
  constructor(ranges: readonly DynamicRange[]) {
    this.entries = ranges.map(parseEntry).sort((a, b) => b.length - a.length);
  }

  find(address: string): DynamicRange | undefined {
    const bytes = parseIp(withoutZone(address));
    if (bytes === undefined) return undefined;
    const entry = this.entries.find((each) => matches(each, bytes));
    if (entry === undefined) return undefined;
    // What its own range denies, no wider one lets in.
    const { allow, deny, range } = entry;
    if (deny.some((prefix) => matches(prefix, bytes))) return undefined;
    return allow.length === 0 || allow.some((prefix) => matches(prefix, bytes)) ? range : undefined;
  }
}

/** One spelling per address (RFC 5952), zone kept, so that addresses compare as text. */
export function canonicalPeerAddress(text: string): string {
  const plain = withoutZone(text);
  const bytes = parseIp(plain);
  if (bytes === undefined) throw new RangeError(`not an IP address: ${text}`);
  return formatIp(bytes, 0, bytes.length) + text.slice(plain.length);
}

function withoutZone(text: string): string {
  const percent = text.indexOf("%");
  return percent < 0 ? text : text.slice(0, percent);
}

function parseEntry(range: DynamicRange): Entry {
  return {
    ...parsePrefix(range.prefix),
    range,
    allow: range.allow.map(parsePrefix),
    deny: range.deny.map(parsePrefix),
  };
}

function parsePrefix(text: string): Prefix {
  const [address = "", bits = ""] = text.split("/");
  const bytes = parseIp(address);
  const length = Number(bits);
  if (bytes === undefined || !/^\d+$/.test(bits) || length > 8 * bytes.length) {
    throw new RangeError(`not a prefix: ${text}`);
  }
  return { bytes, length };
}

function matches({ bytes, length }: Prefix, address: Uint8Array): boolean {
  if (bytes.length !== address.length) return false;
  const whole = length >>> 3;
  for (let i = 0; i < whole; i++) if (readU8(bytes, i) !== readU8(address, i)) return false;
  const rest = length & 7;
  return rest === 0 || (readU8(bytes, whole) ^ readU8(address, whole)) >>> (8 - rest) === 0;
}
