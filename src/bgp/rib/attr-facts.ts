/** The numbers that best path and reflection need of an attribute set, read in one walk of its canonical bytes. */
import { readU16, readU32, readU8 } from "../../util/bytes.js";

export const AttrFlag = {
  /** MAC mobility community present (RFC 7432 section 7.7). */
  Mobility: 1,
  /** Its sticky bit. */
  Sticky: 2,
  /** Community LLGR_STALE (RFC 9494). */
  LlgrStale: 4,
  /** Communities of RFC 1997. */
  NoExport: 8,
  NoAdvertise: 16,
  NoExportSubconfed: 32,
  LocalPref: 64,
  /** Community GRACEFUL_SHUTDOWN (RFC 8326). */
  GracefulShutdown: 128,
} as const;

export class AttrFacts {
  localPref = 100;
  origin = 0;
  asPathLength = 0;
  med = 0;
  neighborAs = 0;
  originatorId = 0;
  clusterListLength = 0;
  sequence = 0;
  flags = 0;
}

/** `bytes[start, end)` are canonical attributes (4-octet ASes, minimal lengths): well-formed by then. */
export function readAttrFacts(bytes: Uint8Array, start: number, end: number, out: AttrFacts): void {
  out.localPref = 100;
  out.origin = 0;
  out.asPathLength = 0;
  out.med = 0;
  out.neighborAs = 0;
  out.originatorId = 0;
  out.clusterListLength = 0;
  out.sequence = 0;
  out.flags = 0;
  let at = start;
  while (at < end) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    const code = readU8(bytes, at + 1);
    const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
    const value = at + (extended ? 4 : 3);
    at = value + length;
    switch (code) {
      case 1:
        out.origin = readU8(bytes, value);
        break;
      case 2:
        readAsPath(bytes, value, at, out);
        break;
      case 4:
        out.med = readU32(bytes, value);
        break;
      case 5:
        out.localPref = readU32(bytes, value);
        out.flags |= AttrFlag.LocalPref;
        break;
      case 8:
        readCommunities(bytes, value, at, out);
        break;
      case 9:
        out.originatorId = readU32(bytes, value);
        break;
      case 10:
        out.clusterListLength = length >>> 2;
        break;
      case 16:
        readExtendedCommunities(bytes, value, at, out);
        break;
      default:
        break;
    }
  }
}

/** AS_SET counts 1, confederation segments 0 (RFC 4271 section 9.1.2.2 a, RFC 5065). */
function readAsPath(bytes: Uint8Array, start: number, end: number, out: AttrFacts): void {
  let length = 0;
  let at = start;
  while (at + 2 <= end) {
    const type = readU8(bytes, at);
    const count = readU8(bytes, at + 1);
    if (at === start && type === 2 && count > 0) out.neighborAs = readU32(bytes, at + 2);
    if (type === 2) length += count;
    else if (type === 1) length++;
    at += 2 + 4 * count;
  }
  out.asPathLength = Math.min(length, 0xffff);
}

function readCommunities(bytes: Uint8Array, start: number, end: number, out: AttrFacts): void {
  for (let at = start; at + 4 <= end; at += 4) {
    switch (readU32(bytes, at)) {
      case 0xffffff01:
        out.flags |= AttrFlag.NoExport;
        break;
      case 0xffffff02:
        out.flags |= AttrFlag.NoAdvertise;
        break;
      case 0xffffff03:
        out.flags |= AttrFlag.NoExportSubconfed;
        break;
      case 0xffff0000:
        out.flags |= AttrFlag.GracefulShutdown;
        break;
      case 0xffff0006:
        out.flags |= AttrFlag.LlgrStale;
        break;
      default:
        break;
    }
  }
}

function readExtendedCommunities(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: AttrFacts,
): void {
  for (let at = start; at + 8 <= end; at += 8) {
    if (readU16(bytes, at) !== 0x0600) continue;
    out.flags |= AttrFlag.Mobility;
    if ((readU8(bytes, at + 2) & 1) !== 0) out.flags |= AttrFlag.Sticky;
    out.sequence = readU32(bytes, at + 4);
    return;
  }
}
