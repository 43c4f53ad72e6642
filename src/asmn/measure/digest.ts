/**
 * Digests of image files, computed in threads of their own: the tree digest over as many threads as asked
 * for, plain digests over one. Each thread takes the next run of chunks when it has done the former, so a
 * slow core delays nothing but its own run.
 */
import { Worker } from "node:worker_threads";
import { leavesOf, plainSteps, RUN_CHUNKS } from "./chunk-work.js";
import type { ChunkRange, PlainAlgorithm } from "./chunk-work.js";
import { flushImage, MeasureError, openImage } from "./reading.js";
import type { FileState, OpenImage } from "./reading.js";
import { CHUNK_OCTETS, chunkCount, DIGEST_OCTETS, rootDigest } from "./tree.js";
import type { MeasureOrder, MeasureReport, MeasureWorkerData } from "./worker.js";

export interface MeasureOptions {
  /** Threads that hash; 0 = the caller's own, in slices. Default 1. */
  readonly threads?: number;
  /** Told now and then: octets done, octets in all. */
  readonly progress?: (done: number, total: number) => void;
  /** Ends the work with `MeasureError` of code `cancelled`. */
  readonly signal?: AbortSignal;
}

export interface ImageDigest {
  /** Root of the tree, 32 octets. */
  readonly digest: Buffer;
  readonly size: number;
  /** Leaf digests, joined: enough to verify single chunks later. */
  readonly leaves: Uint8Array;
  /** What the file was when it was read. */
  readonly file: FileState;
}

export const MOST_THREADS = 64;

/** The tree digest of a file. Rejects with `MeasureError`. */
export async function treeDigest(path: string, options: MeasureOptions = {}): Promise<ImageDigest> {
  const image = openImage(path);
  try {
    await flushImage(image.fd);
    const { size } = image.state;
    const leaves = new Uint8Array(chunkCount(size) * DIGEST_OCTETS);
    const runs = new Runs(size, leaves, options);
    const threads = Math.min(options.threads ?? 1, MOST_THREADS, runs.total);
    if (threads === 0) await runs.inline(image.fd);
    else await onThreads(image, threads, options, (pool) => runs.on(pool));
    image.check();
    return { digest: rootDigest(leaves, size), size, leaves, file: image.state };
  } finally {
    image.close();
  }
}

/** One digest over the whole file, hex; for paper mode and comparison. Rejects with `MeasureError`. */
export async function plainDigest(
  path: string,
  algorithm: PlainAlgorithm,
  options: MeasureOptions = {},
): Promise<string> {
  const image = openImage(path);
  const { size } = image.state;
  try {
    const digest =
      options.threads === 0
        ? await plainInline(image, algorithm, options)
        : await onThreads(image, 1, options, ([thread]) =>
            plainOn(thread!, algorithm, size, options),
          );
    image.check();
    options.progress?.(size, size);
    return digest;
  } finally {
    image.close();
  }
}

/** Hands out runs of chunks and puts together what comes back. */
class Runs {
  readonly total: number;
  private readonly size: number;
  private readonly leaves: Uint8Array;
  private readonly options: MeasureOptions;
  private readonly chunks: number;
  private nextChunk = 0;
  private done = 0;

  constructor(size: number, leaves: Uint8Array, options: MeasureOptions) {
    this.size = size;
    this.leaves = leaves;
    this.options = options;
    this.chunks = chunkCount(size);
    this.total = Math.ceil(this.chunks / RUN_CHUNKS);
  }

  async inline(fd: number): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(CHUNK_OCTETS);
    for (let range = this.take(); range !== undefined; range = this.take()) {
      refuseCancelled(this.options.signal);
      this.put(range.first, leavesOf(fd, this.size, range, buffer));
      await new Promise(setImmediate);
    }
  }

  async on(pool: readonly MeasureThread[]): Promise<void> {
    const work = async (thread: MeasureThread): Promise<void> => {
      // One run ahead: a thread never waits for its next order.
      let ahead = this.order(thread);
      while (ahead !== undefined) {
        const now = ahead;
        ahead = this.order(thread);
        const report = await now;
        if (report.kind === "leaves") this.put(report.first, report.leaves);
      }
    };
    await Promise.all(pool.map(work));
  }

  private order(thread: MeasureThread): Promise<MeasureReport> | undefined {
    const range = this.take();
    return range === undefined ? undefined : thread.ask({ kind: "leaves", range });
  }

  private take(): ChunkRange | undefined {
    const first = this.nextChunk;
    if (first >= this.chunks) return undefined;
    const count = Math.min(RUN_CHUNKS, this.chunks - first);
    this.nextChunk = first + count;
    return { first, count };
  }

  private put(first: number, leaves: Uint8Array): void {
    this.leaves.set(leaves, first * DIGEST_OCTETS);
    this.done += leaves.length / DIGEST_OCTETS;
    this.options.progress?.(Math.min(this.done * CHUNK_OCTETS, this.size), this.size);
  }
}

/** One thread; answers come in the order of the orders. */
class MeasureThread {
  private readonly worker: Worker;
  private readonly waiting: {
    resolve: (report: MeasureReport) => void;
    reject: (error: Error) => void;
  }[] = [];
  private readonly onProgress: (octets: number) => void;
  private failure: Error | undefined;

  constructor(data: MeasureWorkerData, onProgress: (octets: number) => void) {
    this.onProgress = onProgress;
    this.worker = new Worker(new URL("./worker.js", import.meta.url), {
      name: "asmn-measure",
      workerData: data,
    });
    this.worker.on("message", (report: MeasureReport) => this.take(report));
    this.worker.on("error", (error) => this.fail(threadLost(error.message)));
    this.worker.on("exit", () => this.fail(threadLost("it ended")));
  }

  ask(order: MeasureOrder): Promise<MeasureReport> {
    const answer = new Promise<MeasureReport>((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure);
      this.waiting.push({ resolve, reject });
      this.worker.postMessage(order);
    });
    // One that nobody awaits any more, because another failed first, is no error of its own.
    answer.catch(() => undefined);
    return answer;
  }

  fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.splice(0)) reject(this.failure);
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }

  private take(report: MeasureReport): void {
    if (report.kind === "progress") return this.onProgress(report.octets);
    if (report.kind === "failed") return this.fail(new MeasureError(report.code, report.message));
    this.waiting.shift()?.resolve(report);
  }
}

async function onThreads<T>(
  { fd, state }: OpenImage,
  count: number,
  { progress, signal }: MeasureOptions,
  run: (pool: readonly MeasureThread[]) => Promise<T>,
): Promise<T> {
  refuseCancelled(signal);
  const pool = Array.from(
    { length: count },
    () => new MeasureThread({ fd, size: state.size }, (done) => progress?.(done, state.size)),
  );
  const cancel = (): void => {
    for (const thread of pool) thread.fail(cancelled());
  };
  signal?.addEventListener("abort", cancel);
  try {
    return await run(pool);
  } finally {
    signal?.removeEventListener("abort", cancel);
    // The descriptor is closed behind this: no thread may still be reading from it.
    await Promise.all(pool.map((thread) => thread.stop()));
  }
}

async function plainOn(
  thread: MeasureThread,
  algorithm: PlainAlgorithm,
  size: number,
  { progress }: MeasureOptions,
): Promise<string> {
  progress?.(0, size);
  const report = await thread.ask({ kind: "plain", algorithm });
  return report.kind === "plain" ? report.digest : "";
}

async function plainInline(
  { fd, state }: OpenImage,
  algorithm: PlainAlgorithm,
  { progress, signal }: MeasureOptions,
): Promise<string> {
  const steps = plainSteps(fd, state.size, algorithm);
  for (;;) {
    refuseCancelled(signal);
    const step = steps.next();
    if (step.done === true) return step.value;
    progress?.(step.value, state.size);
    await new Promise(setImmediate);
  }
}

function refuseCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled();
}

function cancelled(): MeasureError {
  return new MeasureError("cancelled", "measuring was cancelled");
}

function threadLost(why: string): MeasureError {
  return new MeasureError("thread", `a measuring thread failed: ${why}`);
}
