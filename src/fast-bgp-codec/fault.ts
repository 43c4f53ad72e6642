/**
 * What bad bytes cost. RFC 7606 names the effects; a fault says which one applies and what a
 * NOTIFICATION about it would hold.
 */

/** What RFC 7606 names, weakest first; the strongest of several faults wins (section 3 h). */
export const Severity = {
  /** Noted only: what had to go was superfluous (a repeated attribute). */
  None: 0,
  /** The attribute is dropped, the route stays. */
  AttributeDiscard: 1,
  /** Every NLRI of the message counts as withdrawn. */
  TreatAsWithdraw: 2,
  /** The family's routes are deleted and the family ignored until the session restarts. */
  DisableFamily: 3,
  /** NOTIFICATION and close. */
  SessionReset: 4,
} as const;
export type Severity = (typeof Severity)[keyof typeof Severity];

/** Bad bytes from a peer: an ordinary value, never an exception. */
export interface DecodeFault {
  readonly severity: Severity;
  /**
   * NOTIFICATION code, subcode and data to send when severity is SessionReset. Code 0: close and
   * send none, because the bad message was a NOTIFICATION itself (RFC 4271 section 6.4).
   */
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
  /** One sentence for log and CLI, with the RFC section. */
  readonly detail: string;
  /** Path attribute type code the fault is about, when there is one. */
  readonly attribute?: number;
}

export const NO_DATA = new Uint8Array(0);

/** A fault that resets the session. */
export function resetFault(
  code: number,
  subcode: number,
  detail: string,
  data: Uint8Array = NO_DATA,
): DecodeFault {
  return { severity: Severity.SessionReset, code, subcode, data, detail };
}

/** Tells a fault from the value a decoder gives otherwise. */
export function isFault(value: object): value is DecodeFault {
  return "severity" in value && "detail" in value;
}
