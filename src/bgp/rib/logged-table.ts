/**
 * The table's two change logs, and what they keep alive. A destination stands in the first when what a peer
 * should be sent of it changed, in the second (`path-changes.ts`) when any of its paths did, while
 * somebody wants to know. One without paths stays, as a tombstone, until every reader of both has passed its
 * newest entry: its NLRI is needed to withdraw it.
 */
import { ChangeLog } from "./change-log.js";
import { PathChanges } from "./path-changes.js";
import { TableStore } from "./table-store.js";
import { D_LENGTH, D_LOG, D_META, D_NLRI, D_PATHS, DEST, PATH } from "./table-words.js";

/** Entries whose destinations are approached together. */
const STRETCH = 64;

export class LoggedTable extends TableStore {
  readonly log: ChangeLog;
  /** Coarse clock, set by the owner once per turn: monotonic milliseconds. */
  nowMs = 0;
  /** The furthest any reader has read: an entry from here on has been seen by nobody. */
  furthestReader: number;
  /** Keeps the reads of `releaseStretch` from being optimized away. */
  protected seen = 0;
  /** Every change of any path, once somebody asked for it. */
  pathChanges: PathChanges | undefined;

  /** @param logStart the change log's first position */
  constructor(logStart: number) {
    super();
    this.log = new ChangeLog(logStart);
    this.furthestReader = logStart;
  }

  /** Differs whenever a reader of one of the logs may have something to read. */
  get changeMark(): number {
    return this.log.tail + (this.pathChanges === undefined ? 0 : this.pathChanges.log.tail);
  }

  /** Octets of the logs. */
  get logBytes(): number {
    return this.log.usedBytes + (this.pathChanges?.log.usedBytes ?? 0);
  }

  /** Octets that lost routes have left, to be used again. */
  get freedBytes(): number {
    return this.dests.freedBytes + this.paths.freedBytes + this.arena.freedBytes;
  }

  get usedBytes(): number {
    return (
      this.dests.count * DEST * 4 +
      this.paths.count * PATH * 4 +
      this.arena.usedBytes +
      this.logBytes
    );
  }

  /** Puts the destination at the end of the log, unless its entry there has not been read by anybody. */
  touch(dest: number): void {
    const words = this.dests.words;
    const log = this.log;
    const last = words[dest * DEST + D_LOG]!;
    const unread = log.tail - this.furthestReader;
    const behind = (log.tail - last) | 0;
    if (behind > 0 && behind <= unread && log.at(log.tail - behind) === dest) return;
    words[dest * DEST + D_LOG] = log.append(dest, this.nowMs) | 0;
  }

  /** Whether somebody has read the destination's newest entry, so that its next change makes another. */
  isRead(dest: number): boolean {
    const { log } = this;
    const behind = (log.tail - this.newestEntry(dest)) | 0;
    return behind <= 0 || behind > log.tail - this.furthestReader;
  }

  /** Frees what every reader is past: called as positions before `position` are dropped from the log. */
  releaseUpTo(position: number): void {
    const { log } = this;
    for (let at = log.head; at < position; at += STRETCH) {
      this.releaseStretch(at, Math.min(position, at + STRETCH));
    }
    log.trim(position);
  }

  private releaseStretch(from: number, to: number): void {
    const { log, dests } = this;
    const words = dests.words;
    let seen = 0;
    for (let at = from; at < to; at++) {
      const dest = log.at(at);
      if (words[dest * DEST + D_PATHS] === 0) seen ^= dests.approach(dest);
    }
    this.seen = seen;
    for (let at = from; at < to; at++) {
      const dest = log.at(at);
      const base = dest * DEST;
      if (
        words[base + D_META] !== 0 &&
        words[base + D_LOG] === (at | 0) &&
        words[base + D_PATHS] === 0 &&
        this.pathChanges?.isLogged(dest) !== true
      ) {
        this.freeDestination(dest);
      }
    }
  }

  /** The same for the log of path changes. */
  releasePathsUpTo(position: number): void {
    const { pathChanges } = this;
    if (pathChanges === undefined) return;
    const { log } = pathChanges;
    const words = this.dests.words;
    for (let at = log.head; at < position; at++) {
      const dest = log.at(at);
      const base = dest * DEST;
      const last =
        words[base + D_META] !== 0 &&
        words[base + D_PATHS] === 0 &&
        pathChanges.isNewest(dest, at) &&
        !this.isLogged(dest);
      if (last) this.freeDestination(dest);
    }
    log.trim(position);
  }

  /** The log of every change of any path, from now on. */
  watchPaths(): PathChanges {
    const changes = (this.pathChanges ??= new PathChanges());
    changes.isActive = true;
    return changes;
  }

  /** Nobody reads the log of path changes any more; what is in it goes by `releasePathsUpTo`. */
  unwatchPaths(): void {
    if (this.pathChanges !== undefined) this.pathChanges.isActive = false;
  }

  private freeDestination(dest: number): void {
    const base = dest * DEST;
    const words = this.dests.words;
    this.arena.free(words[base + D_NLRI]!, words[base + D_LENGTH]!);
    this.dests.release(dest);
    this.tombstones--;
  }

  /** Whether the change log still has the destination's newest entry. */
  private isLogged(dest: number): boolean {
    const { log } = this;
    const behind = (log.tail - this.dests.words[dest * DEST + D_LOG]!) | 0;
    return behind > 0 && behind <= log.tail - log.head && log.at(log.tail - behind) === dest;
  }
}
