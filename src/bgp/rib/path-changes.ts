/**
 * A second change log: destinations in order of the last change of *any* of their paths, for readers
 * that send more than the best one (ADD-PATH, RFC 7911). It is written only while it has readers.
 *
 * Beside each path stand a *number*, small and unique within the destination, which goes out as its
 * path id, and a *version*: the destination's generation when the path last changed. A reader that
 * notes the generation it has served knows by comparison which paths changed since.
 */
import { FlatMemory } from "../../util/flat-memory.js";
import { ChangeLog } from "./change-log.js";

/** Octets of two words, for a destination (newest position, generation) and for a path (number, version). */
const PAIR = 8;

export class PathChanges {
  readonly log = new ChangeLog(1);
  /** Somebody reads it. */
  isActive = false;
  /** The furthest any reader has read: an entry from here on has been seen by nobody. */
  furthestReader = 1;
  private readonly dests = new FlatMemory();
  private readonly paths = new FlatMemory();

  /** `path` of the destination changed or goes; 0 when only their order changed. */
  touch(dest: number, path: number, now: number): void {
    const { log } = this;
    this.dests.ensure((dest + 1) * PAIR);
    const words = this.dests.i32;
    const generation = (words[dest * 2 + 1]! + 1) | 0;
    words[dest * 2 + 1] = generation;
    if (path !== 0) {
      this.paths.ensure((path + 1) * PAIR);
      this.paths.i32[path * 2 + 1] = generation;
    }
    const behind = (log.tail - words[dest * 2]!) | 0;
    const unread = log.tail - this.furthestReader;
    if (behind > 0 && behind <= unread && log.at(log.tail - behind) === dest) return;
    words[dest * 2] = log.append(dest, now) | 0;
  }

  /** The path's record is free. */
  forget(path: number): void {
    const words = this.paths.i32;
    if (path * 2 + 1 >= words.length) return;
    words[path * 2] = 0;
    words[path * 2 + 1] = 0;
  }

  /** Whether the log entry at `position` is this destination's newest. */
  isNewest(dest: number, position: number): boolean {
    return this.dests.i32[dest * 2] === (position | 0);
  }

  /** Whether an entry of the destination has not been dropped yet. */
  isLogged(dest: number): boolean {
    const { log } = this;
    if (log.head === log.tail) return false;
    const behind = (log.tail - (this.dests.i32[dest * 2] ?? 0)) | 0;
    return behind > 0 && behind <= log.tail - log.head && log.at(log.tail - behind) === dest;
  }

  /** Counts the destination's changes; wraps at 32 bits, compare by difference. */
  generation(dest: number): number {
    return this.dests.i32[dest * 2 + 1] ?? 0;
  }

  /** The destination's generation when the path last changed. */
  version(path: number): number {
    return this.paths.i32[path * 2 + 1] ?? 0;
  }

  /** 0 = it has none. */
  number(path: number): number {
    return this.paths.i32[path * 2] ?? 0;
  }

  /** Gives the path a number, or takes it away (0); with another number it counts as changed. */
  setNumber(dest: number, path: number, number: number): void {
    this.dests.ensure((dest + 1) * PAIR);
    this.paths.ensure((path + 1) * PAIR);
    this.paths.i32[path * 2] = number;
    if (number === 0) return;
    const generation = (this.generation(dest) + 1) | 0;
    this.dests.i32[dest * 2 + 1] = generation;
    this.paths.i32[path * 2 + 1] = generation;
  }
}
