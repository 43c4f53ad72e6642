/**
 * What keeps an announcement out of the table (RFC 4271 section 9.1.2, RFC 4456 section 8, RFC 8212).
 * A refused announcement counts as a withdrawal of what it would have replaced.
 */
import { readU16, readU32, readU8 } from "../../util/bytes.js";
import type { ReflectorIdentity } from "./export.js";

export const Refusal = {
  None: 0,
  /** ORIGINATOR_ID is our BGP identifier. */
  OwnOriginator: 1,
  /** CLUSTER_LIST has our cluster id. */
  OwnCluster: 2,
  /** AS_PATH has our AS more often than allowed. */
  AsLoop: 3,
} as const;
export type Refusal = (typeof Refusal)[keyof typeof Refusal];

/** Looks for loops in canonical attributes `bytes[start, end)`. */
export function findLoop(
  bytes: Uint8Array,
  start: number,
  end: number,
  identity: ReflectorIdentity,
  allowAsIn: number,
): Refusal {
  let at = start;
  while (at < end) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    const code = readU8(bytes, at + 1);
    const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
    const value = at + (extended ? 4 : 3);
    at = value + length;
    if (code === 2) {
      if (countAs(bytes, value, at, identity.as) > allowAsIn) return Refusal.AsLoop;
    } else if (code === 9) {
      if (readU32(bytes, value) === identity.routerId) return Refusal.OwnOriginator;
    } else if (code === 10) {
      for (let id = value; id + 4 <= at; id += 4) {
        if (readU32(bytes, id) === identity.clusterId) return Refusal.OwnCluster;
      }
    } else if (code > 10) {
      break;
    }
  }
  return Refusal.None;
}

function countAs(bytes: Uint8Array, start: number, end: number, as: number): number {
  let found = 0;
  for (let at = start; at + 2 <= end;) {
    const count = readU8(bytes, at + 1);
    for (let i = 0; i < count; i++) if (readU32(bytes, at + 2 + 4 * i) === as) found++;
    at += 2 + 4 * count;
  }
  return found;
}
