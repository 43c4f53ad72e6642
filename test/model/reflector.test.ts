/**
 * The reflector against the model under random operations of two dozen peers and more.
 *
 *   EVPND_MODEL_SEED   first seed (1)
 *   EVPND_MODEL_RUNS   how many seeds (12)
 *   EVPND_MODEL_OPS    operations of each (2000)
 *
 * A failure prints its seed and the shortest sequence of operations that still fails.
 */
import { describe, it } from "vitest";
import { isLiveCount, makeReflector } from "./lib/reflector.js";
import { runModel } from "./lib/run.js";

function setting(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  return Number.isSafeInteger(value) ? value : otherwise;
}

const first = setting("EVPND_MODEL_SEED", 1);
const runs = setting("EVPND_MODEL_RUNS", 12);
const operations = setting("EVPND_MODEL_OPS", 2000);

describe("the reflector gives every peer what the model says", () => {
  for (let seed = first; seed < first + runs; seed++) {
    it(`with the operations of seed ${String(seed)}`, { timeout: 0 }, () => {
      runModel({ make: makeReflector, seed, operations, still: isLiveCount });
    });
  }
});
