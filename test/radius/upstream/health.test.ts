/** RAD-59: alive, suspect, dead, and back. */
import { expect, test } from "vitest";
import { Health } from "../../../src/radius/upstream/health.js";
import { homeServer } from "../lib/run.js";

const SETTINGS = homeServer(1812, {
  watchdog: "status-server",
  suspectAfterMs: 3000,
  probeIntervalMs: 2000,
  probesUntilDead: 2,
  deadIntervalMs: 10_000,
});

test("RAD-59: silence makes suspect, unanswered probes make dead, an answer makes alive", () => {
  const health = new Health(SETTINGS, 0);
  expect(health.tick(60_000)).toBe("quiet"); // nobody asked, so silence means nothing
  health.sent(60_000);
  expect(health.tick(62_999)).toBe("quiet");
  expect(health.tick(63_000)).toBe("changed");
  expect(health.state).toBe("suspect");
  expect(health.tick(63_000)).toBe("probe");
  expect(health.tick(64_000)).toBe("quiet");
  expect(health.tick(65_000)).toBe("probe");
  expect(health.tick(67_000)).toBe("changed");
  expect(health.state).toBe("dead");
  expect(health.tick(67_000)).toBe("probe");
  expect(health.tick(76_000)).toBe("quiet");
  expect(health.tick(77_000)).toBe("probe");
  expect(health.heard(77_100)).toBe(true);
  expect(health.state).toBe("alive");
  expect(health.tick(80_200)).toBe("quiet");
});

test("RAD-59: a server without Status-Server is tried again with real requests", () => {
  const health = new Health({ ...SETTINGS, watchdog: "none" }, 0);
  health.sent(0);
  expect(health.tick(3000)).toBe("changed");
  expect(health.tick(7000)).toBe("changed");
  expect(health.state).toBe("dead");
  expect(health.tick(16_000)).toBe("quiet");
  expect(health.tick(17_000)).toBe("changed");
  expect(health.state).toBe("alive");
});

test("RAD-67: a refused port is dead at once", () => {
  const health = new Health(SETTINGS, 0);
  expect(health.refused(1)).toBe(true);
  expect(health.state).toBe("dead");
});
