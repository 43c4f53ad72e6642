/**
 * Live serving: sessions read a change log, each from its own position, those at the same position
 * together.
 *
 * - A session that does not drain is passed over; later it reads on from where it stood and gets only
 *   the newest state of each destination. Sessions behind are served first, up to where the next ones
 *   stand, so that they meet and share messages again.
 * - A destination that changes faster than a slow session reads would always be ahead of it: an entry
 *   that has waited PROMOTE_AFTER_MS is served although a newer one exists.
 */
import type { Clock } from "../../util/clock.js";
import { setBit } from "../policy/slot-mask.js";
import type { RouteTable } from "../rib/route-table.js";
import { BATCH } from "./batch.js";
import type { Cursor } from "./cursor.js";
import type { Output } from "./output.js";

const PROMOTE_AFTER_MS = 1000;

export class LiveRun {
  private readonly table: RouteTable;
  private readonly clock: Clock;
  private readonly output: Output;
  private readonly cursors: ReadonlyMap<number, Cursor>;
  private readonly group: Cursor[] = [];
  private groupMask = new Int32Array(1);

  constructor(
    table: RouteTable,
    clock: Clock,
    output: Output,
    cursors: ReadonlyMap<number, Cursor>,
  ) {
    this.table = table;
    this.clock = clock;
    this.output = output;
    this.cursors = cursors;
  }

  /** Room for slots in `words` words. */
  widen(words: number): void {
    if (this.groupMask.length < words) this.groupMask = new Int32Array(words);
  }

  /**
   * Serves the hindmost sessions that can take something; false when there are none.
   * @param front rather serves the foremost, when the others are more than a batch behind them: who
   *   wakes up with a long backlog shares the time with those who have none
   */
  run(front: boolean): boolean {
    const { log } = this.output;
    const { group } = this;
    group.length = 0;
    let from = log.tail;
    let to = log.tail;
    let foremost = 0;
    for (const cursor of this.cursors.values()) {
      if (cursor.position >= log.tail || !cursor.isReady()) continue;
      foremost = Math.max(foremost, cursor.position);
      if (cursor.position < from) {
        to = Math.min(to, from);
        from = cursor.position;
        group.length = 0;
        group.push(cursor);
      } else if (cursor.position === from) {
        group.push(cursor);
      } else {
        to = Math.min(to, cursor.position);
      }
    }
    if (group.length === 0) return false;
    if (front && foremost - from > BATCH) {
      from = foremost;
      to = log.tail;
      group.length = 0;
      for (const cursor of this.cursors.values()) {
        if (cursor.position === from && cursor.isReady()) group.push(cursor);
      }
    }
    this.serve(from, Math.min(to, from + BATCH));
    return true;
  }

  /** Gives the group the entries from `from` up to `to`, or to where the batch is full. */
  private serve(from: number, to: number): void {
    const { table, group, output } = this;
    const { log } = output;
    this.maskGroup();
    output.begin();
    const promote = this.clock.now() - PROMOTE_AFTER_MS;
    let promoted = group.some((cursor) => cursor.promoted.size > 0);
    let position = from;
    for (; position < to && !output.isFull; position++) {
      const dest = log.at(position);
      if (output.isNewest(dest, position)) {
        if (!table.exists(dest)) continue;
        if (promoted) this.addUnlessPromoted(dest, position, false);
        else output.live(dest, this.groupMask);
      } else if (log.timeOf(position) < promote && table.exists(dest)) {
        this.addUnlessPromoted(dest, position, true);
        promoted = true;
      }
    }
    output.deliver(group);
    for (const cursor of group) cursor.advanceTo(position);
    output.noteRead(position);
  }

  /**
   * Serves an entry to those of the group who were not sent the destination's state in place of an
   * older one. An outdated entry gives the present state now, and their newer one has nothing new.
   */
  private addUnlessPromoted(dest: number, position: number, outdated: boolean): void {
    const { output } = this;
    const { tail } = output.log;
    const served = this.group.filter((cursor) => (cursor.promoted.get(dest) ?? 0) <= position);
    if (served.length === 0) return;
    this.groupMask.fill(0);
    for (const cursor of served) setBit(this.groupMask, cursor.slot);
    output.live(dest, this.groupMask);
    this.maskGroup();
    if (!outdated) return;
    for (const cursor of served) {
      cursor.promoted.set(dest, tail);
      cursor.promotedUntil = tail;
    }
    // The unread entry counts as read: what changes from now on needs one of its own.
    output.noteRead(tail);
  }

  private maskGroup(): void {
    this.groupMask.fill(0);
    for (const cursor of this.group) setBit(this.groupMask, cursor.slot);
  }
}
