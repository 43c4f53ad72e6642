/** What RFC 7606 names, weakest first; the strongest of several faults wins (section 3 h). */
export const Severity = {
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
  /** NOTIFICATION code, subcode and data to send when severity is SessionReset. */
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
  /** One sentence for log and CLI, with the RFC section. */
  readonly detail: string;
  /** Path attribute type code the fault is about, when there is one. */
  readonly attribute?: number;
}
