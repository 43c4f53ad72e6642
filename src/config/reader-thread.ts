/** The thread of `reader.ts`: one job, one report, and the end. */
import { parentPort, workerData } from "node:worker_threads";
import { toPieces } from "../util/pieces.js";
import { loadConfig } from "./index.js";
import { partOfText, type ReaderJob, type ReaderReport } from "./reader.js";

function done(job: ReaderJob): unknown {
  return job.kind === "load" ? loadConfig(job.source) : partOfText(job.text, job.keys);
}

const pieces = toPieces(done(workerData as ReaderJob));
const report: ReaderReport = { kind: "closed", pieces };
parentPort?.postMessage(
  report,
  pieces.map(({ buffer }) => buffer),
);
