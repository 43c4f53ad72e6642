/** The thread of `reader.ts`: one job, one report, and the end. */
import { parentPort, workerData } from "node:worker_threads";
import { CANDIDATE_NAME, loadConfig, parseYaml } from "./index.js";
import type { ReaderJob, ReaderReport } from "./reader.js";

function done(job: ReaderJob): ReaderReport {
  if (job.kind === "load") return { kind: "closed", loaded: loadConfig(job.source) };
  const { data, issues } = parseYaml(job.text, CANDIDATE_NAME);
  return { kind: "closed", parsed: { data, issues } };
}

parentPort?.postMessage(done(workerData as ReaderJob));
