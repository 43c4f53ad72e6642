/** Entry of the relay's thread: starts the service with what it was given, and answers calls. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { RadiusError } from "../control.js";
import { RadiusService } from "../service.js";
import type { SessionEvent } from "../session/session.js";
import { SessionNews } from "../session/session-news.js";
import type { Call, Level, PackedError, Report, WorkerStart } from "./messages.js";

/** Events cross in batches: one message per event costs more than the request that caused it. */
const BATCH_MS = 20;

if (parentPort !== null) {
  const port = parentPort;
  const report = (message: Report): void => port.postMessage(message);
  const { settings } = workerData as WorkerStart;
  const parts = { settings, clock: systemClock, log: logOver(report), onSession: batched(report) };
  try {
    const service = await RadiusService.start(parts);
    port.on(
      "message",
      (call: Call) =>
        void serve(service, call, report).then((end) => {
          if (end) port.close();
        }),
    );
    report({ kind: "ready" });
  } catch (error) {
    report({ kind: "failed", error: packed(error) });
    port.close();
  }
}

/** @returns whether that was the end */
async function serve(
  service: RadiusService,
  { id, method, parameters }: Call,
  report: (message: Report) => void,
): Promise<boolean> {
  try {
    const door = service as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
    report({ kind: "result", id, value: await door[method]?.(...parameters) });
  } catch (error) {
    report({ kind: "refused", id, error: packed(error) });
  }
  if (method !== "stop") return false;
  report({ kind: "closed" });
  return true;
}

function packed(error: unknown): PackedError {
  const message = error instanceof Error ? error.message : String(error);
  const refusal = error instanceof RadiusError ? error.code : undefined;
  const { code } = error as NodeJS.ErrnoException;
  return { message, refusal, code: refusal === undefined ? code : undefined };
}

/** An error does not survive the way between threads in every field: its text does. */
function logOver(report: (message: Report) => void): Log {
  const say = (level: Level) => (fields: object, message: string) => {
    const { err } = fields as { err?: unknown };
    const plain = err instanceof Error ? { ...fields, err: err.message } : fields;
    report({ kind: "log", level, fields: plain, message });
  };
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}

function batched(report: (message: Report) => void): (event: SessionEvent) => void {
  let batch: SessionEvent[] = [];
  const news = new SessionNews();
  return (event) => {
    if (!news.isNews(event) || batch.push(event) > 1) return;
    systemClock.setTimer(BATCH_MS, () => {
      const events = batch;
      batch = [];
      report({ kind: "sessions", events });
    });
  };
}
