/**
 * A pool of records with a hash index that grows one bucket at a time (linear hashing): neither
 * inserting nor growing ever copies the table or stalls.
 *
 * Word 0 of a record holds its hash, word 1 the next record of its bucket.
 */
import { FlatMemory, type MemoryHandle } from "./flat-memory.js";
import { POOL_HEADER, RecordPool, type PoolHandle } from "./record-pool.js";
import type { WalkBudget } from "./walk-budget.js";

const HASH = 0;
const NEXT = 1;
const INITIAL_BUCKETS = 1024;

/** Words of the header behind those of a pool. */
const BUCKET_COUNT = POOL_HEADER;
const LEVEL_MASK = POOL_HEADER + 1;
const SPLIT = POOL_HEADER + 2;
const TABLE_HEADER = POOL_HEADER + 3;

export interface TableHandle extends PoolHandle {
  readonly buckets: MemoryHandle;
}

export class RecordTable extends RecordPool {
  protected readonly buckets: FlatMemory;
  private bucketCount = INITIAL_BUCKETS;
  private levelMask = INITIAL_BUCKETS - 1;
  private split = 0;
  private readonly bucketsEach: number;

  /**
   * @param width words per record, at least 2
   * @param bucketsEach buckets for each record: 2 make a look shorter, for 4 octets a record
   */
  constructor(width: number, handle?: TableHandle, bucketsEach = 1) {
    super(width, handle, TABLE_HEADER);
    this.bucketsEach = bucketsEach;
    this.buckets = new FlatMemory(INITIAL_BUCKETS * 4, undefined, handle?.buckets);
  }

  override get handle(): TableHandle {
    return { ...super.handle, buckets: this.buckets.handle };
  }

  /** First record of the bucket for `hash`, 0 when empty; go on with `next` and compare word 0. */
  head(hash: number): number {
    return this.buckets.i32[this.bucketOf(hash)]!;
  }

  /** The next record of the bucket, 0 at its end. */
  next(id: number): number {
    return this.follow(id, NEXT);
  }

  /** A record with all words zero but the hash, in the index. */
  allocate(hash: number): number {
    const id = this.take();
    const words = this.words;
    const base = id * this.width;
    const bucket = this.bucketOf(hash);
    const heads = this.buckets.i32;
    words[base + HASH] = hash;
    words[base + NEXT] = heads[bucket]!;
    heads[bucket] = id;
    while (this.count * this.bucketsEach > this.bucketCount) this.splitBucket();
    return id;
  }

  /** Takes the record out of the index and gives it back to the pool. */
  release(id: number): void {
    const words = this.words;
    const width = this.width;
    const heads = this.buckets.i32;
    const bucket = this.bucketOf(words[id * width + HASH]!);
    let at = heads[bucket]!;
    if (at === id) {
      heads[bucket] = words[id * width + NEXT]!;
    } else {
      while (words[at * width + NEXT] !== id) at = words[at * width + NEXT]!;
      words[at * width + NEXT] = words[id * width + NEXT]!;
    }
    this.give(id);
  }

  /**
   * Reads what `release` of this record will read; the result says nothing. Whoever releases many calls it for
   * some of them first: those reads do not wait for each other, as the ones of `release` do.
   */
  approach(id: number): number {
    const words = this.words;
    const head = this.buckets.i32[this.bucketOf(words[id * this.width + HASH]!)]!;
    return words[head * this.width + NEXT]!;
  }

  override publish(): void {
    super.publish();
    const { header } = this;
    header[BUCKET_COUNT] = this.bucketCount;
    header[LEVEL_MASK] = this.levelMask;
    header[SPLIT] = this.split;
  }

  override refresh(): boolean {
    const { header } = this;
    this.bucketCount = header[BUCKET_COUNT]!;
    this.levelMask = header[LEVEL_MASK]!;
    this.split = header[SPLIT]!;
    return super.refresh() && this.buckets.refresh(this.bucketCount * 4);
  }

  protected bucketOf(hash: number): number {
    const low = hash & this.levelMask;
    return low < this.split ? hash & ((this.levelMask << 1) | 1) : low;
  }

  /** Moves what belongs there from bucket `split` to a new bucket at the end. */
  private splitBucket(): void {
    if ((this.bucketCount + 1) * 4 > this.buckets.byteLength) {
      this.buckets.ensure((this.bucketCount + 1) * 4);
    }
    const heads = this.buckets.i32;
    const words = this.words;
    const width = this.width;
    const bit = this.levelMask + 1;
    let stay = 0;
    let go = 0;
    let at = heads[this.split]!;
    while (at !== 0) {
      const next = words[at * width + NEXT]!;
      if ((words[at * width + HASH]! & bit) === 0) {
        words[at * width + NEXT] = stay;
        stay = at;
      } else {
        words[at * width + NEXT] = go;
        go = at;
      }
      at = next;
    }
    heads[this.split] = stay;
    heads[this.bucketCount++] = go;
    if (++this.split > this.levelMask) {
      this.split = 0;
      this.levelMask = (this.levelMask << 1) | 1;
    }
  }
}

/** Another thread's table, to read. */
export class AttachedTable extends RecordTable {
  private readonly walk: WalkBudget;

  constructor(width: number, handle: TableHandle, walk: WalkBudget) {
    super(width, handle);
    this.walk = walk;
  }

  override head(hash: number): number {
    return this.buckets.i32[this.bucketOf(hash)] ?? 0;
  }

  override follow(id: number, word: number): number {
    this.walk.step();
    return this.records.i32[id * this.width + word] ?? 0;
  }
}
