/** What retention costs in the table, cut into slices (`util/sliced-work.ts`): sweeps, and the long-lived mark. */
import type { Family } from "../../fast-bgp-codec/family.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import type { RouteTable } from "../rib/index.js";
import { LongLivedMark } from "./long-lived-mark.js";

/** Paths removed, or looked at, in a turn of the event loop: about 5 ms. */
const SLICE = 5_000;

/** Removes the paths of the slot that were not announced since the mark. */
export function sweepJob(table: RouteTable, slot: number, family: Family, mark: number): SlicedJob {
  return { step: () => table.removeOlder(slot, family, mark, SLICE) };
}

/**
 * Marks the stale paths of the slot as long-lived, and removes those that refuse it (RFC 9494 section 4.3).
 * What was announced again meanwhile is left as it is; held paths are not sent and stay as they are.
 * @param isWanted false once the peer's retention has ended or begun anew
 */
export function longLivedJob(
  table: RouteTable,
  slot: number,
  family: Family,
  isWanted: () => boolean,
): SlicedJob {
  const walk = table.walkSource(slot, family);
  const mark = new LongLivedMark(table.attrs);
  return {
    step() {
      const done = !isWanted() || markSlice(table, walk, mark);
      if (done) table.endWalk(walk);
      return done;
    },
  };
}

type Walk = ReturnType<RouteTable["walkSource"]>;

function markSlice(table: RouteTable, walk: Walk, mark: LongLivedMark): boolean {
  const { attrs } = table;
  /** Marked sets by what they were, with references on both until the slice is done. */
  const marked = new Map<number, number>();
  let done = false;
  for (let looked = 0; looked < SLICE && !done; looked++) {
    const path = table.stepWalk(walk);
    if (path === 0) {
      done = true;
      break;
    }
    if (!table.isStale(path)) continue;
    const attr = table.pathAttr(path);
    if (mark.isRefused(table.pathReceived(path))) {
      table.remove(path);
      continue;
    }
    if (attr === 0) continue;
    let stale = marked.get(attr);
    if (stale === undefined) {
      stale = mark.add(attr);
      attrs.retain(attr);
      marked.set(attr, stale);
    }
    table.reconsider(path, stale);
  }
  for (const [attr, stale] of marked) {
    attrs.release(attr);
    attrs.release(stale);
  }
  return done;
}
