/**
 * The timeline: what happened to every MAC, kept on disk, and asked for by time.
 *
 * In: the ring of events, read in the timeline's own thread (`EventShare`). Out: answers as plain data
 * (`TimelineControl`). The thread with the FIB does nothing for it but write its ring.
 *
 * - `thread-timeline.ts` the door; `worker.ts`, `server.ts`, `messages.ts` the thread; `engine.ts` its life.
 * - `intake.ts` ring to queue; `writer.ts`, `names.ts` queue to store; `record.ts`, `layout.ts` how it is stored;
 *   `chunks.ts`, `marks.ts` what there is of it.
 * - `history.ts`, `merge.ts` reading; `where-was.ts`, `whose-was.ts`, `listing.ts`, `difference.ts`, `restless.ts` the
 *   questions; `questions.ts` checks and queues them; `views.ts` the answers.
 * - `repair.ts` makes good what was lost, from the FIB itself.
 *
 * Not here: differences and lists by address, questions over several reflectors, next hops by aliasing beyond
 * the segment's PEs (per-EVI A-D routes are not followed through time).
 */
export { TIMELINE_KINDS } from "./record.js";
export { DEFAULT_TIMELINE, TIMELINE_RING, type TimelineSettings } from "./settings.js";
export { ThreadTimeline } from "./thread-timeline.js";
export type {
  MacAt,
  MacDifference,
  RestlessMac,
  RestlessMacs,
  TimelineAtQuery,
  TimelineControl,
  TimelineDiffQuery,
  TimelineEvent,
  TimelinePage,
  TimelineQuery,
  TimelineRestlessQuery,
  TimelineStatus,
} from "./views.js";
