/**
 * Runs of IP addresses: prefixes, ranges and single addresses as people and peers write them, and the
 * little arithmetic on them that selectors need. Both families are numbers of 32 or 128 bits. At the edge
 * only: speed does not matter here.
 */
import { isIP, SocketAddress } from "node:net";

/** All addresses from `first` to `last`. */
export interface AddressRange {
  readonly version: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** `10.0.0.1`, `10.0.0.0/24`, `10.0.0.0 255.255.255.0` or `10.0.0.1..10.0.0.9`; undefined when it is none. */
export function parseRange(text: string): AddressRange | undefined {
  const ends = /^([^-.]\S*?)\s*(?:\.\.|-)\s*(\S+)$/.exec(text.trim());
  if (ends !== null && isIP(ends[1] ?? "") !== 0) {
    const first = numberOf(ends[1] ?? "");
    const last = numberOf(ends[2] ?? "");
    if (first === undefined || last?.version !== first.version) return undefined;
    if (last.value < first.value) return undefined;
    return { version: first.version, first: first.value, last: last.value };
  }
  const [address = "", tail] = text.trim().split(/[/ ]/, 2);
  const start = numberOf(address);
  if (start === undefined) return undefined;
  const width = start.version === 4 ? 32 : 128;
  const length = tail === undefined ? width : lengthOf(tail, start.version);
  if (length === undefined || length > width) return undefined;
  const hosts = (1n << BigInt(width - length)) - 1n;
  const first = (start.value >> BigInt(width - length)) << BigInt(width - length);
  return { version: start.version, first, last: first | hosts };
}

/** Canonical `10.0.0.0/24`: host bits cleared; undefined when the text is no prefix or address. */
export function canonicalPrefix(text: string): string | undefined {
  const range = parseRange(text);
  return range === undefined ? undefined : prefixesOf(range)[0];
}

/** Canonical text of an address; undefined when it is none. */
export function canonicalAddress(text: string): string | undefined {
  const found = numberOf(text);
  return found === undefined ? undefined : addressText(found.version, found.value);
}

/** The fewest prefixes that make up the range, in order. */
export function prefixesOf({ version, first, last }: AddressRange): string[] {
  const width = version === 4 ? 32 : 128;
  const out: string[] = [];
  let at = first;
  while (at <= last) {
    let free = 0;
    while (free < width && (at >> BigInt(free)) % 2n === 0n) free++;
    while (at + (1n << BigInt(free)) - 1n > last) free--;
    out.push(`${addressText(version, at)}/${width - free}`);
    at += 1n << BigInt(free);
  }
  return out;
}

/** As a prefix where it is one, else `first..last`. */
export function formatRange(range: AddressRange): string {
  const prefixes = prefixesOf(range);
  if (prefixes.length === 1) return prefixes[0]!;
  const { version } = range;
  return `${addressText(version, range.first)}..${addressText(version, range.last)}`;
}

/** Sorted, with neighbours and overlaps joined. */
export function joinRanges(ranges: readonly AddressRange[]): AddressRange[] {
  const sorted = [...ranges].sort(
    (a, b) => a.version - b.version || Number(a.first > b.first) - Number(a.first < b.first),
  );
  const out: AddressRange[] = [];
  for (const range of sorted) {
    const before = out.at(-1);
    if (before?.version === range.version && range.first <= before.last + 1n) {
      if (range.last > before.last) out[out.length - 1] = { ...before, last: range.last };
    } else out.push(range);
  }
  return out;
}

/** What of `wanted` is in none of `given`. */
export function rangesOutside(
  wanted: readonly AddressRange[],
  given: readonly AddressRange[],
): AddressRange[] {
  const cover = joinRanges(given);
  const out: AddressRange[] = [];
  for (const range of joinRanges(wanted)) {
    let at = range.first;
    for (const { version, first, last } of cover) {
      if (version !== range.version || last < at || first > range.last) continue;
      if (first > at) out.push({ version, first: at, last: first - 1n });
      at = last + 1n;
    }
    if (at <= range.last) out.push({ version: range.version, first: at, last: range.last });
  }
  return out;
}

export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.version === b.version && a.first <= b.last && b.first <= a.last;
}

/** `255.255.128.0` of 17. */
export function maskOfLength(length: number): string {
  return addressText(4, length === 0 ? 0n : (0xffffffffn << BigInt(32 - length)) & 0xffffffffn);
}

/** 17 of `255.255.128.0`; undefined when its bits are not one run. */
export function lengthOfMask(mask: string): number | undefined {
  const found = numberOf(mask);
  if (found?.version !== 4) return undefined;
  const holes = ~found.value & 0xffffffffn;
  if ((holes & (holes + 1n)) !== 0n) return undefined;
  return 32 - (holes === 0n ? 0 : holes.toString(2).length);
}

function lengthOf(tail: string, version: 4 | 6): number | undefined {
  if (/^\d{1,3}$/.test(tail)) return Number(tail);
  return version === 4 ? lengthOfMask(tail) : undefined;
}

function numberOf(text: string): { version: 4 | 6; value: bigint } | undefined {
  // Zones belong to one machine: no selector has them.
  const version = text.includes("%") ? 0 : isIP(text);
  if (version === 4) {
    const value = text.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n);
    return { version, value };
  }
  if (version !== 6) return undefined;
  return { version, value: sixValue(text) };
}

function sixValue(text: string): bigint {
  const plain = new SocketAddress({ address: text, family: "ipv6" }).address;
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(plain);
  const hex =
    dotted === null
      ? plain
      : `${dotted[1]}${two(dotted[2], dotted[3])}:${two(dotted[4], dotted[5])}`;
  const [head = "", tail] = hex.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = new Array<string>(8 - front.length - back.length).fill("0");
  const groups = [...front, ...zeros, ...back];
  return groups.reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}

function two(high = "0", low = "0"): string {
  return (Number(high) * 256 + Number(low)).toString(16);
}

function addressText(version: 4 | 6, value: bigint): string {
  if (version === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  }
  const groups: string[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) {
    groups.push(((value >> shift) & 0xffffn).toString(16));
  }
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}
