/** What passes between the relay's thread and its owner; plain data. */
import type { RadiusErrorCode, RadiusRelay } from "../control.js";
import type { SessionEvent } from "../session/session.js";
import type { RadiusSettings } from "../settings.js";

export type Level = "debug" | "info" | "warn" | "error";

/** To the thread. */
export interface Call {
  readonly id: number;
  readonly method: keyof RadiusRelay;
  readonly parameters: readonly unknown[];
}

/** An error, taken apart: classes do not survive the way. */
export interface PackedError {
  readonly message: string;
  /** Of a `RadiusError`. */
  readonly refusal: RadiusErrorCode | undefined;
  /** Of an error of the system. */
  readonly code: string | undefined;
}

/** From the thread. */
export type Report =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly error: PackedError }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refused"; readonly id: number; readonly error: PackedError }
  | {
      readonly kind: "log";
      readonly level: Level;
      readonly fields: object;
      readonly message: string;
    }
  | { readonly kind: "sessions"; readonly events: readonly SessionEvent[] }
  | { readonly kind: "closed" };

export interface WorkerStart {
  readonly settings: RadiusSettings;
}
