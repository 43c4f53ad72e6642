/**
 * What a message with something wrong in it comes to, in words: for evpnctl, logs and tests. The same
 * verdicts as `scanUpdate` gives the data path.
 */
import { toHex } from "../util/bytes.js";
import type { DecodeContext } from "./context.js";
import { Severity, type DecodeFault } from "./fault.js";
import { FieldStatus, checkNlriField } from "./nlri-field.js";
import { ABSENT, UpdateScan, scanUpdate, strongestFault } from "./update-scan.js";

export type Treatment =
  | "accept"
  | "nlri-discard"
  | "attribute-discard"
  | "treat-as-withdraw"
  | "afi-safi-disable"
  | "session-reset"
  | "ignore-message";

export interface Outcome {
  readonly treatment: Treatment;
  /** What is sent before closing, with session-reset; data in hex. */
  readonly notification?: {
    readonly code: number;
    readonly subcode: number;
    readonly data: string;
  };
  readonly faults: readonly {
    readonly treatment: Treatment;
    readonly detail: string;
    /** Path attribute code, when the fault is about one. */
    readonly attribute?: number;
  }[];
}

const TREATMENTS: readonly Treatment[] = [
  "accept",
  "attribute-discard",
  "treat-as-withdraw",
  "afi-safi-disable",
  "session-reset",
];

/** The word for a severity. */
export function treatmentOf(severity: Severity): Treatment {
  return TREATMENTS[severity]!;
}

export function faultOutcome(fault: DecodeFault): Outcome {
  return outcomeOf(fault.severity, [fault], fault);
}

export function ignored(detail: string): Outcome {
  return { treatment: "ignore-message", faults: [{ treatment: "ignore-message", detail }] };
}

const scan = new UpdateScan();

/** The outcome of an UPDATE whose header is good; undefined when nothing is wrong with it. */
export function updateOutcome(
  bytes: Uint8Array,
  start: number,
  end: number,
  context: DecodeContext,
): Outcome | undefined {
  scanUpdate(bytes, start, end, context, scan);
  const outcome =
    scan.faults.length === 0
      ? undefined
      : outcomeOf(scan.severity, scan.faults, strongestFault(scan));
  const discards = scan.severity <= Severity.AttributeDiscard && hasMalformedNlri(bytes, context);
  if (!discards) return outcome;
  const detail = "an EVPN NLRI whose body does not fit its type is dropped, its key withdrawn";
  return {
    treatment: "nlri-discard",
    faults: [...(outcome?.faults ?? []), { treatment: "nlri-discard", detail }],
  };
}

function outcomeOf(
  severity: Severity,
  faults: readonly DecodeFault[],
  worst: DecodeFault | undefined,
): Outcome {
  const sends = severity === Severity.SessionReset && worst !== undefined && worst.code !== 0;
  return {
    treatment: treatmentOf(severity),
    ...(sends
      ? {
          notification: {
            code: worst.code,
            subcode: worst.subcode,
            data: toHex(worst.data),
          },
        }
      : {}),
    faults: faults.map((fault) => ({
      treatment: treatmentOf(fault.severity),
      detail: fault.detail,
      ...(fault.attribute === undefined ? {} : { attribute: fault.attribute }),
    })),
  };
}

function hasMalformedNlri(bytes: Uint8Array, context: DecodeContext): boolean {
  const { reachFamily, reachStart, reachEnd, unreachFamily, unreachStart, unreachEnd } = scan;
  return (
    (reachFamily !== ABSENT &&
      checkNlriField(reachFamily, bytes, reachStart, reachEnd, context, true) ===
        FieldStatus.BadBody) ||
    (unreachFamily !== ABSENT &&
      checkNlriField(unreachFamily, bytes, unreachStart, unreachEnd, context, true) ===
        FieldStatus.BadBody)
  );
}
