/**
 * Values of rules, from the text in the file to the normal form of `bgp/policy/rules/settings.ts`.
 * A parser gives undefined for a text that is none of its kind; `remedy` says how one is written.
 */
import type {
  NumberRange,
  OctetPattern,
  PeerPattern,
  PrefixPattern,
} from "../bgp/policy/rules/settings.js";
import { AsPathPattern, AsPathPatternError } from "../fast-bgp-codec/as-path-pattern.js";
import {
  FAMILIES,
  parseCommunity,
  parseEsi,
  parseExtendedCommunity,
  parseIp,
  parseMac,
  parseRd,
  parseRouteTarget,
  type Family,
} from "../fast-bgp-codec/index.js";
import { parseLargeCommunity } from "../fast-bgp-codec/values/community.js";
import { toHex } from "../util/bytes.js";
import { parsePrefix } from "./address.js";

export interface ValueKind<T> {
  readonly parse: (text: string) => readonly T[] | undefined;
  readonly remedy: string;
}

/** Well-known communities by the names IANA gives them. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  "graceful-shutdown": "65535:0",
  "accept-own": "65535:1",
  "llgr-stale": "65535:6",
  "no-llgr": "65535:7",
  blackhole: "65535:666",
  "no-export": "65535:65281",
  "no-advertise": "65535:65282",
  "no-export-subconfed": "65535:65283",
  "no-peer": "65535:65284",
};

function ones(octets: number): string {
  return "ff".repeat(octets);
}

function exact(octets: Uint8Array | undefined): OctetPattern[] | undefined {
  return octets === undefined ? undefined : [{ value: toHex(octets), mask: ones(octets.length) }];
}

/** `text` is exact, or its parts between colons may be `*`: each star's octets count for nothing. */
function starred(
  text: string,
  parse: (text: string) => Uint8Array | undefined,
): OctetPattern | undefined {
  const parts = text.split(":");
  const octets = parse(parts.map((part) => (part === "*" ? "0" : part)).join(":"));
  if (octets === undefined) return undefined;
  const each = octets.length / parts.length;
  const mask = parts.map((part) => (part === "*" ? "00" : "ff").repeat(each)).join("");
  return { value: toHex(octets), mask };
}

export const community: ValueKind<OctetPattern> = {
  parse: (text) => {
    const plain = WELL_KNOWN[text.toLowerCase()] ?? text;
    const pattern = starred(plain, parseCommunity);
    return pattern === undefined ? undefined : [pattern];
  },
  remedy: "write AS:NUMBER, for example 65000:1 or 65000:*, or a name such as no-export",
};

export const largeCommunity: ValueKind<OctetPattern> = {
  parse: (text) => {
    const pattern = starred(text, parseLargeCommunity);
    return pattern === undefined ? undefined : [pattern];
  },
  remedy: "write three numbers, for example 65000:1:2 or 65000:*:*",
};

/** Administrator and number take 2 and 4 octets, or 4 and 2: type 0, or types 1 and 2. */
interface Layout {
  readonly type: number;
  readonly administrator: number;
}
const LAYOUTS: readonly Layout[] = [
  { type: 0, administrator: 2 },
  { type: 1, administrator: 4 },
  { type: 2, administrator: 4 },
];

/**
 * `A:N`, `A:*`, `*:N` and `*` of an RD or a route target: six octets behind the type.
 * @param head octets of the type for a layout, in hex
 */
function administered(
  text: string,
  parse: (text: string) => Uint8Array | undefined,
  head: (type: number) => string,
): OctetPattern[] | undefined {
  if (!text.includes("*")) return exact(parse(text));
  if (text === "*" || text === "*:*") {
    return LAYOUTS.map(({ type }) => ({
      value: head(type) + "00".repeat(6),
      mask: "ffff" + "00".repeat(6),
    }));
  }
  const [administrator = "", number = "", more] = text.split(":");
  if (more !== undefined) return undefined;
  if (number === "*") {
    const octets = parse(`${administrator}:0`);
    if (octets === undefined) return undefined;
    const known = 2 + (octets[headOctet(head)] === 0 ? 2 : 4);
    return [{ value: toHex(octets), mask: ones(known) + "00".repeat(8 - known) }];
  }
  if (administrator !== "*" || !/^\d{1,10}$/.test(number)) return undefined;
  const value = Number(number);
  if (value > 0xffffffff) return undefined;
  return LAYOUTS.filter(({ administrator: size }) => size === 2 || value <= 0xffff).map(
    ({ type, administrator: size }) => ({
      value: head(type) + "00".repeat(size) + value.toString(16).padStart((6 - size) * 2, "0"),
      mask: "ffff" + "00".repeat(size) + ones(6 - size),
    }),
  );
}

/** The octet of the head that holds the type: the second of an RD, the first of a community. */
function headOctet(head: (type: number) => string): 0 | 1 {
  return head(1).startsWith("01") ? 0 : 1;
}

const rdHead = (type: number): string => type.toString(16).padStart(4, "0");
const targetHead = (type: number): string => `0${type}02`;
const originHead = (type: number): string => `0${type}03`;

export const rd: ValueKind<OctetPattern> = {
  parse: (text) => administered(text, parseRd, rdHead),
  remedy: "write AS:NUMBER or ADDRESS:NUMBER, for example 65000:100, 192.0.2.1:* or *:100",
};

export const routeTarget: ValueKind<OctetPattern> = {
  parse: (text) => {
    const plain = text.replace(/^(rt|target):/, "");
    // ES-Import counts as a route target and has a form of its own (RFC 7432 section 7.6).
    if (plain.startsWith("es-import:")) return exact(parseExtendedCommunity(plain));
    return administered(plain, parseRouteTarget, targetHead);
  },
  remedy: "write AS:NUMBER or ADDRESS:NUMBER, for example 65000:100, 65000:* or *:100",
};

export const extendedCommunity: ValueKind<OctetPattern> = {
  parse: (text) => {
    if (!text.includes("*")) return exact(parseExtendedCommunity(text));
    if (text.startsWith("rt:")) return administered(text.slice(3), parseRouteTarget, targetHead);
    if (text.startsWith("soo:")) {
      const parse = (plain: string) => parseExtendedCommunity(`soo:${plain}`);
      return administered(text.slice(4), parse, originHead);
    }
    if (!text.endsWith(":*")) return undefined;
    const sample = SAMPLES.find((one) => one.startsWith(text.slice(0, -1)));
    const octets = sample === undefined ? undefined : parseExtendedCommunity(sample);
    if (octets === undefined) return undefined;
    return [{ value: `${toHex(octets, 0, 2)}000000000000`, mask: "ffff000000000000" }];
  },
  remedy:
    "write it as show routes does: rt:65000:1, soo:65000:*, encapsulation:8, mac-mobility:*, unknown:HEX",
};

/** One of each kind: what `KIND:*` stands for has their first two octets. */
const SAMPLES = [
  "color:0x0000:0",
  "encapsulation:8",
  "default-gateway",
  "mac-mobility:sticky=0:seq=0",
  "esi-label:single-active=0:raw=000000",
  "es-import:00:00:00:00:00:00",
  "router-mac:00:00:00:00:00:00",
  "l2-attributes:control=0x0000:mtu=0",
];

/** `OCTETS`, `OCTETS/BITS` or `OCTETS/MASK`. */
function masked(
  text: string,
  octets: number,
  parse: (text: string) => Uint8Array | undefined,
): OctetPattern[] | undefined {
  const [value = "", mask, more] = text.split("/");
  const bytes = parse(value);
  if (bytes === undefined || more !== undefined) return undefined;
  if (mask === undefined) return exact(bytes);
  let bits = parse(mask);
  if (/^\d{1,3}$/.test(mask)) {
    const count = Number(mask);
    if (count > octets * 8) return undefined;
    bits = Uint8Array.from({ length: octets }, (_, i) => {
      const ones = Math.max(0, Math.min(8, count - 8 * i));
      return (0xff00 >> ones) & 0xff;
    });
  }
  if (bits === undefined) return undefined;
  const kept = bytes.map((octet, i) => octet & (bits[i] ?? 0));
  return [{ value: toHex(kept), mask: toHex(bits) }];
}

export const mac: ValueKind<OctetPattern> = {
  parse: (text) => masked(text, 6, parseMac),
  remedy:
    "write a MAC address, behind it /BITS or /MASK if only a part counts: 52:54:00:00:00:00/24",
};

export const esi: ValueKind<OctetPattern> = {
  parse: (text) => masked(text.toLowerCase() === "none" ? "00".repeat(10) : text, 10, parseEsi),
  remedy: "write ten octets in hex, 00:11:22:33:44:55:66:77:88:99, or none for the zero one",
};

/** @param most the largest value there is */
export function numbers(most: number): ValueKind<NumberRange> {
  return {
    parse: (text) => {
      const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(text);
      if (match === null) return undefined;
      const low = Number(match[1]);
      const high = Number(match[2] ?? match[1]);
      return low <= high && high <= most ? [[low, high]] : undefined;
    },
    remedy: `write a number up to ${most}, or a range such as 100-199`,
  };
}

export const plainNumber: ValueKind<number> = {
  parse: (text) => {
    const range = /^\d{1,3}$/.test(text) ? Number(text) : 0;
    return range >= 1 && range <= 255 ? [range] : undefined;
  },
  remedy: "write a route type, 1 to 255",
};

export const family: ValueKind<Family> = {
  parse: (text) => {
    const spec = FAMILIES.find(({ name }) => name === text);
    return spec === undefined ? undefined : [spec.family];
  },
  remedy: `use one of: ${FAMILIES.map(({ name }) => name).join(", ")}`,
};

/** @param hosts lengths that count where none are said: all addresses in the prefix, or that prefix alone */
function prefixOf(text: string, hosts: boolean): PrefixPattern | undefined {
  const match = /^(\S+?)(?:\s+ge\s+(\d{1,3}))?(?:\s+le\s+(\d{1,3}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, plain = "", ge, le] = match;
  const whole = parseIp(plain);
  const parsed = parsePrefix(whole === undefined ? plain : `${plain}/${8 * whole.length}`);
  if (parsed === undefined || parsed.hostBits) return undefined;
  const [address = "", length = ""] = parsed.text.split("/");
  const octets = parseIp(address);
  if (octets === undefined) return undefined;
  const bits = Number(length);
  const all = 8 * octets.length;
  if (hosts && (ge !== undefined || le !== undefined)) return undefined;
  const least = hosts ? all : Number(ge ?? length);
  const most = hosts ? all : Number(le ?? (ge === undefined ? length : all));
  if (least < bits || least > most || most > all) return undefined;
  return { octets: toHex(octets), bits, least, most };
}

export const prefix: ValueKind<PrefixPattern> = {
  parse: (text) => {
    const pattern = prefixOf(text, false);
    return pattern === undefined ? undefined : [pattern];
  },
  remedy:
    "write ADDRESS/LENGTH without bits beyond the length, behind it ge and le if longer ones count: 10.0.0.0/8 ge 16 le 24",
};

export const host: ValueKind<PrefixPattern> = {
  parse: (text) => {
    const pattern = prefixOf(text, true);
    return pattern === undefined ? undefined : [pattern];
  },
  remedy: "write an address, or a prefix that it lies in: 10.0.0.1, 10.0.0.0/8",
};

export const peer: ValueKind<PeerPattern> = {
  parse: (text) => {
    if (text.startsWith("group:")) return [{ group: text.slice(6) }];
    return host.parse(text);
  },
  remedy: "write an address, a prefix, or group:NAME",
};

export const asPathPattern: ValueKind<string> = {
  parse: (text) => {
    try {
      new AsPathPattern(text);
      return [text.trim().replaceAll(/\s+/g, " ")];
    } catch (error) {
      if (error instanceof AsPathPatternError) return undefined;
      throw error;
    }
  },
  remedy: "write ASes, ranges, . and ( ) | * + ? {2,3} for the whole path: 65001 .* 65010",
};
