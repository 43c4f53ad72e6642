/** What passes between the relay's thread and its owner; plain data. */
import type { ThreadCommand, ThreadReport } from "../../util/thread-messages.js";
import type { SessionEvent } from "../session/session.js";
import type { RadiusSettings } from "../settings.js";

/** To the thread: calls. */
export type Command = ThreadCommand;

/** From the thread; its notes are what became of sessions. */
export type Report = ThreadReport<undefined, readonly SessionEvent[]>;

export interface WorkerStart {
  readonly settings: RadiusSettings;
}
