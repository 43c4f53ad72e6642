/**
 * Drops from a log what everybody has read, and says how far the first reader is: what is beyond that nobody
 * has seen, so a change there needs no second entry.
 */
import type { Clock } from "../../util/clock.js";
import type { ChangeLog } from "../rib/change-log.js";
import type { Cursor } from "./cursor.js";
import type { LogReader } from "./receiver.js";

/** Log entries released between two looks at the clock. */
const RELEASE_STRETCH = 32_768;

export class LogRelease {
  /** The furthest position that anybody has read up to, as of the last run. */
  furthest = 0;
  private readonly log: ChangeLog;
  private readonly cursors: ReadonlyMap<number, Cursor>;
  private readonly readers: ReadonlySet<LogReader>;
  private readonly clock: Clock;
  private readonly release: (position: number) => void;

  /** @param release frees what was kept for the entries before a position, and drops them */
  constructor(
    log: ChangeLog,
    cursors: ReadonlyMap<number, Cursor>,
    readers: ReadonlySet<LogReader>,
    clock: Clock,
    release: (position: number) => void,
  ) {
    this.log = log;
    this.cursors = cursors;
    this.readers = readers;
    this.clock = clock;
    this.release = release;
  }

  /** Drops at least a stretch, and more until the time given. Whether some is left. */
  run(until: number): boolean {
    const { log, cursors, readers } = this;
    let least = log.tail;
    let furthest = cursors.size === 0 && readers.size === 0 ? log.tail : 0;
    for (const { position, promotedUntil } of cursors.values()) {
      least = Math.min(least, position);
      furthest = Math.max(furthest, position, promotedUntil);
    }
    for (const { position } of readers) {
      least = Math.min(least, position);
      furthest = Math.max(furthest, position);
    }
    do {
      if (least > log.head) this.release(Math.min(least, log.head + RELEASE_STRETCH));
    } while (least > log.head && this.clock.now() < until);
    this.furthest = Math.max(furthest, log.head);
    return least > log.head;
  }
}
