/**
 * The paths of one source and family as a list, and which of them are stale: graceful restart, its
 * long-lived form and enhanced route refresh (RFC 4724, 9494, 7313) all mark a whole list and sweep what
 * was not announced again.
 *
 * To mark costs a number: every path carries the number of the mark it was announced after, as one octet,
 * and is stale when that is not the newest. A path announced again moves to the list's head, so the oldest
 * stand at its tail and a sweep takes the tail until it is young enough: in slices of any size, without a
 * place to keep. A walk that does keep a place (`SourceWalk`) is told when the path there leaves.
 */
import type { RecordPool } from "../../util/record-pool.js";
import type { Sources } from "./sources.js";
import { PATH, P_SOURCE, P_SOURCE_NEXT, P_SOURCE_PREVIOUS, ROUND } from "./table-words.js";

/** Highest round an octet tells; the mark after it renumbers the list. */
const LAST_ROUND = 255;
const ROUND_CLEAR = 0xffffff;

/** A place in a list, good across turns of the event loop. Paths announced after it began are not met. */
export interface SourceWalk {
  /** The next path, 0 at the end. */
  path: number;
}

export class SourceList {
  private readonly paths: RecordPool;
  private readonly sources: Sources;
  private readonly walks: SourceWalk[] = [];

  constructor(paths: RecordPool, sources: Sources) {
    this.paths = paths;
    this.sources = sources;
  }

  /** A new path of the row, fresh. */
  add(path: number, row: number): void {
    const { words } = this.paths;
    setRound(words, path, this.sources.refreshRound[row]!);
    this.linkFirst(words, path, row);
    this.sources.pathCounts[row]!++;
  }

  /** Announced again. */
  renew(path: number, row: number): void {
    const { words } = this.paths;
    const round = this.sources.refreshRound[row]!;
    if (words[path * PATH + P_SOURCE]! >>> ROUND === round) return;
    this.sources.staleCounts[row]!--;
    setRound(words, path, round);
    if (this.sources.firstPath[row] === path) return;
    this.unlink(words, path, row);
    this.linkFirst(words, path, row);
  }

  remove(path: number, row: number): void {
    const { words } = this.paths;
    const { sources } = this;
    const round = words[path * PATH + P_SOURCE]! >>> ROUND;
    if (round !== sources.refreshRound[row]) sources.staleCounts[row]!--;
    this.unlink(words, path, row);
    this.sources.pathCounts[row]!--;
  }

  isStale(path: number, row: number): boolean {
    return this.paths.words[path * PATH + P_SOURCE]! >>> ROUND !== this.sources.refreshRound[row];
  }

  /** Every path is stale until announced again. Returns the new mark, for `oldestBefore`. */
  mark(row: number): number {
    const { sources } = this;
    const round = sources.refreshRound[row]!;
    if (round < LAST_ROUND) sources.refreshRound[row] = round + 1;
    else this.renumber(row);
    sources.staleCounts[row] = sources.pathCounts[row]!;
    return ++sources.marks[row]!;
  }

  /** The oldest path if it was last announced before this mark was made, else 0. */
  oldestBefore(row: number, mark: number): number {
    const { sources } = this;
    const path = sources.lastPath[row]!;
    if (path === 0) return 0;
    const round = this.paths.words[path * PATH + P_SOURCE]! >>> ROUND;
    return sources.marks[row]! - sources.refreshRound[row]! + round < mark ? path : 0;
  }

  /** Begins at the head; end it with `endWalk`. */
  walk(row: number): SourceWalk {
    const walk = { path: this.sources.firstPath[row]! };
    this.walks.push(walk);
    return walk;
  }

  /** The path the walk stands at, and one further; 0 at the end. */
  step(walk: SourceWalk): number {
    const { path } = walk;
    if (path !== 0) walk.path = this.paths.words[path * PATH + P_SOURCE_NEXT]!;
    return path;
  }

  endWalk(walk: SourceWalk): void {
    const at = this.walks.indexOf(walk);
    if (at >= 0) this.walks.splice(at, 1);
  }

  /** What the last mark made stale keeps a number of its own; what is older shares one. */
  private renumber(row: number): void {
    const { words } = this.paths;
    let path = this.sources.firstPath[row]!;
    for (; path !== 0; path = words[path * PATH + P_SOURCE_NEXT]!) {
      setRound(words, path, words[path * PATH + P_SOURCE]! >>> ROUND === LAST_ROUND ? 1 : 0);
    }
    this.sources.refreshRound[row] = 2;
  }

  private linkFirst(words: Int32Array, path: number, row: number): void {
    const { firstPath, lastPath } = this.sources;
    const first = firstPath[row]!;
    words[path * PATH + P_SOURCE_NEXT] = first;
    words[path * PATH + P_SOURCE_PREVIOUS] = 0;
    if (first !== 0) words[first * PATH + P_SOURCE_PREVIOUS] = path;
    else lastPath[row] = path;
    firstPath[row] = path;
  }

  private unlink(words: Int32Array, path: number, row: number): void {
    const { firstPath, lastPath } = this.sources;
    const next = words[path * PATH + P_SOURCE_NEXT]!;
    const previous = words[path * PATH + P_SOURCE_PREVIOUS]!;
    if (this.walks.length > 0) this.passOver(path, next);
    if (previous === 0) firstPath[row] = next;
    else words[previous * PATH + P_SOURCE_NEXT] = next;
    if (next === 0) lastPath[row] = previous;
    else words[next * PATH + P_SOURCE_PREVIOUS] = previous;
  }

  private passOver(path: number, next: number): void {
    for (const walk of this.walks) if (walk.path === path) walk.path = next;
  }
}

function setRound(words: Int32Array, path: number, round: number): void {
  const at = path * PATH + P_SOURCE;
  words[at] = (words[at]! & ROUND_CLEAR) | (round << ROUND);
}
