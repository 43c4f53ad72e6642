/**
 * Route target membership (RFC 4684 section 4): 1 length in bits | 4 origin AS | up to 8 route target.
 * Length 0 wants everything, 96 one route target, what lies between all that begin so.
 */
import { fromHex, readU32, readU8, toHex, writeU32 } from "../util/bytes.js";
import { formatExtendedCommunity, parseExtendedCommunity } from "./values/extended-community.js";

export interface RouteTargetMembership {
  /** Bits: 0, or 32 to 96. */
  readonly prefixLen: number;
  readonly default?: true;
  readonly originAs?: number;
  /** `rt:65000:100` for all 96 bits, hex of what is there for less. */
  readonly rt?: string;
  /** Octets on the wire of a length that cannot be. */
  readonly malformed?: string;
}

export function decodeMembership(
  bytes: Uint8Array,
  start: number,
  end: number,
): RouteTargetMembership {
  const prefixLen = readU8(bytes, start);
  if (prefixLen === 0) return { prefixLen, default: true };
  if (prefixLen < 32 || prefixLen > 96) return { prefixLen, malformed: toHex(bytes, start, end) };
  const originAs = readU32(bytes, start + 1);
  const text = prefixLen === 96 ? formatExtendedCommunity(bytes, start + 5) : "";
  const hex = toHex(bytes, start + 5, end);
  const parsed = text === "" ? undefined : parseExtendedCommunity(text);
  // A text that does not lead back to the same octets would name another target.
  const exact = parsed !== undefined && toHex(parsed) === hex;
  return { prefixLen, originAs, rt: exact ? text : prefixLen === 96 ? `unknown:${hex}` : hex };
}

/** Throws RangeError for a target that is none. */
export function encodeMembership(nlri: RouteTargetMembership): Uint8Array {
  if (nlri.malformed !== undefined) return fromHex(nlri.malformed) ?? new Uint8Array(1);
  const bytes = new Uint8Array(1 + ((nlri.prefixLen + 7) >>> 3));
  bytes[0] = nlri.prefixLen;
  if (nlri.prefixLen === 0) return bytes;
  const text = nlri.rt ?? "";
  const target = nlri.prefixLen === 96 ? parseExtendedCommunity(text) : fromHex(text);
  if (nlri.prefixLen < 32 || nlri.prefixLen > 96 || target?.length !== bytes.length - 5) {
    throw new RangeError(`not a route target membership: ${nlri.prefixLen} bits of ${text}`);
  }
  writeU32(bytes, 1, nlri.originAs ?? 0);
  bytes.set(target, 5);
  return bytes;
}

/** `65000:rt:65000:100/96`; `default` for the one that wants everything. */
export function formatMembership(nlri: RouteTargetMembership): string {
  if (nlri.malformed !== undefined) return `malformed:${nlri.malformed}`;
  if (nlri.prefixLen === 0) return "default";
  const target = nlri.rt === undefined || nlri.rt === "" ? "" : `:${nlri.rt}`;
  return `${nlri.originAs ?? 0}${target}/${nlri.prefixLen}`;
}
