/**
 * A policy's way into force: candidate, difference, install as one, roll-back. What runs is changed by an
 * `Installer` alone (the live driver), and only here.
 */
import type { Finding } from "../check/finding.js";
import type { TunnelSide } from "../model/index.js";

/** What an installer is to bring about. Sides are those of the local gateway. */
export interface InstallPlan {
  /** Of the policy, higher with each install. */
  readonly revision: number;
  /** `restore`: after a start, what was installed before; nothing that runs as it should is touched. */
  readonly reason: "install" | "rollback" | "restore";
  readonly before: readonly TunnelSide[];
  readonly after: readonly TunnelSide[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Those in both that differ. */
  readonly changed: readonly string[];
}

export interface InstallStep {
  readonly tunnel: string;
  readonly action: "add" | "change" | "remove";
  /** Undefined when it was done; else why not, a sentence. */
  readonly problem: string | undefined;
}

export interface InstallOutcome {
  readonly ok: boolean;
  /** What could not be done, a sentence each. */
  readonly problems: readonly string[];
}

/** Idempotent: told the same plan twice, the second time changes nothing. */
export interface Installer {
  install(plan: InstallPlan, progress: (step: InstallStep) => void): Promise<InstallOutcome>;
}

export interface PolicyChange {
  readonly kind: "site" | "gateway" | "tunnel";
  readonly name: string;
  readonly action: "add" | "change" | "remove";
  /** `child.lifetimeSeconds 3600 -> 28800`, a line each; empty for `add` and `remove`. */
  readonly details: readonly string[];
}

export interface PolicyDiff {
  /** Of what is installed; 0 = nothing yet. */
  readonly installed: number;
  readonly changes: readonly PolicyChange[];
  readonly findings: readonly Finding[];
  /** No finding is an error. */
  readonly installable: boolean;
}

export interface InstallProgress {
  readonly state: "idle" | "running" | "done" | "failed";
  readonly revision: number;
  readonly reason: InstallPlan["reason"];
  readonly done: number;
  readonly total: number;
  /** The last steps, newest last; at most 100. */
  readonly steps: readonly InstallStep[];
  readonly problems: readonly string[];
  /** Wall-clock milliseconds; undefined while it runs, or when there was none. */
  readonly ended: number | undefined;
}

export interface InstallOrder {
  readonly actor: string;
  /** Goes ahead only if the candidate is the one that was looked at. */
  readonly expect?: string | undefined;
}

export interface InstalledPolicy {
  readonly revision: number;
  readonly actor: string;
  /** Wall-clock milliseconds. */
  readonly installed: number;
  /** Of the model's text. */
  readonly digest: string;
  readonly tunnels: number;
}

export interface StagingStatus {
  readonly candidate: { readonly digest: string; readonly tunnels: number };
  readonly installed: InstalledPolicy | undefined;
  /** What a roll-back goes to. */
  readonly previous: InstalledPolicy | undefined;
  readonly differs: boolean;
  readonly progress: InstallProgress;
}

/** Rejects with `StagingError`. */
export interface StagingControl {
  status(): Promise<StagingStatus>;
  diff(): Promise<PolicyDiff>;
  check(): Promise<readonly Finding[]>;
  install(order: InstallOrder): Promise<InstallProgress>;
  rollback(order: InstallOrder): Promise<InstallProgress>;
}

export type StagingErrorCode = "refused" | "busy" | "conflict" | "nothing" | "unavailable";

export class StagingError extends Error {
  readonly code: StagingErrorCode;
  /** Why it was refused. */
  readonly findings: readonly Finding[];
  constructor(code: StagingErrorCode, message: string, findings: readonly Finding[] = []) {
    super(message);
    this.code = code;
    this.findings = findings;
  }
}
