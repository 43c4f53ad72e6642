/**
 * What an engine under the store is: octets by octets, in order. Used directly where a module lays out
 * its own keys (the FIB's timeline); everything else uses `store.ts`.
 */
export interface KvEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** `value` undefined = delete. */
export interface KvWrite {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

export interface KvRange {
  /** Inclusive. */
  readonly from: Uint8Array;
  /** Exclusive. */
  readonly to: Uint8Array;
  /** From the end. */
  readonly reverse?: boolean | undefined;
}

/** A walk through a range as it was when the walk began. To be closed. */
export interface KvCursor {
  /** Up to `most` entries; none at the end. */
  next(most: number): Promise<readonly KvEntry[]>;
  close(): Promise<void>;
}

export interface OrderedKv {
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** All or nothing. With `sync` on the disk before the promise is settled. */
  batch(writes: readonly KvWrite[], sync: boolean): Promise<void>;
  cursor(range: KvRange): KvCursor;
  /** Deletes the range; may take long, and others go on meanwhile. */
  clear(range: KvRange): Promise<void>;
  /** Octets of disk that the range takes, roughly. */
  size(range: KvRange): Promise<number>;
  /** Gives disk space of deleted entries of the range back. */
  compact(range: KvRange): Promise<void>;
  close(): Promise<void>;
}

/** Everything: keys begin with a letter. */
export const WHOLE: KvRange = { from: new Uint8Array(0), to: Uint8Array.of(0xff) };

/** All keys that begin so. */
export function prefixRange(prefix: Uint8Array): KvRange {
  return { from: prefix, to: afterPrefix(prefix) };
}

/** The first key behind all that begin with `prefix`. */
export function afterPrefix(prefix: Uint8Array): Uint8Array {
  for (let i = prefix.length - 1; i >= 0; i--) {
    if (prefix[i] === 0xff) continue;
    // Not `slice`: of a Buffer that is a view, and the prefix itself would change.
    const after = Uint8Array.from(prefix.subarray(0, i + 1));
    after[i] = prefix[i]! + 1;
    return after;
  }
  return Uint8Array.of(0xff, 0xff, 0xff, 0xff);
}

/** The first page of a range, without a cursor to close. */
export async function firstEntries(
  kv: OrderedKv,
  range: KvRange,
  most: number,
): Promise<readonly KvEntry[]> {
  const cursor = kv.cursor(range);
  try {
    return await cursor.next(most);
  } finally {
    await cursor.close();
  }
}
