/**
 * When something ends, on the clock that nobody sets. The wall clock is asked twice only: when the end is
 * agreed, and when the Sec-EM starts; one that was set back cannot make anything last longer than it was
 * granted, and one that was set forward ends it early, which is the safe side.
 */
import type { Clock } from "../../util/clock.js";

/**
 * @param until wall-clock milliseconds; undefined = never
 * @param mostMs what was granted at most
 * @returns monotonic milliseconds
 */
export function deadlineOf(clock: Clock, until: number | undefined, mostMs = Infinity): number {
  if (until === undefined) return Infinity;
  return clock.now() + Math.max(0, Math.min(until - clock.wall(), mostMs));
}
