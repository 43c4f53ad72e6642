/**
 * The store as the other threads have it: a thread that owns the directory (`worker.ts`), asked by
 * messages. When it cannot be opened, or fails later, it says so once, refuses what is asked, and tries
 * again every `RETRY_MS`; watches begin again by themselves when it is back.
 */
import type { Clock, TimerHandle } from "../util/clock.js";
import type { Log } from "../util/log.js";
import {
  startOwnedThread,
  type OwnedThread,
  type OwnedThreadEvents,
} from "../util/owned-thread.js";
import { WaitingCalls } from "../util/waiting-calls.js";
import type { StoreCall, StoreCommand, StoreReport } from "./messages.js";
import {
  StoreError,
  type ScanRange,
  type Store,
  type StoreChange,
  type StoreEntry,
  type StoreErrorCode,
  type StoreStatus,
  type StoreWrite,
  type StreamRecord,
  type WriteOptions,
} from "./store.js";
import type { StoreWorkerData } from "./worker.js";

export const RETRY_MS = 30_000;
const HEAP_MB = 64;
/** A disk that hangs does not keep evpnd from ending. */
const CLOSE_MS = 3000;
const LATE = new StoreError("unavailable", "the store did not close in time");
/** Faults after which the engine must be opened anew. */
const BROKEN: ReadonlySet<StoreErrorCode> = new Set(["full", "denied", "corrupt", "unavailable"]);
/** Questions under way at most; more are refused, so that a stuck disk costs no memory. */
const MOST_PENDING = 10_000;

/** Begins a thread, or what a test puts in its place. */
export type StoreThreadFactory = (
  events: OwnedThreadEvents<StoreReport>,
) => OwnedThread<StoreCommand>;

interface Watch {
  readonly prefix: string;
  readonly sink: (changes: readonly StoreChange[]) => void;
}

export class ThreadStore implements Store {
  private readonly directory: string;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly start: StoreThreadFactory;
  private readonly calls = new WaitingCalls();
  private readonly watches = new Map<number, Watch>();
  private thread: OwnedThread<StoreCommand> | undefined;
  private state: StoreStatus["state"] = "opening";
  private problem: StoreError | undefined;
  private retry: TimerHandle | undefined;
  private lastWatch = 0;
  private ended: (() => void) | undefined;

  constructor(directory: string, clock: Clock, log: Log, start = storeThread(directory)) {
    this.directory = directory;
    this.clock = clock;
    this.log = log;
    this.start = start;
    this.open();
  }

  get(key: string): Promise<StoreEntry | undefined> {
    return this.call({ method: "get", key });
  }

  write(writes: readonly StoreWrite[], options: WriteOptions = {}): Promise<number> {
    return this.call({ method: "write", writes, options });
  }

  scan(range: ScanRange): Promise<readonly StoreEntry[]> {
    return this.call({ method: "scan", range });
  }

  append(
    stream: string,
    values: readonly Uint8Array[],
    options: WriteOptions = {},
  ): Promise<number> {
    return this.call({ method: "append", stream, values, options });
  }

  read(stream: string, from: number, most: number): Promise<readonly StreamRecord[]> {
    return this.call({ method: "read", stream, from, most });
  }

  trim(stream: string, sequence: number): Promise<void> {
    return this.call({ method: "trim", stream, sequence });
  }

  watch(prefix: string, sink: (changes: readonly StoreChange[]) => void): () => void {
    const id = ++this.lastWatch;
    this.watches.set(id, { prefix, sink });
    // Sent while it opens, too: the thread reads its messages when it has opened.
    if (this.thread !== undefined) this.thread.post({ kind: "watch", id, prefix });
    return () => {
      if (this.watches.delete(id)) this.thread?.post({ kind: "unwatch", id });
    };
  }

  status(): StoreStatus {
    return { state: this.state, directory: this.directory, problem: this.problem?.message };
  }

  close(): Promise<void> {
    if (this.state === "closed") return Promise.resolve();
    this.state = "closed";
    this.retry?.cancel();
    const { thread } = this;
    if (thread === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const late = this.clock.setTimer(CLOSE_MS, () => this.fail(LATE));
      this.ended = () => {
        late.cancel();
        resolve();
      };
      thread.post({ kind: "close" });
    });
  }

  private call<T>(call: StoreCall): Promise<T> {
    const refusal = this.refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.calls.begin((id) => this.thread!.post({ kind: "call", id, call }));
  }

  private refusal(): StoreError | undefined {
    if (this.state === "closed") return new StoreError("unavailable", "the store is closed");
    if (this.thread === undefined) return this.problem;
    if (this.calls.size < MOST_PENDING) return undefined;
    return new StoreError("unavailable", "the store does not keep up; is the disk stuck?");
  }

  private open(): void {
    this.state = "opening";
    const thread = this.start({
      report: (report) => {
        if (this.thread === thread) this.report(report);
      },
      died: (error) => {
        if (this.thread !== thread) return;
        this.fail(new StoreError("unavailable", `the store's thread ended: ${error.message}`));
      },
    });
    this.thread = thread;
    for (const [id, { prefix }] of this.watches) thread.post({ kind: "watch", id, prefix });
  }

  private report(report: StoreReport): void {
    switch (report.kind) {
      case "open":
        if (this.state === "closed") break;
        this.state = "open";
        if (this.problem !== undefined) {
          this.log.info({ directory: this.directory }, "the store is open again");
        }
        this.problem = undefined;
        break;
      case "failed":
        this.fail(new StoreError(report.code, report.message));
        break;
      case "done":
        this.calls.resolve(report.id, report.result);
        break;
      case "refused": {
        const error = new StoreError(report.code, report.message);
        this.calls.reject(report.id, error);
        if (BROKEN.has(report.code)) this.fail(error);
        break;
      }
      case "changes":
        this.watches.get(report.id)?.sink(report.changes);
        break;
      case "closed":
        this.thread = undefined;
        this.calls.rejectAll(new StoreError("unavailable", "the store is closed"));
        this.ended?.();
    }
  }

  private fail(error: StoreError): void {
    const { thread } = this;
    this.thread = undefined;
    thread?.kill();
    this.calls.rejectAll(error);
    if (this.state === "closed") {
      this.ended?.();
      return;
    }
    if (this.problem?.message !== error.message) {
      this.log.error(
        { directory: this.directory, code: error.code },
        `the store is not usable, nothing in it survives a restart: ${error.message}`,
      );
    }
    this.state = "unavailable";
    this.problem = error;
    this.retry = this.clock.setTimer(RETRY_MS, () => this.open());
  }
}

export function storeThread(directory: string): StoreThreadFactory {
  const workerData: StoreWorkerData = { directory };
  const options = { name: "evpnd-store", workerData, heapMegabytes: HEAP_MB };
  return (events) => startOwnedThread(new URL("./worker.js", import.meta.url), options, events);
}
