/**
 * MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760 sections 3 and 4).
 *   2 AFI | 1 SAFI | 1 next hop length | next hop | 1 reserved | NLRI
 *   2 AFI | 1 SAFI | NLRI
 * A next hop of a VPN family has an RD of zero in front of each address (RFC 4364 section 4.3.2, RFC 4659
 * section 3.2.1); one with another RD is shown in hex.
 * NLRI of families we do not carry, and those that cannot be told apart, are hex.
 */
import { fromHex, readU16, readU8, toHex, writeU16 } from "../../util/bytes.js";
import { familyOf } from "../family.js";
import { decodeNlriField, encodeNlriField, formatNlri, type DecodedNlri } from "../nlri.js";
import { formatIp, parseIp } from "../values/ip.js";
import { must, type AttributeContext, type ValueCodec } from "./value-codec.js";

export interface MpReach {
  readonly afi: number;
  readonly safi: number;
  /** An address; hex when it is none. */
  readonly nextHop: string;
  /** The second address of a next hop that has two (RFC 2545). */
  readonly linkLocal?: string;
  readonly nlri: readonly DecodedNlri[] | string;
}

export interface MpUnreach {
  readonly afi: number;
  readonly safi: number;
  readonly withdrawn: readonly DecodedNlri[] | string;
}

function decodeField(
  afi: number,
  safi: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  context: AttributeContext,
): DecodedNlri[] | string {
  const family = familyOf(afi, safi);
  if (family === undefined) return toHex(bytes, start, end);
  const addPath = (context.addPath & (1 << family)) !== 0;
  return decodeNlriField(family, bytes, start, end, addPath) ?? toHex(bytes, start, end);
}

function encodeField(afi: number, safi: number, nlri: readonly DecodedNlri[] | string): Uint8Array {
  if (typeof nlri === "string") return must(fromHex(nlri), "hex", nlri);
  const family = familyOf(afi, safi);
  if (family === undefined) throw new RangeError(`NLRI of family ${afi}/${safi} must be hex`);
  return encodeNlriField(family, nlri);
}

function formatField(afi: number, safi: number, nlri: readonly DecodedNlri[] | string): string {
  const family = familyOf(afi, safi);
  if (typeof nlri === "string") return `${afi}/${safi} ${nlri}`;
  if (family === undefined) return `${afi}/${safi}`;
  return nlri.map((item) => formatNlri(family, item)).join(" ");
}

/** SAFI of labelled VPN addresses. */
const MPLS_VPN = 128;
const RD = 8;

/** The same next hop without its RDs; undefined when it has none, or one that says something. */
function withoutRds(bytes: Uint8Array, at: number, length: number): Uint8Array | undefined {
  const parts = length === RD + 4 ? [4] : length === RD + 16 ? [16] : [16, 16];
  if (parts.reduce((sum, octets) => sum + RD + octets, 0) !== length) return undefined;
  const addresses: Uint8Array[] = [];
  let from = at;
  for (const octets of parts) {
    if (bytes.subarray(from, from + RD).some((octet) => octet !== 0)) return undefined;
    addresses.push(bytes.subarray(from + RD, from + RD + octets));
    from += RD + octets;
  }
  return Buffer.concat(addresses);
}

function withRd(address: Uint8Array): Uint8Array {
  return Buffer.concat([new Uint8Array(RD), address]);
}

function decodeNextHop(
  safi: number,
  bytes: Uint8Array,
  at: number,
  length: number,
): Pick<MpReach, "nextHop" | "linkLocal"> {
  if (safi === MPLS_VPN) {
    const plain = withoutRds(bytes, at, length);
    if (plain === undefined) return { nextHop: toHex(bytes, at, at + length) };
    return decodeNextHop(0, plain, 0, plain.length);
  }
  if (length === 4 || length === 16) return { nextHop: formatIp(bytes, at, length) };
  if (length === 32) {
    return { nextHop: formatIp(bytes, at, 16), linkLocal: formatIp(bytes, at + 16, 16) };
  }
  return { nextHop: toHex(bytes, at, at + length) };
}

function encodeNextHop(value: MpReach): Uint8Array {
  const isAddress = value.nextHop.includes(".") || value.nextHop.includes(":");
  const parse = isAddress ? parseIp : fromHex;
  const vpn = value.safi === MPLS_VPN && isAddress ? withRd : (address: Uint8Array) => address;
  const first = vpn(must(parse(value.nextHop), "a next hop", value.nextHop));
  if (value.linkLocal === undefined) return first;
  const second = vpn(must(parseIp(value.linkLocal), "an address", value.linkLocal));
  return Buffer.concat([first, second]);
}

export const mpReachCodec: ValueCodec<MpReach> = {
  decode: (bytes, start, end, context) => {
    const [afi, safi] = [readU16(bytes, start), readU8(bytes, start + 2)];
    const length = readU8(bytes, start + 3);
    const nlri = start + 5 + length;
    return {
      afi,
      safi,
      ...decodeNextHop(safi, bytes, start + 4, length),
      nlri: decodeField(afi, safi, bytes, nlri, end, context),
    };
  },
  encode: (value) => {
    const nextHop = encodeNextHop(value);
    const nlri = encodeField(value.afi, value.safi, value.nlri);
    const bytes = new Uint8Array(5 + nextHop.length + nlri.length);
    writeU16(bytes, 0, value.afi);
    bytes[2] = value.safi;
    bytes[3] = nextHop.length;
    bytes.set(nextHop, 4);
    bytes.set(nlri, 5 + nextHop.length);
    return bytes;
  },
  format: (value) => `${value.nextHop} ${formatField(value.afi, value.safi, value.nlri)}`,
};

export const mpUnreachCodec: ValueCodec<MpUnreach> = {
  decode: (bytes, start, end, context) => {
    const [afi, safi] = [readU16(bytes, start), readU8(bytes, start + 2)];
    return { afi, safi, withdrawn: decodeField(afi, safi, bytes, start + 3, end, context) };
  },
  encode: (value) => {
    const nlri = encodeField(value.afi, value.safi, value.withdrawn);
    const bytes = new Uint8Array(3 + nlri.length);
    writeU16(bytes, 0, value.afi);
    bytes[2] = value.safi;
    bytes.set(nlri, 3);
    return bytes;
  },
  format: (value) => formatField(value.afi, value.safi, value.withdrawn),
};
