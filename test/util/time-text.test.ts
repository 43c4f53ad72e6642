/** Times as people write them. */
import { describe, expect, it } from "vitest";
import { parseTime } from "../../src/util/time-text.js";

/** Noon, local time. */
const NOW = new Date(2026, 2, 1, 12, 0, 0).getTime();

describe("a time", () => {
  it("is relative, by the clock, or a date", () => {
    expect(parseTime("now", NOW)).toBe(NOW);
    expect(parseTime("-5m", NOW)).toBe(NOW - 300_000);
    expect(parseTime("-2d", NOW)).toBe(NOW - 172_800_000);
    expect(parseTime("11:59:58.25", NOW)).toBe(NOW - 1750);
    expect(parseTime("9:30", NOW)).toBe(NOW - 9_000_000);
    expect(parseTime("2026-03-01T09:00:00.5Z", NOW)).toBe(Date.UTC(2026, 2, 1, 9, 0, 0, 500));
    expect(parseTime("2026-03-01 09:00", NOW)).toBe(new Date(2026, 2, 1, 9).getTime());
  });

  it("of the clock is the last one: yesterday's when it is yet to come", () => {
    expect(parseTime("12:00:01", NOW)).toBe(new Date(2026, 1, 28, 12, 0, 1).getTime());
  });

  it("is nothing else", () => {
    for (const text of [
      "",
      "noon",
      "25:00",
      "12:60",
      "-5",
      "5m",
      "-5y",
      "2026-13-01",
      "1700000000",
    ]) {
      expect(parseTime(text, NOW)).toBeUndefined();
    }
  });
});
