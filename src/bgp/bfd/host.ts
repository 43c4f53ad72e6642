/** Where the BFD engine runs, as the speaker sees it: a thread of its own, or whatever a test puts there. */
import { startOwnedThread } from "../../util/owned-thread.js";
import type { BfdCommand, BfdReport } from "./messages.js";
import { BFD_PORTS, type BfdPorts } from "./sockets.js";
import type { BfdWorkerData } from "./worker.js";

export interface BfdHost {
  command(command: BfdCommand): void;
  /** At once; what it was doing is lost. */
  kill(): void;
}

export interface BfdHostEvents {
  report(report: BfdReport): void;
  /** It ended by itself: a bug. */
  died(error: Error): void;
}

export type BfdHostFactory = (events: BfdHostEvents) => BfdHost;

/** Small: a thousand sessions are a few megabytes, and a small heap is collected quickly. */
const HEAP_MB = 64;

export function threadHost(ports: BfdPorts = BFD_PORTS): BfdHostFactory {
  return (events) => {
    const workerData: BfdWorkerData = { ports };
    const thread = startOwnedThread<BfdCommand, BfdReport>(
      new URL("./worker.js", import.meta.url),
      { name: "evpnd-bfd", workerData, heapMegabytes: HEAP_MB },
      {
        report: (report) => events.report(report),
        died: (error) => events.died(error),
        isLast: ({ kind }) => kind === "stopped",
      },
    );
    return { command: (command) => thread.post(command), kill: () => thread.kill() };
  };
}
