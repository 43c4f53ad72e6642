/** Attributes that hold one value: ORIGIN, numbers, identifiers, and values kept as hex. */
import { fromHex, readU32, readU8, toHex, writeU32 } from "../../util/bytes.js";
import { formatIpv4, parseIpv4 } from "../values/ip.js";
import { must, readEach, type ValueCodec } from "./value-codec.js";

const ORIGINS = ["IGP", "EGP", "INCOMPLETE"] as const;

export const originCodec: ValueCodec<string> = {
  decode: (bytes, start) => ORIGINS[readU8(bytes, start)]!,
  encode: (value) => {
    const code = ORIGINS.findIndex((name) => name === value);
    return must(code < 0 ? undefined : new Uint8Array([code]), "an ORIGIN", value);
  },
  format: (value) => value,
};

export const numberCodec: ValueCodec<number> = {
  decode: (bytes, start) => readU32(bytes, start),
  encode: (value) => {
    const bytes = new Uint8Array(4);
    writeU32(bytes, 0, value);
    return bytes;
  },
  format: String,
};

/** An IPv4 address or a BGP identifier. */
export const ipv4Codec: ValueCodec<string> = {
  decode: (bytes, start) => formatIpv4(bytes, start),
  encode: (value) => must(parseIpv4(value), "an IPv4 address", value),
  format: (value) => value,
};

/** CLUSTER_LIST: newest first. */
export const ipv4ListCodec: ValueCodec<readonly string[]> = {
  decode: (bytes, start, end) => readEach(start, end, 4, (at) => formatIpv4(bytes, at)),
  encode: (value) =>
    Buffer.concat(value.map((text) => must(parseIpv4(text), "a cluster id", text))),
  format: (value) => value.join(" "),
};

/** ATOMIC_AGGREGATE: there, or not. */
export const presenceCodec: ValueCodec<true> = {
  decode: () => true,
  encode: () => new Uint8Array(0),
  format: () => "yes",
};

export const hexCodec: ValueCodec<string> = {
  decode: (bytes, start, end) => toHex(bytes, start, end),
  encode: (value) => must(fromHex(value), "hex", value),
  format: (value) => value,
};
