/**
 * What the Sec-EM keeps, in the store: JSON under keys that begin with `asmn/`. Every write is on the disk
 * before it counts; one that fails is a `storage` error, and whoever wrote must then go on as if nothing
 * had happened.
 */
import { StoreError, type Store, type StoreEntry } from "../../store/index.js";
import { SecEmError } from "./control.js";

const PREFIX = "asmn/";

export interface RecordWrite {
  readonly key: string;
  /** Undefined = delete. */
  readonly value: object | undefined;
}

export interface KeptRecord {
  readonly key: string;
  readonly value: Record<string, unknown>;
}

export class Records {
  private readonly store: Store;
  /** Writes that failed, for the counters. */
  faults = 0;
  /** Why the last write failed; undefined after one that did not. */
  problem: string | undefined;

  constructor(store: Store) {
    this.store = store;
  }

  /** All or nothing, and on the disk. Rejects with `SecEmError` `storage`. */
  async write(...writes: readonly RecordWrite[]): Promise<void> {
    try {
      await this.store.write(
        writes.map(({ key, value }) =>
          value === undefined
            ? { kind: "delete", key: PREFIX + key }
            : { kind: "put", key: PREFIX + key, value: Buffer.from(JSON.stringify(value)) },
        ),
        { sync: true },
      );
      this.problem = undefined;
    } catch (error) {
      this.faults++;
      this.problem = error instanceof Error ? error.message : String(error);
      throw new SecEmError("storage", `nothing was changed: ${this.problem}`);
    }
  }

  /**
   * Deletes what counts no more already, whether the disk takes it or not.
   * Rejects with `SecEmError` `storage`: it would be back after a restart.
   */
  async erase(key: string): Promise<void> {
    try {
      await this.write({ key, value: undefined });
    } catch {
      throw new SecEmError(
        "storage",
        `it counts no more, and comes back at a restart: ${this.problem ?? ""}; do it again when there is room`,
      );
    }
  }

  async read(key: string): Promise<Record<string, unknown> | undefined> {
    const entry = await this.store.get(PREFIX + key);
    return entry === undefined ? undefined : parsed(entry);
  }

  /** All whose key begins so, in the order of their keys; the prefix of all records is taken away. */
  async all(prefix: string): Promise<readonly KeptRecord[]> {
    const found: KeptRecord[] = [];
    for (let after: string | undefined; ;) {
      const page = await this.store.scan({ prefix: PREFIX + prefix, after });
      for (const entry of page) {
        found.push({ key: entry.key.slice(PREFIX.length), value: parsed(entry) });
      }
      after = page.at(-1)?.key;
      if (after === undefined) return found;
    }
  }
}

function parsed({ key, value }: StoreEntry): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(value).toString("utf8")) as Record<string, unknown>;
  } catch {
    throw new StoreError(
      "corrupt",
      `the record ${key} cannot be read; restore the state directory from a copy, or move it away and enrol anew`,
    );
  }
}
