/**
 * What survives a restart. In: keys with values, and streams of records, from any thread. Out: the same,
 * with revisions, conditions, watches and times to live (`store.ts` says what each means).
 *
 * - `store.ts` the interface; `kv-store.ts` it over an engine; `ordered-kv.ts` what an engine is.
 * - `level.ts` LevelDB on disk; `memory.ts` in memory, where no directory is configured.
 * - `worker.ts`, `server.ts` the thread that owns a directory; `thread-store.ts` the store as others have it.
 * - `local-store.ts` the store in a thread that has nothing else to do.
 *
 * Not here: encryption, more than one process on a directory, queries by anything but key.
 */
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import { KvStore } from "./kv-store.js";
import { MemoryKv } from "./memory.js";
import type { Store } from "./store.js";
import { ThreadStore } from "./thread-store.js";

export { KvStore } from "./kv-store.js";
export { LocalStore } from "./local-store.js";
export { openLevel, type LevelOptions } from "./level.js";
export { MemoryKv } from "./memory.js";
export {
  afterPrefix,
  firstEntries,
  prefixRange,
  WHOLE,
  type KvCursor,
  type KvEntry,
  type KvRange,
  type KvWrite,
  type OrderedKv,
} from "./ordered-kv.js";
export {
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

/** Opens at once, reports later: a directory that cannot be used costs no start. Undefined: in memory. */
export function openStore(directory: string | undefined, clock: Clock, log: Log): Store {
  return directory === undefined
    ? new KvStore(new MemoryKv(), clock)
    : new ThreadStore(directory, clock, log);
}
