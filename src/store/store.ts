/**
 * What must survive a restart goes through this: small values by key, and records appended to streams. An
 * embedded engine keeps it today (`level.ts`); the interface asks for nothing that a distributed one
 * (NATS JetStream: key-value and streams) could not give:
 *
 * - every write has a revision, higher than all before; a write can be made to depend on the revision that
 *   its writer has seen (compare and set), 0 meaning that there must be no such key;
 * - watching gives a snapshot, a sync marker and every change after it, in order; when the store was away
 *   in between, the snapshot comes again. Applying a change twice changes nothing;
 * - a value may have a time to live; when it is over, the key goes as if it were deleted;
 * - streams are appended to, read from a sequence on and cut at the old end, nothing else.
 *
 * A batch is all or nothing. Everything here is plain data, so that the store can be in another thread.
 * Keys are text of letters, digits and `-_./=:`, parts joined by `/`; their order is that of their octets.
 */
export interface StoreEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
  /** Wall-clock milliseconds; undefined = never. */
  readonly expires: number | undefined;
}

export type StoreWrite =
  | {
      readonly kind: "put";
      readonly key: string;
      readonly value: Uint8Array;
      /** Only if the key is of this revision; 0 = only if there is none. */
      readonly expect?: number | undefined;
      /** From now on. */
      readonly ttlMs?: number | undefined;
    }
  | { readonly kind: "delete"; readonly key: string; readonly expect?: number | undefined };

export interface WriteOptions {
  /** On the disk before the promise is settled: survives a loss of power, and takes milliseconds. */
  readonly sync?: boolean | undefined;
}

export interface ScanRange {
  readonly prefix: string;
  /** Only keys behind this one: the last of the page before. */
  readonly after?: string | undefined;
  /** At most `MOST_SCANNED`, the default. */
  readonly limit?: number | undefined;
}

export type StoreChange =
  | { readonly kind: "put"; readonly entry: StoreEntry }
  | { readonly kind: "delete"; readonly key: string; readonly revision: number }
  /** A snapshot begins: what the watcher knew is void. */
  | { readonly kind: "reset" }
  /** The snapshot is complete. */
  | { readonly kind: "sync"; readonly revision: number };

export interface StreamRecord {
  /** From 1 on, without gaps. */
  readonly sequence: number;
  readonly value: Uint8Array;
}

export interface StoreStatus {
  readonly state: "opening" | "open" | "unavailable" | "closed";
  /** Where it is; undefined when it is kept in memory only. */
  readonly directory: string | undefined;
  /** Why it is unavailable: a sentence that says what to do. */
  readonly problem: string | undefined;
}

/**
 * All methods reject with `StoreError`. While the store is unavailable they reject at once, and it tries
 * by itself to come back.
 */
export interface Store {
  get(key: string): Promise<StoreEntry | undefined>;
  /** At most `MOST_WRITES`; the revision of the batch. Rejects with `conflict` when an `expect` does not hold. */
  write(writes: readonly StoreWrite[], options?: WriteOptions): Promise<number>;
  /** In the order of the keys; a full page may have more behind it. */
  scan(range: ScanRange): Promise<readonly StoreEntry[]>;
  /** Calls `sink` with changes in order, several at a time. Returns at once; the result ends it. */
  watch(prefix: string, sink: (changes: readonly StoreChange[]) => void): () => void;
  /** The sequence of the last one. */
  append(stream: string, values: readonly Uint8Array[], options?: WriteOptions): Promise<number>;
  /** Records from `from` on; what was cut is left out. */
  read(stream: string, from: number, most: number): Promise<readonly StreamRecord[]>;
  /** Drops all records below `sequence`. */
  trim(stream: string, sequence: number): Promise<void>;
  status(): StoreStatus;
  /** Writes what was taken, and ends. Never rejects. */
  close(): Promise<void>;
}

/** Keys and stream names, octets. */
export const MOST_KEY = 512;
/** A value, octets. */
export const MOST_VALUE = 1024 * 1024;
export const MOST_WRITES = 1000;
export const MOST_SCANNED = 1000;

/**
 * - `conflict`: an `expect` did not hold; read again.
 * - `invalid`: a key, value or size that the store does not take.
 * - `locked`: another process has the directory open. `denied`: no permission. `full`: no room on the disk.
 * - `corrupt`: files are damaged. `unavailable`: not open now, for another reason.
 */
export type StoreErrorCode =
  "conflict" | "invalid" | "locked" | "denied" | "full" | "corrupt" | "unavailable";

export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
