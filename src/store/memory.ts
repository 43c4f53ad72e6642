/** An engine in memory, for tests and where there is no directory: a sorted array of keys. */
import type { KvCursor, KvEntry, KvRange, KvWrite, OrderedKv } from "./ordered-kv.js";

export class MemoryKv implements OrderedKv {
  private entries: readonly KvEntry[] = [];

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const at = this.lowerBound(key);
    const found = this.entries[at];
    const same = found !== undefined && Buffer.compare(found.key, key) === 0;
    return Promise.resolve(same ? Uint8Array.from(found.value) : undefined);
  }

  batch(writes: readonly KvWrite[]): Promise<void> {
    // A new array, so that cursors keep the one they began with.
    const entries = [...this.entries];
    for (const { key, value } of writes) {
      const at = lowerBound(entries, key);
      const found = entries[at];
      const same = found !== undefined && Buffer.compare(found.key, key) === 0 ? 1 : 0;
      if (value === undefined) entries.splice(at, same);
      else entries.splice(at, same, { key: Uint8Array.from(key), value: Uint8Array.from(value) });
    }
    this.entries = entries;
    return Promise.resolve();
  }

  cursor({ from, to, reverse = false }: KvRange): KvCursor {
    let left = this.entries.slice(this.lowerBound(from), this.lowerBound(to));
    if (reverse) left.reverse();
    return {
      next: (most) => {
        const page = left.slice(0, most);
        left = left.slice(most);
        return Promise.resolve(page);
      },
      close: () => Promise.resolve(),
    };
  }

  clear({ from, to }: KvRange): Promise<void> {
    const [start, end] = [this.lowerBound(from), this.lowerBound(to)];
    this.entries = this.entries.filter((_, at) => at < start || at >= end);
    return Promise.resolve();
  }

  size({ from, to }: KvRange): Promise<number> {
    const inside = this.entries.slice(this.lowerBound(from), this.lowerBound(to));
    return Promise.resolve(
      inside.reduce((sum, { key, value }) => sum + key.length + value.length, 0),
    );
  }

  compact(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private lowerBound(key: Uint8Array): number {
    return lowerBound(this.entries, key);
  }
}

/** Index of the first entry that is not below `key`. */
function lowerBound(entries: readonly KvEntry[], key: Uint8Array): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Buffer.compare(entries[middle]!.key, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
