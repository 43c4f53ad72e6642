/** What passes between the Sec-EM's thread and its owner; plain data, but for ports that go over. */
import type { MessagePort } from "node:worker_threads";
import type { ThreadCommand, ThreadReport } from "../../../util/thread-messages.js";
import type { SecEmSettings } from "../../settings.js";
import type { SecEm } from "../control.js";

/** Methods that answer. */
export type SecEmDoor = Omit<SecEm, "subscribe">;

/** To the thread; its notes are ports of readers of the feed. */
export type Command = ThreadCommand<MessagePort>;

/** Of the thread that is up. */
export interface Told {
  readonly rootKey: string;
}

/** From the thread. */
export type Report = ThreadReport<Told>;

export interface WorkerStart {
  readonly settings: SecEmSettings;
}
