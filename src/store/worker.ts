/** Entry of the store's thread: owns the directory. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../util/clock.js";
import { KvStore } from "./kv-store.js";
import { openLevel } from "./level.js";
import { serveStore } from "./server.js";

export interface StoreWorkerData {
  readonly directory: string;
}

if (parentPort !== null) {
  const { directory } = workerData as StoreWorkerData;
  void serveStore(
    parentPort,
    async () => new KvStore(await openLevel(directory), systemClock, directory),
  );
}
