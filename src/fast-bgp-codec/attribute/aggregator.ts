/** AGGREGATOR and AS4_AGGREGATOR (RFC 4271 section 5.1.7, RFC 6793): 2/4 AS | 4 BGP identifier. */
import { readU16, readU32, writeU16, writeU32 } from "../../util/bytes.js";
import { formatIpv4, parseIpv4 } from "../values/ip.js";
import { must, type ValueCodec } from "./value-codec.js";

export interface Aggregator {
  readonly as: number;
  readonly id: string;
}

function decode(bytes: Uint8Array, start: number, width: 2 | 4): Aggregator {
  const as = width === 4 ? readU32(bytes, start) : readU16(bytes, start);
  return { as, id: formatIpv4(bytes, start + width) };
}

function encode(value: Aggregator, width: 2 | 4): Uint8Array {
  const bytes = new Uint8Array(width + 4);
  if (width === 4) writeU32(bytes, 0, value.as);
  else writeU16(bytes, 0, value.as > 0xffff ? 23456 : value.as);
  bytes.set(must(parseIpv4(value.id), "an identifier", value.id), width);
  return bytes;
}

const format = (value: Aggregator): string => `${value.as} ${value.id}`;

export const aggregatorCodec: ValueCodec<Aggregator> = {
  decode: (bytes, start, _end, { as4 }) => decode(bytes, start, as4 ? 4 : 2),
  encode: (value, { as4 }) => encode(value, as4 ? 4 : 2),
  format,
};

export const as4AggregatorCodec: ValueCodec<Aggregator> = {
  decode: (bytes, start) => decode(bytes, start, 4),
  encode: (value) => encode(value, 4),
  format,
};
