/** An engine whose disk the test commands: slow, full, or as it was after a crash. */
import { MemoryKv, StoreError } from "../../../src/store/index.js";
import type { KvWrite, OrderedKv } from "../../../src/store/index.js";

export class TestDisk {
  /** What survives: the same for all engines. */
  readonly kept = new MemoryKv();
  /** Batches that asked to be on the disk, and all others, with their number of writes. */
  readonly writes: { readonly count: number; readonly sync: boolean }[] = [];
  isFull = false;
  /** Writes wait for `release` while this is set. */
  isSlow = false;
  opened = 0;
  private waiting: (() => void)[] = [];

  readonly open = (): Promise<OrderedKv> => {
    if (this.isFull) return Promise.reject(full());
    this.opened++;
    const { kept } = this;
    return Promise.resolve({
      get: (key) => kept.get(key),
      batch: (writes, sync) => this.batch(writes, sync),
      cursor: (range) => {
        // Short pages, as LevelDB gives them.
        const cursor = kept.cursor(range);
        return { next: (most) => cursor.next(Math.min(most, 100)), close: () => cursor.close() };
      },
      clear: (range) => kept.clear(range),
      size: (range) => kept.size(range),
      compact: () => kept.compact(),
      close: () => Promise.resolve(),
    });
  };

  /** Lets the writes under way through. */
  release(): void {
    for (const go of this.waiting.splice(0)) go();
  }

  private async batch(writes: readonly KvWrite[], sync: boolean): Promise<void> {
    this.writes.push({ count: writes.length, sync });
    if (this.isSlow) await new Promise<void>((resolve) => this.waiting.push(resolve));
    if (this.isFull) throw full();
    await this.kept.batch(writes);
  }
}

function full(): StoreError {
  return new StoreError("full", "there is no room left; free disk space");
}
