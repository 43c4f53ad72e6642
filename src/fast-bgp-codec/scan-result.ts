/** What `scanUpdate` finds, in one reused object, and the few ways it is written. */
import { Severity, type DecodeFault } from "./fault.js";
import type { Family } from "./family.js";

/** No such field in this message. */
export const ABSENT = -1;

/** Result of `scanUpdate`, reused from message to message. Offsets are absolute in the given bytes; ends are exclusive. */
export class UpdateScan {
  /** The strongest verdict of this message. */
  severity: Severity = 0;
  /** Every fault found, in order; the array is replaced only when the message before had some. */
  faults: DecodeFault[] = [];
  /** IPv4 withdrawn routes field. */
  withdrawnStart = 0;
  withdrawnEnd = 0;
  /** IPv4 NLRI field at the end of the message. */
  nlriStart = 0;
  nlriEnd = 0;
  /** MP_REACH_NLRI: family (ABSENT when missing or not negotiated), next hop, NLRI. */
  reachFamily: Family | -1 = ABSENT;
  reachNextHopStart = 0;
  reachNextHopLength = 0;
  reachStart = 0;
  reachEnd = 0;
  /** MP_UNREACH_NLRI. */
  unreachFamily: Family | -1 = ABSENT;
  unreachStart = 0;
  unreachEnd = 0;
  /** NEXT_HOP attribute (4 octets), ABSENT when missing or when no IPv4 NLRI field needs it. */
  nextHopStart = ABSENT;
  /** Family whose End-of-RIB this message is (RFC 4724 section 2), else ABSENT. */
  endOfRib: Family | -1 = ABSENT;
  /** Attributes in wire order, without dropped duplicates and without discarded ones. */
  attributeCount = 0;
  readonly code = new Uint8Array(256);
  readonly flags = new Uint8Array(256);
  readonly valueStart = new Int32Array(256);
  readonly valueLength = new Int32Array(256);
}

/** Offset of the first octet of the value of attribute `index`. */
export function attributeStart(scan: UpdateScan, index: number): number {
  return scan.valueStart[index]!;
}

/** Offset behind the value of attribute `index`. */
export function attributeEnd(scan: UpdateScan, index: number): number {
  return scan.valueStart[index]! + scan.valueLength[index]!;
}

/** The fault that decided the verdict: the first of the strongest. Undefined without faults. */
export function strongestFault(scan: UpdateScan): DecodeFault | undefined {
  return scan.faults.find((fault) => fault.severity === scan.severity);
}

/** Makes `out` ready for the next message. */
export function clear(out: UpdateScan): void {
  out.severity = Severity.None;
  if (out.faults.length > 0) out.faults = [];
  out.withdrawnStart = 0;
  out.withdrawnEnd = 0;
  out.nlriStart = 0;
  out.nlriEnd = 0;
  out.reachFamily = ABSENT;
  out.reachNextHopStart = 0;
  out.reachNextHopLength = 0;
  out.reachStart = 0;
  out.reachEnd = 0;
  out.unreachFamily = ABSENT;
  out.unreachStart = 0;
  out.unreachEnd = 0;
  out.nextHopStart = ABSENT;
  out.endOfRib = ABSENT;
  out.attributeCount = 0;
}

/** Takes an attribute into the list, its value in `[value, end)`. */
export function keep(
  out: UpdateScan,
  code: number,
  flags: number,
  value: number,
  end: number,
): void {
  const i = out.attributeCount++;
  out.code[i] = code;
  out.flags[i] = flags;
  out.valueStart[i] = value;
  out.valueLength[i] = end - value;
}

/** A fault that resets the session: UPDATE error with this subcode. */
export function reset(
  out: UpdateScan,
  subcode: number,
  data: Uint8Array,
  detail: string,
  attribute?: number,
): void {
  fault(out, Severity.SessionReset, subcode, data, detail, attribute);
}

/** Notes a fault of UPDATE error code 3 and raises the verdict to its severity. */
export function fault(
  out: UpdateScan,
  severity: Severity,
  subcode: number,
  data: Uint8Array,
  detail: string,
  attribute?: number,
): void {
  out.faults.push(
    attribute === undefined
      ? { severity, code: 3, subcode, data, detail }
      : { severity, code: 3, subcode, data, detail, attribute },
  );
  if (severity > out.severity) out.severity = severity;
}
