/** What passes between the gateway's thread and its owner; plain data. */
import type { MessagePort } from "node:worker_threads";
import type { FeedDeskSettings } from "../gate/feed-desk.js";
import type { TlsIdentity } from "../link/index.js";
import type { GatewayControl } from "./control.js";
import type { GatewayErrorCode } from "./error.js";
import type { FeedTimes } from "./feed-members.js";
import type { GatewayCoreSettings } from "./settings.js";

export interface StationSettings {
  readonly core: GatewayCoreSettings;
  readonly feeds: FeedDeskSettings;
  readonly times: FeedTimes;
}

export interface StationStart {
  readonly settings: StationSettings;
  readonly identity: TlsIdentity;
  readonly stateDirectory: string;
}

/** To the thread. */
export type StationCommand =
  | {
      readonly kind: "call";
      readonly id: number;
      readonly method: keyof GatewayControl | "configure";
      readonly parameters: readonly unknown[];
    }
  /** Comes with its port as transferred. */
  | { readonly kind: "local"; readonly port: MessagePort }
  | { readonly kind: "close" };

/** An error, taken apart: classes do not survive the way. */
export interface PackedError {
  readonly message: string;
  readonly code: GatewayErrorCode | undefined;
}

/** From the thread. */
export type StationReport =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly error: PackedError }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refused"; readonly id: number; readonly error: PackedError }
  | {
      readonly kind: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly fields: object;
      readonly message: string;
    }
  | { readonly kind: "closed" };
