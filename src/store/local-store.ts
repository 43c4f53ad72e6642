/**
 * The store in the thread that uses it: for one that is a thread of its own already, where messages to
 * another one would cost more than the work. After a fault of the disk the engine is opened anew with the
 * first question that comes when `retryMs` are over; until then questions are refused at once.
 */
import type { Clock } from "../util/clock.js";
import { KvStore } from "./kv-store.js";
import { openLevel, SMALL } from "./level.js";
import type { OrderedKv } from "./ordered-kv.js";
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

/** Faults after which the engine must be opened anew. */
const BROKEN: ReadonlySet<StoreErrorCode> = new Set(["full", "denied", "corrupt", "unavailable"]);

export class LocalStore implements Store {
  private readonly directory: string;
  private readonly clock: Clock;
  private readonly retryMs: number;
  private readonly open: (directory: string) => Promise<OrderedKv>;
  private store: Promise<KvStore> | undefined;
  private problem: StoreError | undefined;
  private problemAt = 0;
  private closed = false;

  /** @param open in place of LevelDB, for tests */
  constructor(
    directory: string,
    clock: Clock,
    retryMs: number,
    open: (directory: string) => Promise<OrderedKv> = (one) =>
      openLevel(one, { ...SMALL, readsAtOnce: true }),
  ) {
    this.directory = directory;
    this.clock = clock;
    this.retryMs = retryMs;
    this.open = open;
  }

  get(key: string): Promise<StoreEntry | undefined> {
    return this.with((store) => store.get(key));
  }

  write(writes: readonly StoreWrite[], options?: WriteOptions): Promise<number> {
    return this.with((store) => store.write(writes, options));
  }

  scan(range: ScanRange): Promise<readonly StoreEntry[]> {
    return this.with((store) => store.scan(range));
  }

  /** Of what this engine writes: a watch ends with the engine, and is not begun anew. */
  watch(prefix: string, sink: (changes: readonly StoreChange[]) => void): () => void {
    let end: (() => void) | undefined;
    let ended = false;
    this.with((store) => {
      if (!ended) end = store.watch(prefix, sink);
      return Promise.resolve();
    }).catch(() => {});
    return () => {
      ended = true;
      end?.();
    };
  }

  append(stream: string, values: readonly Uint8Array[], options?: WriteOptions): Promise<number> {
    return this.with((store) => store.append(stream, values, options));
  }

  read(stream: string, from: number, most: number): Promise<readonly StreamRecord[]> {
    return this.with((store) => store.read(stream, from, most));
  }

  trim(stream: string, sequence: number): Promise<void> {
    return this.with((store) => store.trim(stream, sequence));
  }

  status(): StoreStatus {
    const { directory, problem } = this;
    const state = this.closed ? "closed" : problem === undefined ? "open" : "unavailable";
    return { state, directory, problem: problem?.message };
  }

  async close(): Promise<void> {
    this.closed = true;
    const store = await this.store?.catch(() => undefined);
    await store?.close();
  }

  private async with<T>(use: (store: KvStore) => Promise<T>): Promise<T> {
    const opened = this.opened();
    try {
      return await use(await opened);
    } catch (error) {
      if (error instanceof StoreError && BROKEN.has(error.code)) this.broken(opened, error);
      throw error;
    }
  }

  private opened(): Promise<KvStore> {
    if (this.closed) return Promise.reject(new StoreError("unavailable", "the store is closed"));
    const { problem, clock, directory } = this;
    if (problem !== undefined && clock.now() - this.problemAt < this.retryMs) {
      return Promise.reject(problem);
    }
    this.store ??= this.open(directory).then((kv) => {
      this.problem = undefined;
      return new KvStore(kv, clock, directory);
    });
    return this.store;
  }

  /** The engine is closed before another one takes its place: the directory has a lock. */
  private broken(store: Promise<KvStore>, error: StoreError): void {
    if (this.store !== store) return;
    this.problem = error;
    this.problemAt = this.clock.now();
    const closing = store.then(
      (one) => one.close(),
      () => {},
    );
    const next = closing.then(() => {
      if (this.store === next) this.store = undefined;
      throw error;
    });
    next.catch(() => {});
    this.store = next;
  }
}
