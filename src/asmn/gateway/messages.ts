/** What passes between the gateway's thread and its owner; plain data, but for ports that go over. */
import type { MessagePort } from "node:worker_threads";
import type { ThreadCommand, ThreadReport } from "../../util/thread-messages.js";
import type { FeedDeskSettings } from "../gate/feed-desk.js";
import type { TlsIdentity } from "../link/index.js";
import type { GatewayControl } from "./control.js";
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

/** What the thread is asked. All methods reject with `GatewayError`. */
export interface StationDoor extends GatewayControl {
  /** All or nothing. */
  configure(settings: StationSettings): Promise<void>;
  /** The rules stay. */
  stop(): Promise<void>;
}

/** To the thread; a note is a port to the Sec-EM of this daemon. */
export type StationCommand = ThreadCommand<MessagePort>;

/** From the thread. */
export type StationReport = ThreadReport;
