/** The thread of `reader.ts`: one job, one report, and the end. */
import { parentPort, workerData } from "node:worker_threads";
import { loadConfig } from "./index.js";
import { parsedText, type ReaderJob, type ReaderReport } from "./reader.js";

function done(job: ReaderJob): ReaderReport {
  if (job.kind === "load") return { kind: "closed", loaded: loadConfig(job.source) };
  return { kind: "closed", parsed: parsedText(job.text) };
}

parentPort?.postMessage(done(workerData as ReaderJob));
