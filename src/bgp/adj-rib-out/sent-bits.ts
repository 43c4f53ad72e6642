/**
 * Adj-RIB-Out of every session: one bit per destination and slot, in columns of 32 slots. Set = the
 * session was sent an announcement and no withdrawal since. A withdrawal goes to exactly those.
 *
 * Counts per slot and family are kept by runs: neighbouring destinations mostly change the same
 * bits, so a destination costs one comparison and the loop over bits comes at the end of the run.
 */
import { FAMILIES, type Family } from "../../fast-bgp-codec/family.js";
import { FlatMemory } from "../../util/flat-memory.js";

interface Column {
  readonly memory: FlatMemory;
  readonly counts: number[];
  runSet: number;
  runClear: number;
  runFamily: number;
  runLength: number;
}

export class SentBits {
  private readonly columns: Column[] = [];

  /** Room for `words` columns and destinations below `limit`; call before a batch. */
  ensure(words: number, limit: number): void {
    while (this.columns.length < words) {
      this.columns.push({
        memory: new FlatMemory(),
        counts: new Array<number>(32 * FAMILIES.length).fill(0),
        runSet: 0,
        runClear: 0,
        runFamily: 0,
        runLength: 0,
      });
    }
    for (const column of this.columns) column.memory.ensure(limit * 4);
  }

  /** The 32 bits of one column. */
  read(word: number, dest: number): number {
    const column = this.columns[word];
    return column === undefined ? 0 : (column.memory.i32[dest] ?? 0);
  }

  has(slot: number, dest: number): boolean {
    return (this.read(slot >>> 5, dest) & (1 << (slot & 31))) !== 0;
  }

  write(word: number, dest: number, family: Family, before: number, after: number): void {
    if (before === after) return;
    const column = this.columns[word]!;
    column.memory.i32[dest] = after;
    const set = after & ~before;
    const clear = before & ~after;
    if (set !== column.runSet || clear !== column.runClear || family !== column.runFamily) {
      endRun(column);
      column.runSet = set;
      column.runClear = clear;
      column.runFamily = family;
    }
    column.runLength++;
  }

  /** Destinations that the slot has been sent. */
  count(slot: number, family: Family): number {
    const column = this.columns[slot >>> 5];
    if (column === undefined) return 0;
    endRun(column);
    return column.counts[(slot & 31) * FAMILIES.length + family]!;
  }

  /** Forgets all of a slot: one pass over one column. */
  clearSlot(slot: number, limit: number): void {
    const column = this.columns[slot >>> 5];
    if (column === undefined) return;
    endRun(column);
    const first = (slot & 31) * FAMILIES.length;
    column.counts.fill(0, first, first + FAMILIES.length);
    const words = column.memory.i32;
    const keep = ~(1 << (slot & 31));
    const end = Math.min(limit, words.length);
    for (let dest = 0; dest < end; dest++) words[dest] = words[dest]! & keep;
  }

  /** Forgets one destination of a slot. */
  clear(slot: number, dest: number, family: Family): void {
    const before = this.read(slot >>> 5, dest);
    this.write(slot >>> 5, dest, family, before, before & ~(1 << (slot & 31)));
  }

  get columnCount(): number {
    return this.columns.length;
  }
}

function endRun(column: Column): void {
  if (column.runLength === 0) return;
  for (let bit = 0; bit < 32; bit++) {
    const flag = 1 << bit;
    if (((column.runSet | column.runClear) & flag) === 0) continue;
    const at = bit * FAMILIES.length + column.runFamily;
    const change = (column.runSet & flag) !== 0 ? column.runLength : -column.runLength;
    column.counts[at] = column.counts[at]! + change;
  }
  column.runLength = 0;
}
