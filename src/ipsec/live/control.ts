/**
 * The live driver as others see it: what it knows of tunnels and of the IKE daemon, what it can be told to do,
 * and a stream of what happens. Plain data both ways.
 */
import type { Uncovered } from "./coverage.js";
import type { DaemonEvent } from "./event.js";
import type { IkeSa } from "./sa.js";
import type { PlannedChild } from "./connection.js";
import type { StartMode } from "../model/index.js";

export interface DaemonFacts {
  readonly connected: boolean;
  /** Why not; undefined while connected. */
  readonly problem: string | undefined;
  /** Of the one connected to last. */
  readonly version: string | undefined;
  readonly plugins: readonly string[];
  /** Wall-clock milliseconds of the last connect or loss; undefined = never tried. */
  readonly since: number | undefined;
  /** Tunnels that should be loaded, and those that are. */
  readonly planned: number;
  readonly loaded: number;
}

export interface TunnelFacts {
  readonly tunnel: string;
  /** Its name in the daemon. */
  readonly connection: string;
  readonly start: StartMode;
  readonly children: readonly PlannedChild[];
  readonly loaded: boolean;
  /** Why it could not be loaded or begun; undefined = nothing is wrong. */
  readonly problem: string | undefined;
  /** An operator ended it: it stays down until told otherwise. */
  readonly held: boolean;
  /** Every child has an SA. */
  readonly up: boolean;
  /** Networks that were configured and are not covered by what was negotiated. */
  readonly uncovered: readonly Uncovered[];
  readonly backup: { readonly of: string; readonly active: boolean } | undefined;
  /** As last told by the daemon. */
  readonly sas: readonly IkeSa[];
}

export type DriverEvent =
  | DaemonEvent
  | { readonly kind: "daemon-up"; readonly version: string }
  | { readonly kind: "daemon-down"; readonly problem: string }
  | { readonly kind: "tunnel-up" | "tunnel-down"; readonly tunnel: string }
  /** What was negotiated leaves configured networks out; empty = all is covered again. */
  | {
      readonly kind: "coverage";
      readonly tunnel: string;
      readonly uncovered: readonly Uncovered[];
    }
  | { readonly kind: "backup"; readonly tunnel: string; readonly active: boolean };

export type DriverErrorCode = "not-found" | "unavailable" | "refused";

export class DriverError extends Error {
  readonly code: DriverErrorCode;

  constructor(code: DriverErrorCode, message: string) {
    super(message);
    this.name = "DriverError";
    this.code = code;
  }
}

/** All reject with `DriverError`. */
export interface DriverControl {
  daemon(): DaemonFacts;
  /** Of one, or of all; in the order of the policy. */
  tunnels(name?: string): readonly TunnelFacts[];
  /** Asks the daemon now: counters are as of this moment. */
  sas(tunnel?: string): Promise<readonly IkeSa[]>;
  /** Returns when it has begun. Ends a hold. */
  initiate(tunnel: string): Promise<void>;
  /** It stays down, as far as we are concerned, until `initiate`. @returns SAs that are being ended */
  terminate(tunnel: string): Promise<number>;
  /** Make before break. */
  rekey(tunnel: string, what: "ike" | "child"): Promise<void>;
  /** Both phases from the beginning, at once. */
  renegotiate(tunnel: string): Promise<void>;
  /** Log lines of the daemon come as events while on. */
  listenToLog(on: boolean): Promise<void>;
  /** Called for everything that happens, until the function returned is called. Must not throw. */
  subscribe(listener: (event: DriverEvent) => void): () => void;
}
