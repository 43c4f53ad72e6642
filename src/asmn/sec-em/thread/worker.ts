/** Entry of the Sec-EM's thread: starts the service with what it was given, and answers calls. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";
import { SecEmError } from "../control.js";
import { SecEmService } from "../service.js";
import type { Command, Level, PackedError, Report, WorkerStart } from "./messages.js";

if (parentPort !== null) {
  const port = parentPort;
  const report = (message: Report): void => port.postMessage(message);
  const { settings } = workerData as WorkerStart;
  // The store's thread keeps nobody alive, and nothing else is there to wait for while it opens.
  const awake = setInterval(() => undefined, 60_000);
  try {
    const service = await SecEmService.start({
      settings,
      clock: systemClock,
      log: logOver(report),
    });
    port.on("message", (command: Command) => {
      if (command.kind === "subscribe") {
        service.subscribe(command.port);
        return;
      }
      void serve(service, command, report).then((end) => {
        if (end) port.close();
      });
    });
    report({ kind: "ready", rootKey: service.rootKey() });
  } catch (error) {
    report({ kind: "failed", error: packed(error) });
    port.close();
  } finally {
    clearInterval(awake);
  }
}

/** @returns whether that was the end */
async function serve(
  service: SecEmService,
  { id, method, parameters }: Command & { kind: "call" },
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
  const refusal = error instanceof SecEmError ? error.code : undefined;
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
