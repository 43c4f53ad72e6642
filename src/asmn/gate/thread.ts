/** What goes between the gate and the thread that reads its feeds. */
import type { MessagePort } from "node:worker_threads";
import type { TlsIdentity } from "../link/index.js";
import type { GateEvent } from "./entry.js";
import type { FeedDeskSettings } from "./feed-desk.js";

export interface FeedThreadData {
  readonly settings: FeedDeskSettings;
  readonly identity: TlsIdentity;
  readonly stateDirectory: string;
}

export type FeedCommand =
  | { readonly kind: "configure"; readonly settings: FeedDeskSettings }
  /** Comes with its port as transferred. */
  | { readonly kind: "local"; readonly port: MessagePort }
  | { readonly kind: "applied"; readonly source: string; readonly revocation: number }
  | { readonly kind: "glass"; readonly call: number; readonly document: Uint8Array }
  | { readonly kind: "close" };

export type FeedReport =
  | { readonly kind: "events"; readonly events: readonly GateEvent[] }
  /** `why` is undefined when it was taken. */
  | { readonly kind: "glass"; readonly call: number; readonly why: string | undefined }
  | { readonly kind: "closed" };
