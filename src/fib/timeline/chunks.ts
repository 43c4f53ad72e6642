/** The chunks there are: which stretch of time each holds, and how much. In memory; as rows in the store beside. */
import { firstEntries, prefixRange, type KvWrite, type OrderedKv } from "../../store/index.js";
import { chunkKey, plainKey, Space } from "./layout.js";

export interface Chunk {
  readonly id: number;
  /** Wall-clock milliseconds of its first and last event. */
  readonly first: number;
  last: number;
  /** Events; the number of the next one. */
  count: number;
  /** Of keys and values, before compression. */
  octets: number;
}

const MOST_CHUNKS = 4096;

export class Chunks {
  /** Oldest first. */
  list: Chunk[] = [];
  private lastId = 0;

  async load(kv: OrderedKv): Promise<void> {
    const rows = await firstEntries(kv, prefixRange(plainKey(Space.Chunk)), MOST_CHUNKS);
    this.list = rows.map(({ value }) => JSON.parse(Buffer.from(value).toString()) as Chunk);
    this.lastId = this.list.at(-1)?.id ?? 0;
  }

  get newest(): Chunk | undefined {
    return this.list.at(-1);
  }

  get octets(): number {
    return this.list.reduce((sum, { octets }) => sum + octets, 0);
  }

  get events(): number {
    return this.list.reduce((sum, { count }) => sum + count, 0);
  }

  open(time: number): Chunk {
    const chunk: Chunk = { id: ++this.lastId, first: time, last: time, count: 0, octets: 0 };
    this.list.push(chunk);
    return chunk;
  }

  write({ id, first, last, count, octets }: Chunk): KvWrite {
    const text = JSON.stringify({ id, first, last, count, octets });
    return { key: chunkKey(Space.Chunk, id), value: Buffer.from(text) };
  }

  /**
   * When the oldest ended, at the latest. A clock that ran ahead for a while, and was set back, has dated it into
   * the future: what was written behind it tells more then.
   */
  oldestEnd(now: number): number {
    const [oldest, ...later] = this.list;
    if (oldest === undefined) return now;
    if (oldest.last <= now) return oldest.last;
    return later.reduce((end, { first }) => Math.min(end, first), now);
  }

  /** Takes the oldest out of the list. */
  drop(): Chunk | undefined {
    return this.list.shift();
  }

  get(id: number): Chunk | undefined {
    return this.list.find((one) => one.id === id);
  }

  /** Those with events at or before `time`, newest first. */
  upTo(time: number): Chunk[] {
    return this.list.filter(({ first }) => first <= time).reverse();
  }

  /** Those with events in the stretch, ends included, oldest first. */
  within(from: number, to: number): Chunk[] {
    return this.list.filter(({ first, last }) => last >= from && first <= to);
  }
}
