/**
 * What each ADD-PATH session was sent of each destination: two words, the path numbers it has (a bit
 * each, number 1 is bit 0) and the destination's generation at that time (`rib/path-changes.ts`), so
 * that only paths that changed since are sent again.
 */
import { FAMILIES, type Family } from "../../fast-bgp-codec/family.js";
import { FlatMemory } from "../../util/flat-memory.js";

const PAIR = 8;

class Row {
  readonly memory = new FlatMemory();
  /** Paths sent, by family. */
  readonly paths = new Float64Array(FAMILIES.length);
}

export class AddPathSent {
  private readonly rows: (Row | undefined)[] = [];
  /** Of sessions that went, cleared: memory once reserved is used again. */
  private readonly spare: Row[] = [];

  add(slot: number): void {
    this.rows[slot] = this.spare.pop() ?? new Row();
  }

  remove(slot: number, limit: number): void {
    const row = this.rows[slot];
    if (row === undefined) return;
    this.rows[slot] = undefined;
    row.memory.i32.fill(0, 0, Math.min(row.memory.i32.length, limit * 2));
    row.paths.fill(0);
    this.spare.push(row);
  }

  /** Room for destinations below `limit`. */
  ensure(limit: number): void {
    for (const row of this.rows) row?.memory.ensure(limit * PAIR);
  }

  /** Numbers of the paths that the slot has. */
  numbers(slot: number, dest: number): number {
    return this.rows[slot]?.memory.i32[dest * 2] ?? 0;
  }

  /** Generation of the destination as the slot has it. */
  generation(slot: number, dest: number): number {
    return this.rows[slot]?.memory.i32[dest * 2 + 1] ?? 0;
  }

  write(slot: number, dest: number, family: Family, numbers: number, generation: number): void {
    const row = this.rows[slot]!;
    const words = row.memory.i32;
    const before = words[dest * 2]!;
    if (before !== numbers) row.paths[family]! += countBits(numbers) - countBits(before);
    words[dest * 2] = numbers;
    words[dest * 2 + 1] = generation;
  }

  /**
   * What `count` should say, by family, summed up anew over the destinations below `limit`; for audits.
   * @param familyOf undefined: nobody's destination
   */
  recount(slot: number, limit: number, familyOf: (dest: number) => Family | undefined): number[] {
    const counts = FAMILIES.map(() => 0);
    const words = this.rows[slot]?.memory.i32;
    if (words === undefined) return counts;
    for (let dest = 1; dest < limit; dest++) {
      const numbers = words[dest * 2] ?? 0;
      if (numbers === 0) continue;
      const family = familyOf(dest);
      if (family !== undefined) counts[family]! += countBits(numbers);
    }
    return counts;
  }

  /** Paths that the slot has been sent. */
  count(slot: number, family: Family): number {
    return this.rows[slot]?.paths[family] ?? 0;
  }
}

export function countBits(bits: number): number {
  let left = bits - ((bits >>> 1) & 0x55555555);
  left = (left & 0x33333333) + ((left >>> 2) & 0x33333333);
  return (((left + (left >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
