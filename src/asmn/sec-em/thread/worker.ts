/** Entry of the Sec-EM's thread: starts the service with what it was given, and answers calls. */
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { systemClock } from "../../../util/clock.js";
import { serveThread } from "../../../util/thread-service.js";
import { SecEmError } from "../control.js";
import { SecEmService } from "../service.js";
import type { Told, WorkerStart } from "./messages.js";

if (parentPort !== null) {
  const { settings } = workerData as WorkerStart;
  void serveThread<Told, MessagePort>(parentPort, SecEmError, async ({ log }) => {
    const service = await SecEmService.start({ settings, clock: systemClock, log });
    return {
      door: service,
      told: { rootKey: service.rootKey() },
      onNote: (port) => service.subscribe(port),
    };
  });
}
