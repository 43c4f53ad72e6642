/**
 * Destinations whose best path no rule of an export policy matches, so that a dump need not ask again what
 * the last one, or the sending of the change, was told. Sessions that come back, refreshes and changed
 * interest all look at the same unchanged routes.
 *
 * A mark holds for the destination's newest entry in the log, if that has been read: whatever changes
 * from then on makes another entry. Positions are kept as the table has them, by their low 32 bits: long
 * before these come round, all marks are dropped.
 */
import type { RouteTable } from "../rib/route-table.js";

/** Policies above these have no marks: their rules are asked each time. */
export const MOST_MARKED = 32;
const WIDTH = 2;
const POSITION = 0;
const POLICIES = 1;
const LIFE = 2 ** 31;

export class UntouchedMarks {
  private readonly table: RouteTable;
  private words = new Int32Array(0);
  private generation = -1;
  /** Position of the log when the marks began. */
  private since = 0;

  constructor(table: RouteTable) {
    this.table = table;
  }

  /** @param generation of the policies: marks of another one are void */
  begin(generation: number): void {
    const { tail } = this.table.log;
    const needed = this.table.destinationLimit * WIDTH;
    if (needed > this.words.length) {
      this.words = new Int32Array(Math.max(needed, 2 * this.words.length));
    } else if (generation !== this.generation || tail - this.since > LIFE) {
      this.words.fill(0);
    } else return;
    this.generation = generation;
    this.since = tail;
  }

  /** The policies, a bit each, that leave the best path of the destination alone; 0 where it is not known. */
  of(dest: number): number {
    const at = dest * WIDTH;
    return this.words[at + POSITION] === this.table.newestEntry(dest)
      ? this.words[at + POLICIES]!
      : 0;
  }

  /** They leave it alone. Its newest entry has been read, or is being read. */
  set(dest: number, policies: number): void {
    const at = dest * WIDTH;
    this.words[at + POSITION] = this.table.newestEntry(dest);
    this.words[at + POLICIES] = policies;
  }
}
