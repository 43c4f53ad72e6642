/** What a check found: code, severity, both values where two ends differ, and what to do. */

/** `error` keeps a policy from being installed; `warning` does not; `info` is good to know. */
export type FindingSeverity = "error" | "warning" | "info";

export interface Finding {
  /** One of `FINDINGS`: `proposal-differs`, `cipher-3des`. */
  readonly code: string;
  readonly severity: FindingSeverity;
  /** Empty when it is about a gateway alone. */
  readonly tunnel: string;
  /** The gateway it is about; empty when it is about both ends. */
  readonly gateway: string;
  /** What is wrong, a sentence without the full stop. */
  readonly message: string;
  /** Both ends' values, first end first; undefined where there is nothing to compare. */
  readonly values?: readonly [EndValue, EndValue] | undefined;
  /** What to do, without the full stop. */
  readonly remedy: string;
  /** Who answers for it, and until when; only on weaknesses that were opted into. */
  readonly optIn?: { readonly owner: string; readonly expires: string } | undefined;
}

export interface EndValue {
  readonly gateway: string;
  readonly value: string;
}

/** `hq-branch: error: …; remedy`, one line for a log or a terminal. */
export function formatFinding(finding: Finding): string {
  const { tunnel, gateway, severity, message, values, remedy } = finding;
  const subject = tunnel === "" ? gateway : tunnel;
  const both =
    values === undefined
      ? ""
      : ` (${values.map((end) => `${end.gateway}: ${end.value}`).join(", ")})`;
  return `${subject}: ${severity}: ${message}${both}; ${remedy}`;
}

const ORDER: Readonly<Record<FindingSeverity, number>> = { error: 0, warning: 1, info: 2 };

/** The worst first, then by tunnel and code. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      ORDER[a.severity] - ORDER[b.severity] ||
      compare(a.tunnel, b.tunnel) ||
      compare(a.gateway, b.gateway) ||
      compare(a.code, b.code),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
