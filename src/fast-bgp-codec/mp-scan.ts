/**
 * MP_REACH_NLRI and MP_UNREACH_NLRI on the hot path (RFC 4760). Faults in them reset the session
 * (RFC 7606 section 5.3); families that are not negotiated are ignored with all that is in them.
 * The functions return false when the session must be reset.
 */
import { readU16, readU8 } from "../util/bytes.js";
import { attributeRule } from "./attribute/rules.js";
import type { DecodeContext } from "./context.js";
import { familyOf, type Family } from "./family.js";
import { Severity } from "./fault.js";
import { FieldStatus, checkMpNextHop, checkNlriField } from "./nlri-field.js";
import { fault, reset, type UpdateScan } from "./scan-result.js";

/** 2 AFI | 1 SAFI | 1 next hop length | next hop | 1 reserved | NLRI (RFC 4760 section 3) */
export function scanReach(
  bytes: Uint8Array,
  at: number,
  value: number,
  end: number,
  flags: number,
  context: DecodeContext,
  out: UpdateScan,
): boolean {
  if (end - value < 3) return mpFault(out, bytes, at, end, "length");
  const family = familyOf(readU16(bytes, value), readU8(bytes, value + 2));
  if (family === undefined || (context.families & (1 << family)) === 0) return true;
  if (end - value < 5) return mpFault(out, bytes, at, end, "length");
  if ((flags & 0xc0) !== 0x80) return mpFault(out, bytes, at, end, "flags");
  const nextHopLength = readU8(bytes, value + 3);
  const nlri = value + 5 + nextHopLength;
  if (nlri > end || !checkMpNextHop(family, nextHopLength)) {
    return mpFault(out, bytes, at, end, "next hop length");
  }
  if (!scanMpNlri(bytes, at, nlri, end, family, context, out)) return false;
  out.reachFamily = family;
  out.reachNextHopStart = value + 4;
  out.reachNextHopLength = nextHopLength;
  out.reachStart = nlri;
  out.reachEnd = end;
  return true;
}

/** 2 AFI | 1 SAFI | NLRI (RFC 4760 section 4) */
export function scanUnreach(
  bytes: Uint8Array,
  at: number,
  value: number,
  end: number,
  flags: number,
  context: DecodeContext,
  out: UpdateScan,
): boolean {
  if (end - value < 3) return mpFault(out, bytes, at, end, "length");
  const family = familyOf(readU16(bytes, value), readU8(bytes, value + 2));
  if (family === undefined || (context.families & (1 << family)) === 0) return true;
  if ((flags & 0xc0) !== 0x80) return mpFault(out, bytes, at, end, "flags");
  if (!scanMpNlri(bytes, at, value + 3, end, family, context, out)) return false;
  out.unreachFamily = family;
  out.unreachStart = value + 3;
  out.unreachEnd = end;
  return true;
}

/** NLRI that cannot be told apart reset the session; a bad EVPN body costs what the context says. */
function scanMpNlri(
  bytes: Uint8Array,
  at: number,
  start: number,
  end: number,
  family: Family,
  context: DecodeContext,
  out: UpdateScan,
): boolean {
  const bodies = context.malformedNlri !== "drop";
  const status = checkNlriField(family, bytes, start, end, context, bodies);
  if (status === FieldStatus.Good) return true;
  if (status === FieldStatus.BadBody && context.malformedNlri === "treat-as-withdraw") {
    fault(
      out,
      Severity.TreatAsWithdraw,
      9,
      bytes.slice(at, end),
      "an EVPN NLRI is malformed (RFC 7606 section 5.3, relaxed)",
      readU8(bytes, at + 1),
    );
    return true;
  }
  return mpFault(out, bytes, at, end, "NLRI");
}

function mpFault(
  out: UpdateScan,
  bytes: Uint8Array,
  at: number,
  end: number,
  what: string,
): boolean {
  const code = readU8(bytes, at + 1);
  const rule = attributeRule(code)!;
  reset(out, 9, bytes.slice(at, end), `${rule.name}: bad ${what} (${rule.spec})`, code);
  return false;
}
