/** AS_PATH and AS4_PATH (RFC 4271 section 4.3, RFC 6793, RFC 5065): 1 type | 1 count | ASes, repeated. */
import { readU16, readU32, readU8, writeU16, writeU32 } from "../../util/bytes.js";
import { SegmentType } from "./check.js";
import type { ValueCodec } from "./value-codec.js";

export interface AsPathSegment {
  readonly segment: "AS_SET" | "AS_SEQUENCE" | "AS_CONFED_SEQUENCE" | "AS_CONFED_SET";
  readonly asns: readonly number[];
}

const NAMES: Readonly<Record<number, AsPathSegment["segment"]>> = {
  [SegmentType.Set]: "AS_SET",
  [SegmentType.Sequence]: "AS_SEQUENCE",
  [SegmentType.ConfedSequence]: "AS_CONFED_SEQUENCE",
  [SegmentType.ConfedSet]: "AS_CONFED_SET",
};

function decodeSegments(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: 2 | 4,
): AsPathSegment[] {
  const path: AsPathSegment[] = [];
  for (let at = start; at < end;) {
    const next = at + 2 + readU8(bytes, at + 1) * width;
    const segment = NAMES[readU8(bytes, at)]!;
    const asns: number[] = [];
    for (let as = at + 2; as < next; as += width) {
      asns.push(width === 4 ? readU32(bytes, as) : readU16(bytes, as));
    }
    path.push({ segment, asns });
    at = next;
  }
  return path;
}

/** Throws RangeError for more than 255 ASes in a segment. */
function encodeSegments(path: readonly AsPathSegment[], width: 2 | 4): Uint8Array {
  const size = path.reduce((sum, { asns }) => sum + 2 + asns.length * width, 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const { segment, asns } of path) {
    if (asns.length > 255) throw new RangeError("more than 255 ASes in one segment");
    bytes[at] = Number(Object.keys(NAMES).find((type) => NAMES[Number(type)] === segment));
    bytes[at + 1] = asns.length;
    at += 2;
    for (const as of asns) {
      if (width === 4) writeU32(bytes, at, as);
      else writeU16(bytes, at, as > 0xffff ? 23456 : as);
      at += width;
    }
  }
  return bytes;
}

/** `65001 65002 {65003,65004} (65100)`: sets in braces, confederation segments in parentheses. */
function formatPath(path: readonly AsPathSegment[]): string {
  const parts = path.map(({ segment, asns }) => {
    switch (segment) {
      case "AS_SEQUENCE":
        return asns.join(" ");
      case "AS_SET":
        return `{${asns.join(",")}}`;
      case "AS_CONFED_SEQUENCE":
        return `(${asns.join(" ")})`;
      case "AS_CONFED_SET":
        return `[${asns.join(",")}]`;
    }
  });
  return parts.join(" ");
}

export const asPathCodec: ValueCodec<readonly AsPathSegment[]> = {
  decode: (bytes, start, end, { as4 }) => decodeSegments(bytes, start, end, as4 ? 4 : 2),
  encode: (value, { as4 }) => encodeSegments(value, as4 ? 4 : 2),
  format: formatPath,
};

export const as4PathCodec: ValueCodec<readonly AsPathSegment[]> = {
  decode: (bytes, start, end) => decodeSegments(bytes, start, end, 4),
  encode: (value) => encodeSegments(value, 4),
  format: formatPath,
};
