/**
 * Path ids as we send them (RFC 7911 section 3): the best paths of a destination have numbers from 1,
 * which stay with a path as long as it is among them. A number is used again only for the path that
 * takes the place, so that sending it replaces the old one.
 */
import type { PathChanges } from "../rib/path-changes.js";
import type { RouteTable } from "../rib/route-table.js";

/** Most paths of a destination that are offered at all: numbers fit a word. */
export const MOST_PATHS = 32;

/** The best paths of the destination into `ranked`, best first, each with a number; the others lose theirs. */
export function numberPaths(
  table: RouteTable,
  changes: PathChanges,
  dest: number,
  ranked: number[],
): void {
  table.rank(dest, MOST_PATHS, ranked);
  let used = 0;
  let lacking = 0;
  for (const path of ranked) {
    const number = changes.number(path);
    if (number === 0) lacking++;
    else used |= 1 << (number - 1);
  }
  let path = table.firstPath(dest);
  for (; path !== 0; path = table.nextPath(path)) {
    if (changes.number(path) !== 0 && !ranked.includes(path)) {
      changes.setNumber(dest, path, 0);
    }
  }
  if (lacking === 0) return;
  for (const each of ranked) {
    if (changes.number(each) !== 0) continue;
    const free = lowestClear(used);
    used |= 1 << free;
    changes.setNumber(dest, each, free + 1);
  }
}

function lowestClear(bits: number): number {
  return 31 - Math.clz32(~bits & -~bits);
}
