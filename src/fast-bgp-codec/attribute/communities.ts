/** The four kinds of communities (RFC 1997, RFC 4360, RFC 5701, RFC 8092), each a list of strings. */
import { fromHex, readU16, readU8, toHex, writeU16 } from "../../util/bytes.js";
import {
  formatCommunity,
  formatLargeCommunity,
  parseCommunity,
  parseLargeCommunity,
} from "../values/community.js";
import { formatExtendedCommunity, parseExtendedCommunity } from "../values/extended-community.js";
import { formatIpv6, parseIpv6 } from "../values/ip.js";
import { decimal } from "../values/rd.js";
import { must, readEach, type ValueCodec } from "./value-codec.js";

function listOf(
  octets: number,
  what: string,
  format: (bytes: Uint8Array, at: number) => string,
  parse: (text: string) => Uint8Array | undefined,
): ValueCodec<readonly string[]> {
  return {
    decode: (bytes, start, end) => readEach(start, end, octets, (at) => format(bytes, at)),
    encode: (value) => Buffer.concat(value.map((text) => must(parse(text), what, text))),
    format: (value) => value.join(" "),
  };
}

export const communitiesCodec = listOf(4, "a community", formatCommunity, parseCommunity);

export const largeCommunitiesCodec = listOf(
  12,
  "a large community",
  formatLargeCommunity,
  parseLargeCommunity,
);

export const extendedCommunitiesCodec = listOf(
  8,
  "an extended community",
  formatExtendedCommunity,
  parseExtendedCommunity,
);

/** 1 type | 1 sub-type | 16 IPv6 | 2 local; route targets and origins by name, others as hex. */
export const ipv6ExtendedCommunitiesCodec = listOf(
  20,
  "an IPv6 extended community",
  (bytes, at) => {
    const subtype = readU8(bytes, at + 1);
    if (readU8(bytes, at) !== 0 || (subtype !== 2 && subtype !== 3)) {
      return `unknown:${toHex(bytes, at, at + 20)}`;
    }
    const name = subtype === 2 ? "rt" : "soo";
    return `${name}:[${formatIpv6(bytes, at + 2)}]:${readU16(bytes, at + 18)}`;
  },
  (text) => {
    if (text.startsWith("unknown:")) {
      const octets = fromHex(text.slice(8));
      return octets?.length === 20 ? octets : undefined;
    }
    const match = /^(rt|soo):\[(.+)\]:(\d+)$/.exec(text);
    const address = match === null ? undefined : parseIpv6(match[2]!);
    const local = match === null ? undefined : decimal(match[3]!, 0xffff);
    if (address === undefined || local === undefined) return undefined;
    const bytes = new Uint8Array(20);
    bytes[1] = match![1] === "rt" ? 2 : 3;
    bytes.set(address, 2);
    writeU16(bytes, 18, local);
    return bytes;
  },
);
