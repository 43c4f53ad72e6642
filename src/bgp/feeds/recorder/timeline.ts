/** Recordings of one or more peers as one sequence, each session's OPENs in front of its messages. */
import type { RecordedEvent, RecordedSession, Recording } from "./recording.js";

export type TimelineItem =
  | RecordedEvent
  | { readonly kind: "begin"; readonly time: number; readonly session: RecordedSession }
  | { readonly kind: "end"; readonly time: number; readonly session: RecordedSession };

/** @param from wall-clock milliseconds; what is older is left out, OPENs excepted */
export function timeline(recordings: readonly Recording[], from: number): TimelineItem[] {
  const items: TimelineItem[] = [];
  for (const recording of recordings) {
    const begun = new Set<RecordedSession>();
    const begin = (session: RecordedSession): void => {
      if (begun.has(session)) return;
      begun.add(session);
      items.push({ kind: "begin", time: session.began, session });
      const { openSent, openReceived } = session;
      if (openSent !== undefined) {
        const { time, bytes } = openSent;
        items.push({ kind: "sent", time, session, bytes });
      }
      if (openReceived !== undefined) {
        const { time, bytes } = openReceived;
        items.push({ kind: "received", time, session, bytes });
      }
    };
    for (const event of recording.events(from)) {
      begin(event.session);
      items.push(event);
    }
    for (const session of recording.sessions) {
      if (session.ended === undefined) {
        if (session.openSent !== undefined) begin(session);
      } else if (begun.has(session)) {
        items.push({ kind: "end", time: session.ended, session });
      }
    }
  }
  // Stable: what has one time stays in its order.
  return items.sort((a, b) => a.time - b.time);
}
