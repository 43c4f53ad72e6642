/** What API and command line may ask of the gate: plain data, no keys. Times are wall-clock milliseconds unless named otherwise. */
import type { TrustBinding, TrustEffect, TrustState } from "../../contract.js";
import type { SourceView } from "./sources.js";

export type { SourceView } from "./sources.js";

export type GateErrorCode = "invalid" | "not-found" | "refused" | "off";

export class GateError extends Error {
  readonly code: GateErrorCode;

  constructor(code: GateErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** An instance as the gate knows it. */
export interface GateInstanceView {
  /** `tenant/vnf/instance`. */
  readonly subject: string;
  /** Identity, hex. */
  readonly id: string;
  readonly state: TrustState;
  readonly reason: string;
  readonly addresses: readonly string[];
  readonly as: number | undefined;
  readonly routerId: string | undefined;
  readonly binding: TrustBinding;
  /** What stands behind its measurement; `none`: its agent's word. */
  readonly root: string;
  readonly source: string;
  readonly epoch: number;
  readonly serial: number;
  /** Of its verdict, 0 when it is over. */
  readonly secondsLeft: number;
  /** Live sessions keep the last verdict, because the Sec-EM is out of reach. */
  readonly grace: boolean;
}

/** Who was asked about last, and what came of it. */
export interface GatedView {
  readonly address: string;
  readonly state: TrustState;
  readonly reason: string;
  readonly effect: TrustEffect | "admit";
  /** What a dry run, or a grace, spares it. */
  readonly spared: TrustEffect | undefined;
  readonly subject: string;
  readonly at: number;
}

export interface AppliedView {
  readonly address: string;
  readonly revision: number;
  readonly sessions: number;
  readonly routes: number;
  /** Milliseconds after the gate heard of it. */
  readonly beganMs: number;
  readonly doneMs: number;
  readonly at: number;
  /** It may peer, and the speaker waits for it instead of connecting: why. */
  readonly waits?: string | undefined;
}

export interface BreakGlassView {
  readonly serial: number;
  readonly operator: string;
  readonly why: string;
  readonly tenant: string;
  readonly vnf: string | undefined;
  readonly instance: string | undefined;
  readonly address: string | undefined;
  readonly secondsLeft: number;
}

export interface GateStatus {
  readonly audience: string;
  readonly dryRun: boolean;
  /** Its own key towards Sec-EMs, hex: what they have to list. */
  readonly publicKey: string;
  readonly sources: readonly SourceView[];
  readonly instances: number;
  readonly trusted: number;
  /** Live sessions keep stale verdicts: an alarm. */
  readonly inGrace: boolean;
  readonly breakGlass: readonly BreakGlassView[];
  readonly applied: readonly AppliedView[];
}

/** Rejects with `GateError`. */
export interface GateControl {
  status(): Promise<GateStatus>;
  instances(): Promise<readonly GateInstanceView[]>;
  /** Whoever would be gated, or was spared by a dry run or a grace. */
  gated(): Promise<readonly GatedView[]>;
  /** A signed document, as base64. */
  breakGlass(document: string): Promise<BreakGlassView>;
  endBreakGlass(serial: number): Promise<void>;
}
