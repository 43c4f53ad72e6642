/** The real reflector, made for a run. */
import { Reflector } from "../../../src/bgp/reflector.js";
import type { MakeReflector } from "./harness.js";

export const makeReflector: MakeReflector = (settings) => new Reflector(settings);

/** Counts of living things among the reflector's statistics: all zero when nobody is left. */
export function isLiveCount(name: string): boolean {
  return !name.endsWith("_total") && name !== "table_bytes";
}
