/** A FIB as a source for watchers: its door for states, its ring of events for what changed. */
import type { FibControl } from "../control.js";
import { EventReader } from "../event-reader.js";
import type { EventShare } from "../event-ring.js";
import type { WatchSource } from "./watcher.js";

export function watchSource(control: Pick<FibControl, "macs">, share: EventShare): WatchSource {
  const events = new EventReader(share);
  const { instance } = events;
  return {
    instance,
    events,
    macs: (query) => control.macs(query),
    domain: (key) => events.domain(key),
  };
}
