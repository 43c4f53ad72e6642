/**
 * Whether a path attribute's value is well formed, beyond the length its row in `rules.ts` allows.
 * On the hot path: no allocation, every octet read at most once.
 */
import { readU16, readU32, readU8 } from "../../util/bytes.js";
import { AttributeCode, PmsiTunnelType } from "../iana.js";

/** AS_PATH segment types (RFC 4271 section 4.3, RFC 5065 section 3). */
export const SegmentType = { Set: 1, Sequence: 2, ConfedSequence: 3, ConfedSet: 4 } as const;

/** True when the value in `bytes[start, end)` is what its attribute's specification asks for. */
export function checkAttributeValue(
  code: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  as4: boolean,
): boolean {
  switch (code) {
    case AttributeCode.Origin:
      return readU8(bytes, start) <= 2;
    case AttributeCode.AsPath:
      return checkAsPath(bytes, start, end, as4 ? 4 : 2);
    case AttributeCode.Aggregator:
      if (end - start !== (as4 ? 8 : 6)) return false;
      return (as4 ? readU32(bytes, start) : readU16(bytes, start)) !== 0;
    case AttributeCode.As4Path:
      return checkAsPath(bytes, start, end, 4);
    case AttributeCode.As4Aggregator:
      return readU32(bytes, start) !== 0;
    case AttributeCode.PmsiTunnel:
      return checkPmsiTunnel(readU8(bytes, start + 1), end - start - 5);
    case AttributeCode.TunnelEncapsulation:
      return checkTunnelEncapsulation(bytes, start, end);
    case AttributeCode.Aigp:
      return checkAigp(bytes, start, end);
    case AttributeCode.PrefixSid:
      return checkTlvs(bytes, start, end, 1);
    case AttributeCode.BgpLs:
      return checkTlvs(bytes, start, end, 2);
    default:
      return true;
  }
}

/**
 * Segments fit exactly, are of a known type, hold one AS at least (RFC 7606 section 7.2), and no AS
 * is 0 (RFC 7607).
 */
function checkAsPath(bytes: Uint8Array, start: number, end: number, width: 2 | 4): boolean {
  let at = start;
  while (at < end) {
    if (at + 2 > end) return false;
    const type = readU8(bytes, at);
    const count = readU8(bytes, at + 1);
    if (type < SegmentType.Set || type > SegmentType.ConfedSet || count === 0) return false;
    const next = at + 2 + count * width;
    if (next > end) return false;
    for (at += 2; at < next; at += width) {
      if ((width === 4 ? readU32(bytes, at) : readU16(bytes, at)) === 0) return false;
    }
  }
  return true;
}

/**
 * The tunnel type is defined and its identifier can be one (RFC 6514 section 5). The high bit of the
 * type marks a composite tunnel, with 3 octets of label in front of the identifier (RFC 8317 section 6).
 */
function checkPmsiTunnel(type: number, idLength: number): boolean {
  const length = type >= 0x80 ? idLength - 3 : idLength;
  switch (type & 0x7f) {
    case PmsiTunnelType.None:
      return length === 0;
    case PmsiTunnelType.RsvpTeP2mp:
      return length === 12 || length === 24;
    case PmsiTunnelType.MldpP2mp:
    case PmsiTunnelType.MldpMp2mp:
      return length > 0;
    case PmsiTunnelType.PimSsm:
    case PmsiTunnelType.PimSm:
    case PmsiTunnelType.PimBidir:
      return length === 8 || length === 32;
    case PmsiTunnelType.IngressReplication:
      return length === 4 || length === 16;
    case 8:
    case 10:
    case 11:
    case 12:
    case 13:
    case 0x7b:
    case 0x7c:
    case 0x7d:
    case 0x7e:
      return length >= 0;
    default:
      return false;
  }
}

/** One TLV at least that is worth keeping, and all of them fit (RFC 9012 section 13). */
function checkTunnelEncapsulation(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  let good = 0;
  while (at < end) {
    if (at + 4 > end) return false;
    const next = at + 4 + readU16(bytes, at + 2);
    if (next > end) return false;
    const verdict = checkTunnelTlv(bytes, at + 4, next);
    if (verdict === TunnelTlv.Malformed) return false;
    if (verdict === TunnelTlv.Good) good++;
    at = next;
  }
  return good > 0;
}

export const TunnelTlv = {
  Good: 0,
  /** Its egress endpoint is malformed: this TLV goes, the others stay. */
  Removed: 1,
  /** Its sub-TLVs do not end where it ends. */
  Malformed: 2,
} as const;
export type TunnelTlv = (typeof TunnelTlv)[keyof typeof TunnelTlv];

/** The sub-TLVs of one tunnel TLV: 1 type | 1 length (2 from type 128 on) | value. */
export function checkTunnelTlv(bytes: Uint8Array, start: number, end: number): TunnelTlv {
  let at = start;
  let verdict: TunnelTlv = TunnelTlv.Good;
  while (at < end) {
    const type = readU8(bytes, at);
    const header = type < 128 ? 2 : 3;
    if (at + header > end) return TunnelTlv.Malformed;
    const length = type < 128 ? readU8(bytes, at + 1) : readU16(bytes, at + 1);
    const value = at + header;
    if (value + length > end) return TunnelTlv.Malformed;
    if (type === 6 && !checkEgressEndpoint(bytes, value, length)) verdict = TunnelTlv.Removed;
    at = value + length;
  }
  return verdict;
}

/** 4 reserved | 2 AFI | address of that family, or AFI 0 and none (RFC 9012 section 3.1). */
function checkEgressEndpoint(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < 6) return false;
  switch (readU16(bytes, at + 4)) {
    case 0:
      return length === 6;
    case 1:
      return length === 10;
    case 2:
      return length === 22;
    default:
      return false;
  }
}

/** 1 type | 2 length, header included | value; type 1 is a metric of 8 octets (RFC 7311 section 3). */
function checkAigp(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    if (at + 3 > end) return false;
    const length = readU16(bytes, at + 1);
    if (length < 3 || at + length > end) return false;
    if (readU8(bytes, at) === 1 && length !== 11) return false;
    at += length;
  }
  return true;
}

/** TLVs with a type of `typeOctets` and a length of 2 octets end where the value ends. */
function checkTlvs(bytes: Uint8Array, start: number, end: number, typeOctets: number): boolean {
  const header = typeOctets + 2;
  let at = start;
  while (at < end) {
    if (at + header > end) return false;
    at += header + readU16(bytes, at + typeOctets);
  }
  return at === end;
}
