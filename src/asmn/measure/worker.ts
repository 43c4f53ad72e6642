/** Entry of a measuring thread: hashes what it is asked to, through a descriptor that its owner opened. */
import { parentPort, workerData } from "node:worker_threads";
import { leavesOf, plainSteps } from "./chunk-work.js";
import type { ChunkRange, PlainAlgorithm } from "./chunk-work.js";
import { MeasureError } from "./reading.js";
import { CHUNK_OCTETS } from "./tree.js";

export interface MeasureWorkerData {
  readonly fd: number;
  readonly size: number;
}

export type MeasureOrder =
  | { readonly kind: "leaves"; readonly range: ChunkRange }
  | { readonly kind: "plain"; readonly algorithm: PlainAlgorithm };

export type MeasureReport =
  | { readonly kind: "leaves"; readonly first: number; readonly leaves: Uint8Array<ArrayBuffer> }
  | { readonly kind: "progress"; readonly octets: number }
  | { readonly kind: "plain"; readonly digest: string }
  | {
      readonly kind: "failed";
      readonly code: MeasureError["code"];
      readonly message: string;
    };

if (parentPort !== null) {
  const port = parentPort;
  const { fd, size } = workerData as MeasureWorkerData;
  const buffer = Buffer.allocUnsafeSlow(CHUNK_OCTETS);
  const report = (message: MeasureReport): void => port.postMessage(message);
  const obey = (order: MeasureOrder): void => {
    if (order.kind === "leaves") {
      const { range } = order;
      report({ kind: "leaves", first: range.first, leaves: leavesOf(fd, size, range, buffer) });
      return;
    }
    const steps = plainSteps(fd, size, order.algorithm);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return report({ kind: "plain", digest: step.value });
      report({ kind: "progress", octets: step.value });
    }
  };
  port.on("message", (order: MeasureOrder) => {
    try {
      obey(order);
    } catch (error) {
      const code = error instanceof MeasureError ? error.code : "thread";
      report({ kind: "failed", code, message: (error as Error).message });
    }
  });
}
