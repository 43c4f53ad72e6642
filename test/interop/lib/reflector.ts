/**
 * The reflector of a scenario: evpnd. With EVPND_STANDIN=frr it is FRR, which tells a fault of the
 * test from one of evpnd.
 */
import { Evpnd, startFrrReflector } from "./evpnd.js";
import type { EvpndOptions } from "./evpnd.js";

export const standIn = process.env["EVPND_STANDIN"] === "frr";

export interface Reflector {
  /** SIGKILL. */
  kill(): Promise<void>;
}

export async function startReflector(options: EvpndOptions): Promise<Reflector> {
  return standIn ? startFrrReflector(options) : Evpnd.start(options);
}
