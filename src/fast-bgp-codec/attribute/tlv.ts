/** Attributes made of TLVs: TUNNEL_ENCAPSULATION, AIGP, PREFIX_SID and BGP-LS; and ATTR_SET. */
import { fromHex, readU16, readU32, readU8, toHex, writeU16, writeU32 } from "../../util/bytes.js";
import { must, type ValueCodec } from "./value-codec.js";

export interface Tlv {
  readonly type: number;
  readonly hex: string;
}

export interface Tunnel {
  readonly tunnelType: number;
  readonly subTlvs: readonly Tlv[];
}

/** Type 1 has a metric, others hex. A metric beyond 2^53 is a decimal string. */
export interface AigpTlv {
  readonly tlv: number;
  readonly metric?: number | string;
  readonly hex?: string;
}

export interface AttrSet {
  readonly originAs: number;
  /** The attributes inside, as they are. */
  readonly hex: string;
}

/** Type and length of the given widths in front of the value. */
function encodeTlv(
  type: number,
  value: Uint8Array,
  typeOctets: 1 | 2,
  lengthOctets: 1 | 2,
  lengthOffset = 0,
): Uint8Array {
  const bytes = new Uint8Array(typeOctets + lengthOctets + value.length);
  if (typeOctets === 2) writeU16(bytes, 0, type);
  else bytes[0] = type;
  const length = value.length + lengthOffset;
  if (lengthOctets === 2) writeU16(bytes, typeOctets, length);
  else bytes[typeOctets] = length;
  bytes.set(value, typeOctets + lengthOctets);
  return bytes;
}

function hexOctets(hex: string): Uint8Array {
  return must(fromHex(hex), "hex", hex);
}

function formatTlvs(list: readonly Tlv[]): string {
  return list.map(({ type, hex }) => `${type}:${hex}`).join(" ");
}

/** TLVs with a type of one or two octets and a length of two (RFC 8669 section 3, RFC 9552 section 5.1). */
function plainTlvs(typeOctets: 1 | 2): ValueCodec<readonly Tlv[]> {
  return {
    decode: (bytes, start, end) => {
      const list: Tlv[] = [];
      for (let at = start; at < end;) {
        const value = at + typeOctets + 2;
        const next = value + readU16(bytes, at + typeOctets);
        const type = typeOctets === 2 ? readU16(bytes, at) : readU8(bytes, at);
        list.push({ type, hex: toHex(bytes, value, next) });
        at = next;
      }
      return list;
    },
    encode: (value) =>
      Buffer.concat(value.map(({ type, hex }) => encodeTlv(type, hexOctets(hex), typeOctets, 2))),
    format: formatTlvs,
  };
}

export const prefixSidCodec = plainTlvs(1);
export const bgpLsCodec = plainTlvs(2);

/** RFC 9012 section 2: 2 type | 2 length | sub-TLVs of 1 type | 1 length (2 from type 128 on) | value. */
export const tunnelEncapsulationCodec: ValueCodec<readonly Tunnel[]> = {
  decode: (bytes, start, end) => {
    const list: Tunnel[] = [];
    for (let at = start; at < end;) {
      const next = at + 4 + readU16(bytes, at + 2);
      list.push({ tunnelType: readU16(bytes, at), subTlvs: decodeSubTlvs(bytes, at + 4, next) });
      at = next;
    }
    return list;
  },
  encode: (value) =>
    Buffer.concat(
      value.map(({ tunnelType, subTlvs }) => {
        const inner = subTlvs.map(({ type, hex }) =>
          encodeTlv(type, hexOctets(hex), 1, type < 128 ? 1 : 2),
        );
        return encodeTlv(tunnelType, Buffer.concat(inner), 2, 2);
      }),
    ),
  format: (value) =>
    value.map(({ tunnelType, subTlvs }) => `${tunnelType}(${formatTlvs(subTlvs)})`).join(" "),
};

function decodeSubTlvs(bytes: Uint8Array, start: number, end: number): Tlv[] {
  const list: Tlv[] = [];
  for (let at = start; at < end;) {
    const type = readU8(bytes, at);
    const value = at + (type < 128 ? 2 : 3);
    const next = value + (type < 128 ? readU8(bytes, at + 1) : readU16(bytes, at + 1));
    list.push({ type, hex: toHex(bytes, value, next) });
    at = next;
  }
  return list;
}

/** RFC 7311 section 3: the length counts its own three octets of header. */
export const aigpCodec: ValueCodec<readonly AigpTlv[]> = {
  decode: (bytes, start, end) => {
    const list: AigpTlv[] = [];
    for (let at = start; at < end; at += readU16(bytes, at + 1)) {
      const tlv = readU8(bytes, at);
      const next = at + readU16(bytes, at + 1);
      const hex = toHex(bytes, at + 3, next);
      list.push(tlv === 1 ? { tlv, metric: readMetric(hex) } : { tlv, hex });
    }
    return list;
  },
  encode: (value) =>
    Buffer.concat(
      value.map(({ tlv, metric, hex }) => {
        const octets = BigInt(metric ?? 0)
          .toString(16)
          .padStart(16, "0");
        return encodeTlv(tlv, hexOctets(metric === undefined ? (hex ?? "") : octets), 1, 2, 3);
      }),
    ),
  format: (value) =>
    value.map(({ tlv, metric, hex }) => String(metric ?? `${tlv}:${hex}`)).join(" "),
};

function readMetric(hex: string): number | string {
  const metric = BigInt(`0x${hex}`);
  return metric <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(metric) : metric.toString();
}

/** RFC 6368 section 5. What is inside is not unfolded: it may hold another ATTR_SET, and so on. */
export const attrSetCodec: ValueCodec<AttrSet> = {
  decode: (bytes, start, end) => ({
    originAs: readU32(bytes, start),
    hex: toHex(bytes, start + 4, end),
  }),
  encode: (value) => {
    const inner = hexOctets(value.hex);
    const bytes = new Uint8Array(4 + inner.length);
    writeU32(bytes, 0, value.originAs);
    bytes.set(inner, 4);
    return bytes;
  },
  format: (value) => `${value.originAs} ${value.hex}`,
};
