/** Entry of the relay's thread: starts the service with what it was given, and answers calls. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../util/clock.js";
import { serveThread } from "../../util/thread-service.js";
import { RadiusError } from "../control.js";
import { RadiusService } from "../service.js";
import type { SessionEvent } from "../session/session.js";
import { SessionNews } from "../session/session-news.js";
import type { WorkerStart } from "./messages.js";

/** Events cross in batches: one message per event costs more than the request that caused it. */
const BATCH_MS = 20;

if (parentPort !== null) {
  const { settings } = workerData as WorkerStart;
  void serveThread<undefined, never, readonly SessionEvent[]>(
    parentPort,
    RadiusError,
    async ({ log, note }) => {
      const parts = { settings, clock: systemClock, log, onSession: batched(note) };
      return { door: await RadiusService.start(parts), told: undefined };
    },
  );
}

function batched(tell: (events: readonly SessionEvent[]) => void): (event: SessionEvent) => void {
  let batch: SessionEvent[] = [];
  const news = new SessionNews();
  return (event) => {
    if (!news.isNews(event) || batch.push(event) > 1) return;
    systemClock.setTimer(BATCH_MS, () => {
      const events = batch;
      batch = [];
      tell(events);
    });
  };
}
