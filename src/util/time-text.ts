/** Points in time as people write them. */

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Wall-clock milliseconds of `now`, `-5m` (s, m, h, d before now), `14:03:07.2` (the last time that the clock
 * showed it, local time), or a date as ISO 8601 has it; undefined for anything else.
 */
export function parseTime(text: string, now: number): number | undefined {
  const word = text.trim();
  if (word === "now") return now;
  const ago = /^-(\d{1,9})(s|m|h|d)$/.exec(word);
  if (ago !== null) return now - Number(ago[1]) * UNITS[ago[2]!]!;
  const clock = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(\.\d{1,3})?)?$/.exec(word);
  if (clock !== null) {
    const day = new Date(now);
    day.setHours(
      Number(clock[1]),
      Number(clock[2]),
      Number(clock[3] ?? 0),
      Math.round(Number(`0${clock[4] ?? ""}`) * 1000),
    );
    if (day.getTime() > now) day.setDate(day.getDate() - 1);
    return day.getTime();
  }
  if (!/^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(word)) {
    return undefined;
  }
  const time = Date.parse(word.replace(" ", "T"));
  return Number.isNaN(time) || time < 0 ? undefined : time;
}

/** What `parseTime` takes, for messages. */
export const TIME_EXAMPLES = "14:03:07.2, 2026-03-01T14:03:07Z or -5m";
