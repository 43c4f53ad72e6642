/** Entry of the timeline's thread: it owns the store, reads the ring of events and answers questions. */
import { parentPort, workerData } from "node:worker_threads";
import { openLevel } from "../../store/index.js";
import { systemClock } from "../../util/clock.js";
import { serveTimeline } from "./server.js";
import type { TimelineSettings } from "./settings.js";

export interface TimelineWorkerData {
  readonly settings: TimelineSettings;
  readonly started: number;
}

/** Large buffers: what is sorted in memory is written once, and a chunk's deletion soon meets its entries. */
const OPTIONS = { writeBuffer: 16 * 1024 * 1024, cache: 16 * 1024 * 1024 };

if (parentPort !== null) {
  const { settings, started } = workerData as TimelineWorkerData;
  serveTimeline(parentPort, {
    settings,
    started,
    clock: systemClock,
    open: (directory) => openLevel(directory, OPTIONS),
  });
}
