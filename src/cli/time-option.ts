/** Times as options: read by this machine's clock, sent as dates. And as columns. */
import { InvalidArgumentError } from "commander";
import { parseTime, TIME_EXAMPLES } from "../util/time-text.js";
import type { CliHost } from "./host.js";

/** For commander: an ISO date of what was written. */
export function timeOption(host: CliHost): (word: string) => string {
  return (word) => {
    const time = parseTime(word, host.now());
    if (time !== undefined) return new Date(time).toISOString();
    throw new InvalidArgumentError(`Write for example ${TIME_EXAMPLES}.`);
  };
}

/** `14:03:07.200` of today, `11-21 14:03:07.200` of other days, by this machine's clock. */
export function formatClock(time: number, now: number): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  const year = date.getFullYear() === new Date(now).getFullYear() ? "" : `${date.getFullYear()}-`;
  return `${year}${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
}
