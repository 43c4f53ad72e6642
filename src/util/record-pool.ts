/**
 * Fixed-width records of 32-bit words outside the JavaScript heap, found by number. Record 0 is
 * never used, so that 0 can mean "none" in any cell. A freed record's word 1 links the free list.
 *
 * Another thread can look into a pool (`handle`, `AttachedPool`): records never move. The few numbers
 * that are not in the records are told by `publish`, when the owner of the lock over it says so
 * (`shared-tables.ts`).
 */
import { FlatMemory, type MemoryHandle } from "./flat-memory.js";
import type { WalkBudget } from "./walk-budget.js";

const NEXT_FREE = 1;

/** Words of `header`. */
const COUNT = 0;
const LIMIT = 1;
export const POOL_HEADER = 2;

export interface PoolHandle {
  readonly records: MemoryHandle;
  /** Over shared memory. */
  readonly header: Int32Array;
}

export class RecordPool {
  readonly width: number;
  /** Records in use. */
  count = 0;
  /** Every id in use is below this. */
  limit = 1;
  /** Shared numbers, as of the last `publish`. */
  readonly header: Int32Array;
  protected readonly records: FlatMemory;
  private freeHead = 0;

  /** @param width words per record, at least 2 */
  constructor(width: number, handle?: PoolHandle, headerWords = POOL_HEADER) {
    this.width = width;
    this.records = new FlatMemory(1024 * width * 4, undefined, handle?.records);
    this.header = handle?.header ?? new Int32Array(new SharedArrayBuffer(headerWords * 4));
  }

  /** For another thread. */
  get handle(): PoolHandle {
    return { records: this.records.handle, header: this.header };
  }

  /** Octets of records given back and not taken again. */
  get freedBytes(): number {
    return (this.limit - 1 - this.count) * this.width * 4;
  }

  /** The records' words; record `id` starts at `id * width`. Do not keep across `take`. */
  get words(): Int32Array {
    return this.records.i32;
  }

  /** A word of a record that is the number of another one: the next of a list. */
  follow(id: number, word: number): number {
    return this.records.i32[id * this.width + word]!;
  }

  /** A record with all words zero. */
  take(): number {
    this.count++;
    const width = this.width;
    const id = this.freeHead;
    if (id !== 0) {
      const words = this.records.i32;
      this.freeHead = words[id * width + NEXT_FREE]!;
      words[id * width + NEXT_FREE] = 0;
      return id;
    }
    const fresh = this.limit++;
    if (this.limit * width * 4 > this.records.byteLength)
      this.records.ensure(this.limit * width * 4);
    return fresh;
  }

  /** The id may be given out again at once; its words are zeroed. */
  give(id: number): void {
    const words = this.records.i32;
    const base = id * this.width;
    // A call of `fill` costs more than the few words.
    for (let at = base + this.width - 1; at >= base; at--) words[at] = 0;
    words[base + NEXT_FREE] = this.freeHead;
    this.freeHead = id;
    this.count--;
  }

  publish(): void {
    this.header[COUNT] = this.count;
    this.header[LIMIT] = this.limit;
  }

  /** Takes over what the writing thread has published; false when its memory is not all to be seen yet. */
  refresh(): boolean {
    this.count = this.header[COUNT]!;
    this.limit = this.header[LIMIT]!;
    return this.records.refresh(this.limit * this.width * 4);
  }
}

/** Another thread's pool, to read. Lists are followed within a budget, and end where the memory does. */
export class AttachedPool extends RecordPool {
  private readonly walk: WalkBudget;

  constructor(width: number, handle: PoolHandle, walk: WalkBudget) {
    super(width, handle);
    this.walk = walk;
  }

  override follow(id: number, word: number): number {
    this.walk.step();
    return this.records.i32[id * this.width + word] ?? 0;
  }
}
