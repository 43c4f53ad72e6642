/** Several walks through sorted ranges as one. Reads a page of each at a time, so memory is bounded by their number. */
import type { KvEntry, KvRange, OrderedKv } from "../../store/index.js";

const PAGE = 256;

export interface Merged<T> {
  readonly item: T;
  readonly source: number;
}

interface Source<T> {
  readonly cursor: ReturnType<OrderedKv["cursor"]>;
  items: T[];
  at: number;
  ended: boolean;
}

export class MergedWalk<T> {
  private readonly sources: Source<T>[];
  private readonly take: (entry: KvEntry, source: number) => T;
  private readonly compare: (a: T, b: T) => number;

  /** @param take what to keep of an entry; entries of each range must be in the order of `compare` */
  constructor(
    kv: OrderedKv,
    ranges: readonly KvRange[],
    take: (entry: KvEntry, source: number) => T,
    compare: (a: T, b: T) => number,
  ) {
    this.sources = ranges.map((range) => ({
      cursor: kv.cursor(range),
      items: [],
      at: 0,
      ended: false,
    }));
    this.take = take;
    this.compare = compare;
  }

  /** The lowest that is left; of equal ones that of the first range. */
  async next(): Promise<T | undefined> {
    let best: Source<T> | undefined;
    for (const [index, source] of this.sources.entries()) {
      if (source.at === source.items.length && !source.ended) await this.fill(source, index);
      if (source.at === source.items.length) continue;
      const lower =
        best === undefined || this.compare(source.items[source.at]!, best.items[best.at]!) < 0;
      if (lower) best = source;
    }
    return best?.items[best.at++];
  }

  async close(): Promise<void> {
    for (const { cursor } of this.sources) await cursor.close();
  }

  private async fill(source: Source<T>, index: number): Promise<void> {
    const rows = await source.cursor.next(PAGE);
    source.items = rows.map((row) => this.take(row, index));
    source.at = 0;
    source.ended = rows.length === 0;
  }
}
