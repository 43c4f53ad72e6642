/** What goes between the gate and the thread that reads its feeds. */
import type { MessagePort } from "node:worker_threads";
import type { ThreadCommand, ThreadReport } from "../../util/thread-messages.js";
import type { TlsIdentity } from "../link/index.js";
import type { GateEvent } from "./entry.js";
import type { FeedDeskSettings } from "./feed-desk.js";

export interface FeedThreadData {
  readonly settings: FeedDeskSettings;
  readonly identity: TlsIdentity;
  readonly stateDirectory: string;
}

/** What the thread is asked. */
export interface FeedDoor {
  /** @returns why it was not taken; undefined = it was */
  breakGlass(document: Uint8Array): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** What the thread is told. */
export type FeedNote =
  | { readonly kind: "configure"; readonly settings: FeedDeskSettings }
  /** Comes with its port as transferred. */
  | { readonly kind: "local"; readonly port: MessagePort }
  | { readonly kind: "applied"; readonly source: string; readonly revocation: number }
  /** Ended by hand. */
  | { readonly kind: "glass-ended"; readonly keys: readonly string[] };

export type FeedCommand = ThreadCommand<FeedNote>;

/** From the thread; its notes are what it read. */
export type FeedReport = ThreadReport<undefined, readonly GateEvent[]>;
