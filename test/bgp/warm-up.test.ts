import { expect, test } from "vitest";
import { warmUp } from "../../src/bgp/warm-up.js";
import { systemClock } from "../../src/util/clock.js";

test("the warm-up goes through every kind of change and leaves nothing", () => {
  const stats = warmUp(systemClock, 65000);
  expect(stats["updates_total"]).toBeGreaterThan(1000);
  // Every route is announced, moved, and withdrawn or lost.
  expect(stats["best_path_changes_total"]).toBe(3 * 4 * 250 * 10);
  expect(stats).toMatchObject({ sessions: 0, routes: 0, destinations: 0, attribute_sets: 0 });
  expect(stats).toMatchObject({ tombstones: 0, log_entries: 0, nlri_dropped_in_sessions: 0 });
});
