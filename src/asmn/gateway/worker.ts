/** Entry of the gateway's thread: programs, signatures and the disk are here, and never on the thread of BGP. */
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { systemClock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { serveThread } from "../../util/thread-service.js";
import { GateFileError } from "../gate/memory.js";
import { GatewayError } from "./error.js";
import type { StationDoor, StationSettings, StationStart } from "./messages.js";
import { Station } from "./station.js";

if (parentPort !== null) {
  void serveThread<undefined, MessagePort>(parentPort, GatewayError, async ({ log }) => {
    const station = await begun(workerData as StationStart, log);
    const door: StationDoor = Object.assign(station.desk, {
      configure: (settings: StationSettings) => station.configure(settings),
      stop: () => station.close(),
    });
    return { door, told: undefined, onNote: (port) => station.connectLocal(port) };
  });
}

async function begun(start: StationStart, log: Log): Promise<Station> {
  try {
    return await Station.start(start, systemClock, log);
  } catch (error) {
    if (error instanceof GateFileError) throw new GatewayError("unsupported", error.message);
    throw error;
  }
}
