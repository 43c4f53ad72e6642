/**
 * One seeded run, and when it fails the shortest part of it that still does: first the prefix up to
 * the failure, then with chunks of ever smaller size left out.
 */
import { Generator } from "./generator.js";
import { Harness, type MakeReflector } from "./harness.js";
import { MANY_PEERS, PEERS } from "./material.js";
import { describeOp, type Op } from "./ops.js";
import type { PeerSpec } from "./peer.js";

export interface RunSettings {
  readonly make: MakeReflector;
  readonly seed: number;
  readonly operations: number;
  /** Names of the reflector's counts of living things. */
  readonly still: (name: string) => boolean;
  /** How long the search for a shorter sequence may take. */
  readonly shrinkMs?: number;
}

interface Failure {
  /** Index of the operation at which it came out; the length of the list for the end. */
  readonly at: number;
  readonly error: Error;
}

/** Throws with seed, complaint and the shortest sequence found. */
export function runModel(settings: RunSettings): void {
  const ops = new Generator(settings.seed, peersOf(settings.seed)).make(settings.operations);
  const failure = failureOf(ops, settings);
  if (failure === undefined) return;
  const { list, error } = shrink(ops.slice(0, failure.at + 1), failure, settings);
  const lines = list.map((op, index) => `${String(index)}: ${describeOp(op)}`);
  throw new Error(
    [
      `seed ${String(settings.seed)}, operation ${String(failure.at)}: ${failure.error.message}`,
      `shortest failing sequence (${String(list.length)} operations): ${error.message}`,
      ...lines,
      "as data:",
      JSON.stringify(list),
    ].join("\n"),
    { cause: error },
  );
}

/** Every third seed has more sessions than a mask word has bits. */
function peersOf(seed: number): readonly PeerSpec[] {
  return seed % 3 === 0 ? MANY_PEERS : PEERS;
}

/** One seed in four does not compare mobility; on every other one the clock runs away. */
export function failureOf(ops: readonly Op[], settings: RunSettings): Failure | undefined {
  const { make, seed, still } = settings;
  const harness = new Harness(make, peersOf(seed), seed % 4 !== 3, seed % 2 === 0 ? 4 : 0);
  let at = 0;
  try {
    for (; at < ops.length; at++) harness.apply(ops[at] as Op);
    harness.settle();
    harness.end(still);
    return undefined;
  } catch (error) {
    return { at, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

function shrink(
  ops: readonly Op[],
  first: Failure,
  settings: RunSettings,
): { list: readonly Op[]; error: Error } {
  const end = performance.now() + (settings.shrinkMs ?? 15_000);
  let list = ops;
  let error = first.error;
  for (let size = list.length >> 1; size >= 1; size = size === 1 ? 0 : (size + 1) >> 1) {
    for (let start = 0; start < list.length && performance.now() < end;) {
      const shorter = [...list.slice(0, start), ...list.slice(start + size)];
      const failure = failureOf(shorter, settings);
      if (failure === undefined) {
        start += size;
        continue;
      }
      list = shorter.slice(0, failure.at + 1);
      error = failure.error;
    }
    if (size === 1) break;
  }
  return { list, error };
}
