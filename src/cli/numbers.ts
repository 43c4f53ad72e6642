/** Numbers on the command line. */
import { InvalidArgumentError } from "commander";

export function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}
