/**
 * classic-level (LevelDB) as engine. One process owns a directory; inside it one thread does
 * (`worker.ts`). What the engine says of a bad directory becomes a `StoreError` that says what to do.
 */
import { ClassicLevel } from "classic-level";
import { makeDirectory } from "../util/durable-file.js";
import type { KvCursor, KvEntry, KvRange, KvWrite, OrderedKv } from "./ordered-kv.js";
import { StoreError, type StoreErrorCode } from "./store.js";

type Database = ClassicLevel<Uint8Array, Uint8Array>;

export interface LevelOptions {
  /** Octets of write buffer; two of them may be in memory. */
  readonly writeBuffer: number;
  /** Octets of blocks kept after reading. */
  readonly cache: number;
  /**
   * A single key is read at once, and not by another thread: cheaper by far for a key that was written a
   * moment ago, and a wait for the disk otherwise. Only in a thread that may wait.
   */
  readonly readsAtOnce?: boolean;
}

export const SMALL: LevelOptions = { writeBuffer: 1024 * 1024, cache: 2 * 1024 * 1024 };

/** Opens the directory, made if need be. Rejects with `StoreError`. */
export async function openLevel(directory: string, options = SMALL): Promise<OrderedKv> {
  try {
    await makeDirectory(directory, 0o750);
    const database: Database = new ClassicLevel(directory, {
      keyEncoding: "view",
      valueEncoding: "view",
      writeBufferSize: options.writeBuffer,
      cacheSize: options.cache,
    });
    await database.open();
    return new LevelKv(database, directory, options.readsAtOnce === true);
  } catch (error) {
    throw storeError(error, directory);
  }
}

class LevelKv implements OrderedKv {
  private readonly database: Database;
  private readonly directory: string;
  private readonly readsAtOnce: boolean;

  constructor(database: Database, directory: string, readsAtOnce: boolean) {
    this.database = database;
    this.directory = directory;
    this.readsAtOnce = readsAtOnce;
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.told(this.readsAtOnce ? this.getAtOnce(key) : this.database.get(key));
  }

  batch(writes: readonly KvWrite[], sync: boolean): Promise<void> {
    return this.told(
      this.database.batch(
        writes.map(({ key, value }) =>
          value === undefined ? { type: "del", key } : { type: "put", key, value },
        ),
        { sync },
      ),
    );
  }

  cursor({ from, to, reverse = false }: KvRange): KvCursor {
    const iterator = this.database.iterator({ gte: from, lt: to, reverse });
    return {
      next: async (most) => {
        const rows = await this.told(iterator.nextv(most));
        return rows.map(([key, value]): KvEntry => ({ key, value }));
      },
      close: () => iterator.close(),
    };
  }

  clear({ from, to }: KvRange): Promise<void> {
    return this.told(this.database.clear({ gte: from, lt: to }));
  }

  size({ from, to }: KvRange): Promise<number> {
    return this.told(this.database.approximateSize(from, to));
  }

  compact({ from, to }: KvRange): Promise<void> {
    return this.told(this.database.compactRange(from, to));
  }

  close(): Promise<void> {
    return this.database.close();
  }

  // `async`: what the engine throws rejects.
  private async getAtOnce(key: Uint8Array): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.database.getSync(key));
  }

  private async told<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw storeError(error, this.directory);
    }
  }
}

/** Words of LevelDB and of the system, and what they mean; the first that is in the text counts. */
const CAUSES: readonly (readonly [RegExp, StoreErrorCode, (directory: string) => string])[] = [
  [
    /LEVEL_LOCKED|\block\b.*(held|unavailable)|already held/i,
    "locked",
    (directory) =>
      `${directory} is in use by another process; stop that one, or give this evpnd a directory of its own`,
  ],
  [
    /ENOSPC|EDQUOT|No space left|quota exceeded/i,
    "full",
    (directory) => `there is no room left for ${directory}; free disk space`,
  ],
  [
    /EACCES|EPERM|EROFS|Permission denied|Read-only file system/i,
    "denied",
    (directory) => `${directory} cannot be written; give it to the user that evpnd runs as`,
  ],
  [
    /ENOTDIR|EEXIST|Not a directory|File exists/i,
    "denied",
    (directory) => `${directory} is no directory; remove what is there, or choose another one`,
  ],
  [
    /LEVEL_CORRUPTION|Corruption|checksum mismatch|missing files|LEVEL_IO_ERROR.*No such file/i,
    "corrupt",
    (directory) =>
      `the files in ${directory} are damaged; move the directory away, and evpnd begins anew`,
  ],
];

function storeError(error: unknown, directory: string): StoreError {
  if (error instanceof StoreError) return error;
  const text = wordsOf(error);
  for (const [pattern, code, sentence] of CAUSES) {
    if (pattern.test(text)) return new StoreError(code, sentence(directory));
  }
  return new StoreError("unavailable", `${directory}: ${text}; evpnd tries again`);
}

/** Codes and messages of the error and of what caused it. */
function wordsOf(error: unknown): string {
  const words: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException;
    words.push(...(code === undefined ? [] : [code]), at.message);
  }
  return words.join(": ");
}
