/** A label in a line. */
import type { LabelAnswer } from "./fib-wire.js";

export function labelText({ kind, value }: LabelAnswer): string {
  return kind === "vni" ? `vni ${value}` : `label ${value}`;
}
