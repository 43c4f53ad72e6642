/** Entry of the gateway's thread: programs, signatures and the disk are here, and never on the thread of BGP. */
import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { GatewayError } from "./error.js";
import type {
  PackedError,
  StationCommand,
  StationReport,
  StationSettings,
  StationStart,
} from "./messages.js";
import { Station } from "./station.js";

if (parentPort !== null) {
  const port = parentPort;
  const report = (one: StationReport): void => port.postMessage(one);
  const starting = Station.start(workerData as StationStart, systemClock, logOver(report));
  // Listening keeps the thread awake, also while nothing else does: its store is in another thread.
  port.on("message", (command: StationCommand) => {
    void starting.then((station) => obey(station, command, report, () => port.close()));
  });
  starting.then(
    () => report({ kind: "ready" }),
    (error: unknown) => {
      report({ kind: "failed", error: packed(error) });
      port.close();
    },
  );
}

async function obey(
  station: Station,
  command: StationCommand,
  report: (one: StationReport) => void,
  end: () => void,
): Promise<void> {
  if (command.kind === "local") return station.connectLocal(command.port);
  if (command.kind === "call") return serve(station, command, report);
  await station.close();
  report({ kind: "closed" });
  end();
}

async function serve(
  station: Station,
  { id, method, parameters }: Extract<StationCommand, { kind: "call" }>,
  report: (one: StationReport) => void,
): Promise<void> {
  try {
    if (method === "configure") {
      await station.configure(parameters[0] as StationSettings);
      return report({ kind: "result", id, value: undefined });
    }
    const desk = station.desk as unknown as Record<string, (...all: unknown[]) => Promise<unknown>>;
    report({ kind: "result", id, value: await desk[method]?.(...parameters) });
  } catch (error) {
    report({ kind: "refused", id, error: packed(error) });
  }
}

function packed(error: unknown): PackedError {
  const message = error instanceof Error ? error.message : String(error);
  return { message, code: error instanceof GatewayError ? error.code : undefined };
}

/** An error does not survive the way between threads in every field: its text does. */
function logOver(report: (one: StationReport) => void): Log {
  const say = (level: "debug" | "info" | "warn" | "error") => (fields: object, message: string) => {
    const { err } = fields as { err?: unknown };
    const plain = err instanceof Error ? { ...fields, err: err.message } : fields;
    report({ kind: "log", level, fields: plain, message });
  };
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}
