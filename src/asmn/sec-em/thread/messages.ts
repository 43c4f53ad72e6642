/** What passes between the Sec-EM's thread and its owner; plain data, but for ports that go over. */
import type { MessagePort } from "node:worker_threads";
import type { SecEmSettings } from "../../settings.js";
import type { SecEm, SecEmErrorCode } from "../control.js";

export type Level = "debug" | "info" | "warn" | "error";

/** Methods that answer. */
export type SecEmMethod = Exclude<keyof SecEm, "subscribe">;

/** To the thread. */
export type Command =
  | {
      readonly kind: "call";
      readonly id: number;
      readonly method: SecEmMethod;
      readonly parameters: readonly unknown[];
    }
  | { readonly kind: "subscribe"; readonly port: MessagePort };

/** An error, taken apart: classes do not survive the way. */
export interface PackedError {
  readonly message: string;
  /** Of a `SecEmError`. */
  readonly refusal: SecEmErrorCode | undefined;
  /** Of an error of the system, or of the store. */
  readonly code: string | undefined;
}

/** From the thread. */
export type Report =
  | { readonly kind: "ready"; readonly rootKey: string }
  | { readonly kind: "failed"; readonly error: PackedError }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refused"; readonly id: number; readonly error: PackedError }
  | {
      readonly kind: "log";
      readonly level: Level;
      readonly fields: object;
      readonly message: string;
    }
  | { readonly kind: "closed" };

export interface WorkerStart {
  readonly settings: SecEmSettings;
}
