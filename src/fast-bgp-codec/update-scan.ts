/**
 * The hot way through an UPDATE (RFC 4271 section 4.3): one pass that allocates nothing for good
 * input, gives the RFC 7606 verdict, and leaves offsets into the message. Values are decoded
 * elsewhere, lazily.
 *   19 header | 2 length, withdrawn IPv4 prefixes | 2 length, path attributes | IPv4 prefixes
 *   attribute: 1 flags | 1 code | 1 length (2 with flag 0x10) | value
 */
import { readU16, readU32, readU8 } from "../util/bytes.js";
import {
  RULE_FLAGS,
  RULE_MAX,
  RULE_MAX_ANY,
  RULE_MIN,
  RULE_STEP,
  attributeRule,
} from "./attribute/rules.js";
import { SegmentType, checkAttributeValue } from "./attribute/check.js";
import { FieldStatus, checkNlriField } from "./nlri-field.js";
import { scanReach, scanUnreach } from "./mp-scan.js";
import { ABSENT, clear, fault, keep, reset, type UpdateScan } from "./scan-result.js";
import { NO_DATA, Severity } from "./fault.js";
import { Family } from "./family.js";
import { AttributeCode, AttributeFlag } from "./iana.js";
import { HEADER_LENGTH } from "./header.js";
import type { DecodeContext } from "./context.js";

export type { DecodeContext } from "./context.js";
export { ABSENT, UpdateScan, attributeEnd, attributeStart, strongestFault } from "./scan-result.js";

/** Repetitions that are noted in `faults`; those beyond are dropped without a word. */
const MOST_NOTES = 16;

/** `seen[code] === stamp`: the code occurred in this message. Saves clearing 256 entries each time. */
const seen = new Uint32Array(256);
let stamp = 0;

/**
 * Scans the UPDATE in `bytes[start, end)`, its header checked.
 * With severity SessionReset the fields of `out` are incomplete and must not be used.
 */
export function scanUpdate(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: DecodeContext,
  out: UpdateScan,
): void {
  clear(out);
  const withdrawn = start + HEADER_LENGTH + 2;
  const withdrawnEnd = end < withdrawn + 2 ? end : withdrawn + readU16(bytes, withdrawn - 2);
  const attributes = withdrawnEnd + 2;
  const attributesEnd = attributes > end ? end : attributes + readU16(bytes, withdrawnEnd);
  if (attributes > end || attributesEnd > end) {
    reset(out, 1, NO_DATA, "lengths inside the UPDATE exceed it (RFC 7606 section 3 b)");
    return;
  }
  const ipv4 = (context.families & (1 << Family.Ipv4Unicast)) !== 0;
  if (!scanIpv4Fields(bytes, withdrawn, withdrawnEnd, attributesEnd, end, context, ipv4, out)) {
    return;
  }
  if (attributes === attributesEnd && withdrawn === withdrawnEnd && attributesEnd === end) {
    if (ipv4) out.endOfRib = Family.Ipv4Unicast;
    return;
  }
  stamp = (stamp + 1) >>> 0;
  if (stamp === 0) {
    seen.fill(0);
    stamp = 1;
  }
  if (!scanAttributes(bytes, attributes, attributesEnd, attributesEnd < end, context, out)) return;
  const reachable = attributesEnd < end || isSeen(AttributeCode.MpReachNlri);
  if (reachable) {
    const used = (ipv4 && attributesEnd < end) || out.reachFamily !== ABSENT;
    if (used) checkMandatory(out, context, attributesEnd < end);
  } else if (attributes < attributesEnd) {
    if (out.severity === Severity.TreatAsWithdraw && !onlyNlriFaults(out)) escalate(out);
    const only = out.attributeCount === 1 && out.faults.length === 0 && withdrawn === withdrawnEnd;
    if (only && out.unreachFamily !== ABSENT && out.unreachStart === out.unreachEnd) {
      if (attributesEnd === out.unreachEnd && isFirst(bytes, attributes, out)) {
        out.endOfRib = out.unreachFamily;
      }
    }
  }
}

/** The two IPv4 fields must parse even where IPv4 is not negotiated: what lies between them depends on it. */
function scanIpv4Fields(
  bytes: Uint8Array,
  withdrawn: number,
  withdrawnEnd: number,
  nlri: number,
  end: number,
  context: DecodeContext,
  negotiated: boolean,
  out: UpdateScan,
): boolean {
  if (
    checkNlriField(Family.Ipv4Unicast, bytes, withdrawn, withdrawnEnd, context, false) !==
      FieldStatus.Good ||
    checkNlriField(Family.Ipv4Unicast, bytes, nlri, end, context, false) !== FieldStatus.Good
  ) {
    reset(out, 10, NO_DATA, "IPv4 prefixes cannot be parsed (RFC 7606 sections 3 j and 5.3)");
    return false;
  }
  if (negotiated) {
    out.withdrawnStart = withdrawn;
    out.withdrawnEnd = withdrawnEnd;
    out.nlriStart = nlri;
    out.nlriEnd = end;
  }
  return true;
}

/** Walks the attributes. False when the session must be reset. */
function scanAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  ipv4Nlri: boolean,
  context: DecodeContext,
  out: UpdateScan,
): boolean {
  let at = start;
  while (at < end) {
    const flags = readU8(bytes, at);
    const extended = (flags & AttributeFlag.ExtendedLength) !== 0;
    if (at + (extended ? 4 : 3) > end) {
      fault(
        out,
        Severity.TreatAsWithdraw,
        1,
        NO_DATA,
        "attribute header is cut off (RFC 7606 section 4)",
      );
      return true;
    }
    const code = readU8(bytes, at + 1);
    const value = extended ? at + 4 : at + 3;
    const next = value + (extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2));
    if (next > end) return overrunAttribute(out, code);
    if (isSeen(code)) {
      if (code === AttributeCode.MpReachNlri || code === AttributeCode.MpUnreachNlri) {
        reset(out, 1, NO_DATA, `attribute ${code} occurs twice (RFC 7606 section 3 g)`, code);
        return false;
      }
      // A message can repeat one thousands of times: the first few tell enough.
      if (out.faults.length < MOST_NOTES)
        fault(
          out,
          Severity.None,
          1,
          NO_DATA,
          `attribute ${code} occurs again, dropped (RFC 7606 section 3 g)`,
          code,
        );
    } else {
      seen[code] = stamp;
      if (!scanAttribute(bytes, at, value, next, code, flags, ipv4Nlri, context, out)) return false;
    }
    at = next;
  }
  return true;
}

function isSeen(code: number): boolean {
  return seen[code] === stamp;
}

/** One attribute in `bytes[at, end)`, its value from `value` on. False when the session must be reset. */
function scanAttribute(
  bytes: Uint8Array,
  at: number,
  value: number,
  end: number,
  code: number,
  flags: number,
  ipv4Nlri: boolean,
  context: DecodeContext,
  out: UpdateScan,
): boolean {
  const expected = readU8(RULE_FLAGS, code);
  if (expected === 0) {
    if ((flags & AttributeFlag.Optional) === 0) {
      reset(
        out,
        2,
        bytes.slice(at, end),
        `well-known attribute ${code} is not known (RFC 4271 section 6.3)`,
        code,
      );
      return false;
    }
    if ((flags & AttributeFlag.Transitive) !== 0) keep(out, code, flags, value, end);
    return true;
  }
  switch (code) {
    case AttributeCode.MpReachNlri:
      if (!scanReach(bytes, at, value, end, flags, context, out)) return false;
      keep(out, code, flags, value, end);
      return true;
    case AttributeCode.MpUnreachNlri:
      if (!scanUnreach(bytes, at, value, end, flags, context, out)) return false;
      keep(out, code, flags, value, end);
      return true;
    case AttributeCode.NextHop:
      // Without an IPv4 NLRI field nobody reads it (RFC 4760 section 3).
      if (!ipv4Nlri) return true;
      break;
    case AttributeCode.LocalPref:
    case AttributeCode.OriginatorId:
    case AttributeCode.ClusterList:
      if (context.ibgp) break;
      discard(
        out,
        code,
        `${attributeRule(code)!.name} from an external peer, discarded (${attributeRule(code)!.spec})`,
      );
      return true;
    case AttributeCode.As4Path:
    case AttributeCode.As4Aggregator:
      if (!context.as4) break;
      discard(
        out,
        code,
        `${attributeRule(code)!.name} from a 4-octet AS speaker, discarded (RFC 6793 section 6)`,
      );
      return true;
    case AttributeCode.Aigp:
      // AIGP sessions are internal ones (RFC 7311 section 3.4).
      if (!context.ibgp) return true;
      break;
    default:
  }
  if ((flags & 0xc0) !== expected) {
    malformed(out, bytes, at, end, code, 4, "flags");
    return true;
  }
  const length = end - value;
  if (
    length < readU8(RULE_MIN, code) ||
    (readU8(RULE_MAX, code) < length && readU8(RULE_MAX, code) !== RULE_MAX_ANY) ||
    length % readU8(RULE_STEP, code) !== 0
  ) {
    malformed(out, bytes, at, end, code, 5, "length");
    return true;
  }
  if (!checkAttributeValue(code, bytes, value, end, context.as4)) {
    malformed(out, bytes, at, end, code, attributeRule(code)!.subcode, "value");
    return true;
  }
  if (code === AttributeCode.AsPath && !context.ibgp && context.peerAs !== 0) {
    if (!startsWithPeer(bytes, value, end, context)) {
      malformed(out, bytes, at, end, code, 11, "first AS");
      return true;
    }
  }
  if (code === AttributeCode.NextHop) out.nextHopStart = value;
  keep(out, code, flags, value, end);
  return true;
}

/** An external peer's AS is the first of the path (RFC 4271 section 6.3). */
function startsWithPeer(
  bytes: Uint8Array,
  value: number,
  end: number,
  context: DecodeContext,
): boolean {
  if (value === end || readU8(bytes, value) !== SegmentType.Sequence) return false;
  if (context.as4) return readU32(bytes, value + 2) === context.peerAs;
  return readU16(bytes, value + 2) === (context.peerAs > 0xffff ? 23456 : context.peerAs);
}

/** What must be there when there is something to announce (RFC 7606 section 3 d, RFC 4760 section 3). */
function checkMandatory(out: UpdateScan, context: DecodeContext, ipv4Nlri: boolean): void {
  // An attribute list that broke off says nothing about what is missing.
  if (out.severity >= Severity.TreatAsWithdraw) return;
  let code = 0;
  if (!isSeen(AttributeCode.Origin)) code = AttributeCode.Origin;
  else if (!isSeen(AttributeCode.AsPath)) code = AttributeCode.AsPath;
  else if (ipv4Nlri && out.nextHopStart === ABSENT) code = AttributeCode.NextHop;
  else if (context.ibgp && !isSeen(AttributeCode.LocalPref)) code = AttributeCode.LocalPref;
  if (code === 0) return;
  const detail = `${attributeRule(code)!.name} is missing (RFC 7606 section 3 d)`;
  fault(out, Severity.TreatAsWithdraw, 3, new Uint8Array([code]), detail, code);
}

/** An attribute that runs past the list; when it is where the NLRI are, nothing can be saved. */
function overrunAttribute(out: UpdateScan, code: number): boolean {
  if (code === AttributeCode.MpReachNlri || code === AttributeCode.MpUnreachNlri) {
    reset(out, 1, NO_DATA, `attribute ${code} exceeds the attributes (RFC 7606 section 3 j)`, code);
    return false;
  }
  fault(
    out,
    Severity.TreatAsWithdraw,
    1,
    NO_DATA,
    `attribute ${code} exceeds the attributes (RFC 7606 section 4)`,
    code,
  );
  return true;
}

/** Attributes but nothing reachable: there is nothing to treat as withdrawn (RFC 7606 section 5.2). */
function escalate(out: UpdateScan): void {
  const first = out.faults.find((f) => f.severity === Severity.TreatAsWithdraw)!;
  const detail = `${first.detail}; no reachable NLRI to withdraw (RFC 7606 section 5.2)`;
  out.faults.push({ ...first, severity: Severity.SessionReset, detail });
  out.severity = Severity.SessionReset;
}

/** The withdraw verdict is about NLRI of MP_UNREACH only: they are withdrawn anyway. */
function onlyNlriFaults(out: UpdateScan): boolean {
  return out.faults.every(
    (f) => f.severity < Severity.TreatAsWithdraw || f.attribute === AttributeCode.MpUnreachNlri,
  );
}

/** MP_UNREACH is the only attribute on the wire, not merely the only one kept. */
function isFirst(bytes: Uint8Array, attributes: number, out: UpdateScan): boolean {
  const header = (readU8(bytes, attributes) & AttributeFlag.ExtendedLength) !== 0 ? 4 : 3;
  return attributes + header + 3 === out.unreachStart;
}

function malformed(
  out: UpdateScan,
  bytes: Uint8Array,
  at: number,
  end: number,
  code: number,
  subcode: number,
  what: string,
): void {
  const rule = attributeRule(code)!;
  // Wrong flags cost the route, whatever the attribute (RFC 7606 section 3 c), but for AIGP (RFC 7311).
  const severity =
    what === "flags" && code !== AttributeCode.Aigp ? Severity.TreatAsWithdraw : rule.onError;
  const spec = what === "flags" ? "RFC 7606 section 3 c" : rule.spec;
  fault(out, severity, subcode, bytes.slice(at, end), `${rule.name}: bad ${what} (${spec})`, code);
}

function discard(out: UpdateScan, code: number, detail: string): void {
  fault(out, Severity.AttributeDiscard, 9, NO_DATA, detail, code);
}
