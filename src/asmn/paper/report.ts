/** What a run of paper mode says about itself: each report names its mode. */
import type { ExponentSize } from "./agreement.js";
import type { ChainHash } from "./hash.js";
import type { TraceRow } from "./wire/trace.js";

export const PAPER_WARNING =
  "PAPER MODE: for comparison only. It authenticates nobody and keeps nothing secret; " +
  "no session is gated by it.";

/** What the Sec-EM found out about a VNF. */
export interface PaperResult {
  readonly vnf: string;
  readonly state: "trusted" | "untrusted" | "unknown" | "stale";
  readonly reason: string;
  /** Chain index that the Sec-EM has; 0 = unknown. */
  readonly index: number;
  /** Wall-clock milliseconds. */
  readonly time: number;
}

export interface PaperStep {
  /** 1 authenticate, 2 secure communication, 3 traffic control. */
  readonly phase: 1 | 2 | 3;
  readonly text: string;
}

export interface PaperReport {
  readonly mode: "paper";
  readonly warning: string;
  readonly hash: ChainHash;
  readonly cipher: string;
  readonly images: readonly {
    readonly vnf: string;
    readonly image: string;
    /** Milliseconds. */
    readonly took: number;
  }[];
  readonly exponent: ExponentSize;
  readonly primeDigits: number;
  readonly steps: readonly PaperStep[];
  /** Every message in order, as an eavesdropper has it. */
  readonly trace: readonly TraceRow[];
  readonly results: readonly PaperResult[];
  /** The furthest phase that succeeded; 0 = none. */
  readonly reached: 0 | 1 | 2 | 3;
}

export interface AttackReport {
  readonly mode: "paper";
  readonly warning: string;
  readonly attack: string;
  /** Requirements that name the weakness. */
  readonly ids: string;
  /** Whether the attacker got what he wanted. */
  readonly succeeded: boolean;
  /** What he has at the beginning. */
  readonly given: string;
  readonly lines: readonly string[];
  /** What in sound mode stands against it. */
  readonly soundMode: string;
}
