/**
 * Fixed-width records of 32-bit words outside the JavaScript heap, found by number. Record 0 is
 * never used, so that 0 can mean "none" in any cell. A freed record's word 1 links the free list.
 */
import { FlatMemory } from "./flat-memory.js";

const NEXT_FREE = 1;

export class RecordPool {
  readonly width: number;
  /** Records in use. */
  count = 0;
  /** Every id in use is below this. */
  limit = 1;
  private readonly records: FlatMemory;
  private freeHead = 0;

  /** @param width words per record, at least 2 */
  constructor(width: number) {
    this.width = width;
    this.records = new FlatMemory(1024 * width * 4);
  }

  /** Octets of records given back and not taken again. */
  get freedBytes(): number {
    return (this.limit - 1 - this.count) * this.width * 4;
  }

  /** The records' words; record `id` starts at `id * width`. Do not keep across `take`. */
  get words(): Int32Array {
    return this.records.i32;
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
    words.fill(0, base, base + this.width);
    words[base + NEXT_FREE] = this.freeHead;
    this.freeHead = id;
    this.count--;
  }
}
