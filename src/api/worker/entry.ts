/**
 * Entry of the API's thread: the servers of `src/api` over a backend on the BGP thread. It has an event
 * loop and a heap of its own, so that neither big answers nor many requests delay a route.
 */
import { parentPort, workerData } from "node:worker_threads";
import { SharedFibControl, type FibControl } from "../../fib/index.js";
import { systemClock } from "../../util/clock.js";
import { collectGarbage } from "../../util/collect-garbage.js";
import { openHttpDoor, type HttpDoor } from "../http.js";
import { packError } from "./errors.js";
import { ApiCounter, type ApiWorkerData, type ToMain, type ToWorker } from "./messages.js";
import { RemoteBackend } from "./remote-backend.js";

if (parentPort !== null) serve(parentPort, workerData as ApiWorkerData);

function serve(port: NonNullable<typeof parentPort>, { counters }: ApiWorkerData): void {
  const send = (message: ToMain): void => port.postMessage(message);
  const counter = (index: number) => () => void Atomics.add(counters, index, 1);
  const remote = new RemoteBackend({
    send,
    clock: systemClock,
    refused: counter(ApiCounter.Refused),
  });
  const counts = {
    read: counter(ApiCounter.Reads),
    retried: counter(ApiCounter.Retries),
    fellBack: counter(ApiCounter.Fallbacks),
  };
  const doors = new Map<number, HttpDoor>();

  const open = async ({ door, settings }: Extract<ToWorker, { kind: "open" }>): Promise<void> => {
    try {
      const opened = await openHttpDoor(remote.backend, settings);
      if (opened !== undefined) doors.set(door, opened);
      send({ kind: "opened", door, address: opened?.address });
    } catch (error) {
      send({ kind: "failed", door, error: packError(error) });
    }
  };
  const stopListening = async (door: number): Promise<void> => {
    await doors.get(door)?.stopListening();
    send({ kind: "stopped", door });
  };
  const close = async (door: number): Promise<void> => {
    await doors.get(door)?.close();
    doors.delete(door);
    send({ kind: "closed", door });
  };

  port.on("message", (message: ToWorker) => {
    switch (message.kind) {
      case "backend":
        remote.setShape(message.shape);
        return;
      case "fib": {
        const { handles } = message;
        const other = remote.member<FibControl>("fib");
        const fib = handles && new SharedFibControl(handles, other, counts);
        remote.setOwn("fib", fib);
        // The FIB that was: its memory is freed when this thread has let go of it.
        setImmediate(collectGarbage);
        return;
      }
      case "open":
        void open(message);
        return;
      case "rules":
        doors.get(message.door)?.setRules(message.settings);
        return;
      case "stop-listening":
        void stopListening(message.door);
        return;
      case "close":
        void close(message.door);
        return;
      case "result":
        remote.result(message.call, message.value);
        return;
      case "refused":
        remote.fault(message.call, message.error);
        return;
      default:
        message satisfies never;
    }
  });
}
