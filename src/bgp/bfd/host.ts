/** Where the BFD engine runs, as the speaker sees it: a thread of its own, or whatever a test puts there. */
import { Worker } from "node:worker_threads";
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
    const worker = new Worker(new URL("./worker.js", import.meta.url), {
      name: "evpnd-bfd",
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    let ended = false;
    const died = (error: Error) => {
      if (ended) return;
      ended = true;
      events.died(error);
    };
    worker.on("message", (report: BfdReport) => {
      if (report.kind === "stopped") ended = true;
      events.report(report);
    });
    worker.on("error", (error) => died(error));
    worker.on("exit", (code) => died(new Error(`the BFD thread ended with code ${code}`)));
    // Sessions and the HTTP door keep the process alive, not this.
    worker.unref();
    return {
      command: (command) => worker.postMessage(command),
      kill: () => {
        ended = true;
        void worker.terminate();
      },
    };
  };
}
