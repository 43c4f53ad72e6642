/** Lengths of time on the command line: `90`, `90s`, `15m`, `2h`, `7d`. */
import { InvalidArgumentError } from "commander";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Whole seconds. */
export function durationSeconds(text: string): number {
  const [, number, unit = "s"] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  if (number !== undefined) return Number(number) * SECONDS[unit]!;
  throw new InvalidArgumentError("Write a length of time, as 90s, 15m, 2h or 7d.");
}
