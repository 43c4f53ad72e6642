/**
 * UPDATE messages as a peer might write them (RFC 4271 section 4.3, RFC 4760): any attribute order,
 * needless extended lengths, set low flag bits, 2-octet ASes with AS4_PATH (RFC 6793).
 */
import { FAMILIES, Family } from "../../../src/fast-bgp-codec/family.js";
import { asPathValue, Code, segmentsOf, type Attribute, type Attributes } from "./attributes.js";
import { bytesOf, hexOf, octetsIn, slice } from "./hex.js";
import { Random } from "./random.js";

export interface Reach {
  readonly family: Family;
  readonly nextHop: string;
  readonly nlri: readonly string[];
}

/** What goes into one UPDATE, part by part; NLRI in hex. */
export interface UpdateParts {
  /** The IPv4 withdrawn routes field. */
  readonly withdrawn4?: readonly string[];
  /** The IPv4 NLRI field, and its NEXT_HOP. */
  readonly nlri4?: readonly string[];
  readonly nextHop4?: string;
  readonly attributes?: Attributes;
  readonly reach?: Reach;
  readonly unreach?: { readonly family: Family; readonly nlri: readonly string[] };
}

/** Changes the list of attributes just before it is written: how faults are made. */
export type Spoil = (attributes: readonly Attribute[]) => readonly Attribute[];

export const MARKER = "ff".repeat(16);

/** @param shape seed of the writer's habits; 0 writes canonically: MP attributes first, the rest ascending. */
export function encodeUpdate(
  parts: UpdateParts,
  as4: boolean,
  shape: number,
  spoil?: Spoil,
): Buffer {
  const random = new Random(shape);
  let list: readonly Attribute[] = wireAttributes(parts, as4);
  if (shape !== 0) list = random.shuffle(list);
  if (spoil !== undefined) list = spoil(list);
  const attributes = list
    .map((one) => attributeHex(one, shape !== 0 && random.oneIn(5), shape !== 0 && random.oneIn(9)))
    .join("");
  return updateMessage((parts.withdrawn4 ?? []).join(""), attributes, (parts.nlri4 ?? []).join(""));
}

/** A whole UPDATE of raw fields. */
export function updateMessage(withdrawn: string, attributes: string, nlri: string): Buffer {
  const body =
    hexOf(octetsIn(withdrawn), 2) + withdrawn + hexOf(octetsIn(attributes), 2) + attributes + nlri;
  return bytesOf(MARKER + hexOf(19 + octetsIn(body), 2) + "02" + body);
}

export function endOfRib(family: Family): Buffer {
  if (family === Family.Ipv4Unicast) return updateMessage("", "", "");
  return updateMessage("", `800f03${afiSafi(family)}`, "");
}

/**
 * Octets of the smallest UPDATE that announces one route: the least and the most that the different
 * lawful forms need (extended length on MP_REACH_NLRI, IPv4 inside it).
 */
export function messageOctets(
  family: Family,
  nlri: string,
  nextHop: string,
  attributes: Attributes,
  as4: boolean,
): [least: number, most: number] {
  const shared = attributeOctets(attributes, as4) + 23;
  const value = 5 + octetsIn(nextHop) + octetsIn(nlri);
  const multiprotocol = shared + value + (value > 255 ? 4 : 3);
  const most = shared + value + 4;
  if (family !== Family.Ipv4Unicast) return [multiprotocol, most];
  return [shared + 7 + octetsIn(nlri), most];
}

function attributeOctets(attributes: Attributes, as4: boolean): number {
  let sum = 0;
  for (const { value } of as4 ? attributes : toTwoOctets(attributes))
    sum += octetsIn(value) + (octetsIn(value) > 255 ? 4 : 3);
  return sum;
}

function wireAttributes(parts: UpdateParts, as4: boolean): Attribute[] {
  const out: Attribute[] = [];
  const { reach, unreach } = parts;
  if (unreach !== undefined) {
    const value = afiSafi(unreach.family) + unreach.nlri.join("");
    out.push({ code: Code.MpUnreach, flags: 0x80, value });
  }
  if (reach !== undefined) {
    const hop = hexOf(octetsIn(reach.nextHop), 1) + reach.nextHop;
    const value = `${afiSafi(reach.family)}${hop}00${reach.nlri.join("")}`;
    out.push({ code: Code.MpReach, flags: 0x80, value });
  }
  const own = [...(parts.attributes ?? [])];
  if (parts.nextHop4 !== undefined) {
    own.push({ code: Code.NextHop, flags: 0x40, value: parts.nextHop4 });
    own.sort((a, b) => a.code - b.code);
  }
  return [...out, ...(as4 ? own : toTwoOctets(own))];
}

function attributeHex(one: Attribute, extend: boolean, lowBits: boolean): string {
  const length = one.declared ?? octetsIn(one.value);
  const extended = extend || length > 255;
  const flags = one.flags | (extended ? 0x10 : 0) | (lowBits ? 0x05 : 0);
  return hexOf(flags, 1) + hexOf(one.code, 1) + hexOf(length, extended ? 2 : 1) + one.value;
}

function afiSafi(family: Family): string {
  const spec = FAMILIES[family];
  return hexOf(spec?.afi ?? 0, 2) + hexOf(spec?.safi ?? 0, 1);
}

/** RFC 6793 section 4.2.2: AS_TRANS in the old attributes, the truth beside them. */
function toTwoOctets(attributes: Attributes): Attributes {
  const out: Attribute[] = [];
  for (const one of attributes) {
    if (one.code === Code.AsPath) {
      const segments = segmentsOf(one.value);
      out.push({ ...one, value: asPathValue(segments, 2) });
      if (segments.some(({ as }) => as.some((number) => number > 0xffff)))
        out.push({ code: Code.As4Path, flags: 0xc0, value: one.value });
    } else if (one.code === Code.Aggregator) {
      const as = parseInt(slice(one.value, 0, 4), 16);
      const short = hexOf(as > 0xffff ? 23456 : as, 2) + slice(one.value, 4);
      out.push({ ...one, value: short });
      if (as > 0xffff) out.push({ code: Code.As4Aggregator, flags: 0xc0, value: one.value });
    } else out.push(one);
  }
  return out.sort((a, b) => a.code - b.code);
}
