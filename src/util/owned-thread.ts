/**
 * A worker thread that belongs to one owner: commands in, reports out, its end told once unless it was asked for.
 * It does not keep the process alive.
 */
import { Worker, type TransferListItem } from "node:worker_threads";

export interface OwnedThread<Command> {
  /** @param transfer what goes over to the thread: ports that the command holds */
  post(command: Command, transfer?: readonly TransferListItem[]): void;
  kill(): void;
}

export interface OwnedThreadEvents<Report> {
  report(report: Report): void;
  /** It ended by itself: a bug, or its memory ran out. */
  died(error: Error): void;
  /** Says of a report that the thread's end is in order from then on; default: one of kind `closed`. */
  readonly isLast?: (report: Report) => boolean;
}

export interface OwnedThreadOptions {
  readonly name: string;
  readonly workerData: unknown;
  readonly heapMegabytes: number;
  /** Of what is new: less of it is collected more often, with shorter pauses. Default: the engine's. */
  readonly youngMegabytes?: number;
}

export function startOwnedThread<Command, Report extends { readonly kind: string }>(
  file: URL,
  { name, workerData, heapMegabytes, youngMegabytes }: OwnedThreadOptions,
  events: OwnedThreadEvents<Report>,
): OwnedThread<Command> {
  const worker = new Worker(file, {
    name,
    workerData,
    resourceLimits: {
      maxOldGenerationSizeMb: heapMegabytes,
      ...(youngMegabytes !== undefined && { maxYoungGenerationSizeMb: youngMegabytes }),
    },
  });
  const { isLast = ({ kind }: Report) => kind === "closed" } = events;
  let ended = false;
  const died = (error: Error): void => {
    if (ended) return;
    ended = true;
    events.died(error);
  };
  worker.on("message", (report: Report) => {
    if (isLast(report)) ended = true;
    events.report(report);
  });
  worker.on("error", died);
  worker.on("exit", (code) => died(new Error(`code ${code}`)));
  worker.unref();
  return {
    post: (command, transfer = []) => worker.postMessage(command, transfer),
    kill: () => {
      ended = true;
      void worker.terminate();
    },
  };
}
