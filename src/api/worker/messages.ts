/** What passes between the BGP thread and the API's; plain data. */
import type { FibHandles } from "../../fib/index.js";
import type { HttpSettings } from "../settings.js";

/** What the backend has just now: names of its own functions, and of members with methods. */
export interface BackendShape {
  readonly functions: readonly string[];
  readonly members: readonly string[];
}

/** An error that keeps what it was: class, code and sentence. */
export interface PackedError {
  readonly name: string;
  readonly code: string | undefined;
  /** Of an HTTP answer, 0 for none. */
  readonly status: number;
  readonly message: string;
  readonly stack: string | undefined;
}

/** To the API's thread. */
export type ToWorker =
  | { readonly kind: "backend"; readonly shape: BackendShape }
  /** Another FIB to read in its memory, or none. */
  | { readonly kind: "fib"; readonly handles: FibHandles | undefined }
  | { readonly kind: "open"; readonly door: number; readonly settings: HttpSettings }
  | { readonly kind: "rules"; readonly door: number; readonly settings: HttpSettings }
  /** Answered with `stopped`, when the address is free. */
  | { readonly kind: "stop-listening"; readonly door: number }
  /** Answered with `closed`. */
  | { readonly kind: "close"; readonly door: number }
  | { readonly kind: "result"; readonly call: number; readonly value: unknown }
  | { readonly kind: "refused"; readonly call: number; readonly error: PackedError };

/** To the BGP thread. */
export type ToMain =
  | { readonly kind: "opened"; readonly door: number; readonly address: string | undefined }
  | { readonly kind: "failed"; readonly door: number; readonly error: PackedError }
  | { readonly kind: "stopped"; readonly door: number }
  | { readonly kind: "closed"; readonly door: number }
  | {
      readonly kind: "call";
      readonly call: number;
      /** Empty: a function of the backend itself. */
      readonly member: string;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  | {
      readonly kind: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly fields: object;
      readonly text: string;
    };

export interface ApiWorkerData {
  readonly counters: Int32Array;
}

/** Counters that the API's thread keeps in shared memory, so that looking at them disturbs nobody. */
export const ApiCounter = {
  /** Pieces of the FIB read in its memory. */
  Reads: 0,
  /** Attempts at one that met the BGP thread at work. */
  Retries: 1,
  /** Pieces that the BGP thread was asked for instead. */
  Fallbacks: 2,
  /** Calls that got no answer: too many, or too late. */
  Refused: 3,
} as const;
export const API_COUNTERS = 4;
