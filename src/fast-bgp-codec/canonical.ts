/**
 * Path attributes as the RIB keeps them: one form for one meaning, so that equal sets have equal
 * octets. Hot path: reused buffers, no allocation.
 *
 * In: a message and its `UpdateScan` without a withdraw or reset verdict. Out: the attributes
 * - ascending by type code (RFC 4271 appendix F.3), length in the short form where it fits;
 * - flags: low four bits 0; Partial kept on optional transitive attributes, set on unknown ones
 *   (RFC 4271 section 5), cleared elsewhere;
 * - AS_PATH and AGGREGATOR with 4-octet ASes, AS4_PATH and AS4_AGGREGATOR merged in (RFC 6793);
 * - large communities once each (RFC 8092 section 3), tunnels without those RFC 9012 section 13 removes;
 * - NEXT_HOP, MP_REACH_NLRI and MP_UNREACH_NLRI cut out: next hop and NLRI are kept elsewhere.
 * What `scanUpdate` discarded is not there any more.
 */
import { copyBytes, readU16, readU8, writeU16, writeU32 } from "../util/bytes.js";
import { AttributeCode, AttributeFlag } from "./iana.js";
import { RULE_FLAGS } from "./attribute/rules.js";
import { TunnelTlv, checkTunnelTlv } from "./attribute/check.js";
import { isAs4Trusted, writeMergedAsPath } from "./as-path-merge.js";
import { attributeEnd, attributeStart } from "./update-scan.js";
import type { DecodeContext, UpdateScan } from "./update-scan.js";
import { writeUniqueLargeCommunities } from "./large-community-set.js";

const AS_TRANS = 23456;
const OPTIONAL_TRANSITIVE = AttributeFlag.Optional | AttributeFlag.Transitive;

/** Indexes into the scan's attributes by ascending code. */
const order = new Uint8Array(256);

/**
 * Writes the canonical attributes to `target` from `at` on.
 * @returns the end offset in `target`, or -1 when `target` is too small. The result is never longer
 *   than twice the message's attributes plus 8 octets.
 */
export function writeCanonicalAttributes(
  bytes: Uint8Array,
  scan: UpdateScan,
  context: DecodeContext,
  target: Uint8Array,
  at: number,
): number {
  const count = sortByCode(scan);
  let end = at;
  for (let k = 0; k < count; k++) {
    const i = readU8(order, k);
    const code = readU8(scan.code, i);
    const start = attributeStart(scan, i);
    const stop = attributeEnd(scan, i);
    const rule = readU8(RULE_FLAGS, code);
    const flags = canonicalFlags(rule, readU8(scan.flags, i));
    switch (code) {
      case AttributeCode.AsPath:
        end = context.as4
          ? writeCopy(bytes, start, stop, code, flags, target, end)
          : writeAsPath(bytes, start, stop, scan, flags, target, end);
        break;
      case AttributeCode.Aggregator:
        end = context.as4
          ? writeCopy(bytes, start, stop, code, flags, target, end)
          : writeAggregator(bytes, start, scan, flags, target, end);
        break;
      case AttributeCode.TunnelEncapsulation:
        end = writeTunnels(bytes, start, stop, flags, target, end);
        break;
      case AttributeCode.LargeCommunity:
        end = writeLargeCommunities(bytes, start, stop, flags, target, end);
        break;
      default:
        end = writeCopy(bytes, start, stop, code, flags, target, end);
    }
  }
  // Writes past the end of a typed array do nothing, so one look at the end is enough.
  return end > target.length ? -1 : end;
}

/** Fills `order`, leaving out what does not belong to the set. Insertion: lists are short and nearly sorted. */
function sortByCode(scan: UpdateScan): number {
  let count = 0;
  for (let i = 0; i < scan.attributeCount; i++) {
    const code = readU8(scan.code, i);
    switch (code) {
      case AttributeCode.NextHop:
      case AttributeCode.MpReachNlri:
      case AttributeCode.MpUnreachNlri:
      case AttributeCode.As4Path:
      case AttributeCode.As4Aggregator:
        continue;
      default:
    }
    let k = count++;
    while (k > 0 && readU8(scan.code, readU8(order, k - 1)) > code) {
      order[k] = readU8(order, k - 1);
      k--;
    }
    order[k] = i;
  }
  return count;
}

/** @param rule the flags of a known attribute, 0 for an unknown one */
function canonicalFlags(rule: number, flags: number): number {
  if (rule === 0) return OPTIONAL_TRANSITIVE | AttributeFlag.Partial;
  if (rule === OPTIONAL_TRANSITIVE) return rule | (flags & AttributeFlag.Partial);
  return rule;
}

/** Index of the attribute with `code`, -1 when it is not there. */
function find(scan: UpdateScan, code: number): number {
  for (let i = 0; i < scan.attributeCount; i++) if (readU8(scan.code, i) === code) return i;
  return -1;
}

function writeAttributeHeader(
  target: Uint8Array,
  at: number,
  flags: number,
  code: number,
  length: number,
): number {
  target[at + 1] = code;
  if (length > 255) {
    target[at] = flags | AttributeFlag.ExtendedLength;
    writeU16(target, at + 2, length);
    return at + 4;
  }
  target[at] = flags;
  target[at + 2] = length;
  return at + 3;
}

function writeCopy(
  bytes: Uint8Array,
  start: number,
  stop: number,
  code: number,
  flags: number,
  target: Uint8Array,
  at: number,
): number {
  return copyBytes(
    bytes,
    start,
    stop,
    target,
    writeAttributeHeader(target, at, flags, code, stop - start),
  );
}

/** Puts the header in front of a value written at `at + 4`, whose length only came out in writing. */
function closeAttribute(
  target: Uint8Array,
  at: number,
  flags: number,
  code: number,
  end: number,
): number {
  const length = end - (at + 4);
  const value = writeAttributeHeader(target, at, flags, code, length);
  if (value === at + 4) return end;
  target.copyWithin(value, at + 4, end);
  return value + length;
}

/** AS_PATH of a 2-octet speaker (RFC 6793 section 4.2.3). */
function writeAsPath(
  bytes: Uint8Array,
  start: number,
  stop: number,
  scan: UpdateScan,
  flags: number,
  target: Uint8Array,
  at: number,
): number {
  let as4Start = 0;
  let as4End = 0;
  const as4 = find(scan, AttributeCode.As4Path);
  if (as4 >= 0 && isAs4PathTrusted(bytes, scan)) {
    as4Start = attributeStart(scan, as4);
    as4End = attributeEnd(scan, as4);
  }
  const end = writeMergedAsPath(bytes, start, stop, as4Start, as4End, target, at + 4);
  return closeAttribute(target, at, flags, AttributeCode.AsPath, end);
}

function isAs4PathTrusted(bytes: Uint8Array, scan: UpdateScan): boolean {
  const aggregator = find(scan, AttributeCode.Aggregator);
  if (aggregator < 0) return true;
  const as = readU16(bytes, attributeStart(scan, aggregator));
  return isAs4Trusted(as, find(scan, AttributeCode.As4Aggregator) >= 0);
}

/** 2 AS | 4 id becomes 4 AS | 4 id; AS_TRANS gives way to AS4_AGGREGATOR where there is one. */
function writeAggregator(
  bytes: Uint8Array,
  start: number,
  scan: UpdateScan,
  flags: number,
  target: Uint8Array,
  at: number,
): number {
  const value = writeAttributeHeader(target, at, flags, AttributeCode.Aggregator, 8);
  const as = readU16(bytes, start);
  const as4 = find(scan, AttributeCode.As4Aggregator);
  if (as === AS_TRANS && as4 >= 0) {
    const from = attributeStart(scan, as4);
    return copyBytes(bytes, from, from + 8, target, value);
  }
  writeU32(target, value, as);
  return copyBytes(bytes, start + 2, start + 6, target, value + 4);
}

function writeTunnels(
  bytes: Uint8Array,
  start: number,
  stop: number,
  flags: number,
  target: Uint8Array,
  at: number,
): number {
  let end = at + 4;
  let tlv = start;
  while (tlv < stop) {
    const next = tlv + 4 + readU16(bytes, tlv + 2);
    if (checkTunnelTlv(bytes, tlv + 4, next) === TunnelTlv.Good) {
      end = copyBytes(bytes, tlv, next, target, end);
    }
    tlv = next;
  }
  return closeAttribute(target, at, flags, AttributeCode.TunnelEncapsulation, end);
}

function writeLargeCommunities(
  bytes: Uint8Array,
  start: number,
  stop: number,
  flags: number,
  target: Uint8Array,
  at: number,
): number {
  const end = writeUniqueLargeCommunities(bytes, start, stop, target, at + 4);
  return closeAttribute(target, at, flags, AttributeCode.LargeCommunity, end);
}
