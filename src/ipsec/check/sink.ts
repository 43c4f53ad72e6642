/** Where checks put what they find, with what all findings of one subject share. */
import { findingSpec, type FindingCode } from "./codes.js";
import type { EndValue, Finding, FindingSeverity } from "./finding.js";

export interface FindingText {
  readonly message: string;
  readonly remedy: string;
  readonly values?: readonly [EndValue, EndValue] | undefined;
  /** In place of the table's. */
  readonly severity?: FindingSeverity | undefined;
  readonly gateway?: string | undefined;
}

export class FindingSink {
  readonly findings: Finding[] = [];
  private readonly tunnel: string;
  private readonly gateway: string;

  constructor(tunnel: string, gateway = "") {
    this.tunnel = tunnel;
    this.gateway = gateway;
  }

  add(code: FindingCode, text: FindingText): void {
    const { message, remedy, values, severity = findingSpec(code).severity } = text;
    const gateway = text.gateway ?? this.gateway;
    const { tunnel } = this;
    // The same weakness of two proposals is one finding.
    const known = this.findings.some(
      (one) => one.code === code && one.message === message && one.gateway === gateway,
    );
    if (known) return;
    this.findings.push({ code, severity, tunnel, gateway, message, values, remedy });
  }
}
