/** Polling with a deadline: the only way the interop tests wait for anything. */
import { setTimeout as sleep } from "node:timers/promises";

/** Generous: a loaded machine must not fail a test. Milliseconds. */
export const DEADLINE = 60_000;

/** What a look costs at most of the time: a third, and never a pause longer than this. Milliseconds. */
const LONGEST_PAUSE = 200;

/** Thrown by a condition that can never come true any more: ends the waiting at once. */
export class GiveUp extends Error {}

export interface WaitOptions {
  /** Milliseconds. */
  readonly deadline?: number;
  /** Milliseconds between two looks. Without it 30, or twice as long as a look takes: the machine is not ours alone. */
  readonly every?: number;
}

/**
 * Looks until `condition` gives something truthy and returns that. What it threw or returned last is
 * part of the error message.
 */
export async function waitFor<T>(
  what: string,
  condition: () => Promise<T> | T,
  options: WaitOptions = {},
): Promise<NonNullable<T>> {
  const deadline = options.deadline ?? DEADLINE;
  const end = performance.now() + deadline;
  for (;;) {
    let last: unknown;
    const began = performance.now();
    try {
      const value = await condition();
      if (value) return value;
      last = value;
    } catch (error) {
      if (error instanceof GiveUp) throw error;
      last = error instanceof Error ? error.message : error;
    }
    if (performance.now() > end) {
      throw new Error(`waited ${String(deadline)} ms for: ${what}; last seen: ${String(last)}`);
    }
    await sleep(options.every ?? pauseAfter(performance.now() - began));
  }
}

function pauseAfter(took: number): number {
  return Math.max(30, Math.min(2 * took, LONGEST_PAUSE));
}

/**
 * Looks until the reading has been the same for `quiet` milliseconds: for "nothing more comes",
 * which no single look can show.
 */
export async function waitQuiet(
  what: string,
  reading: () => Promise<number | string> | number | string,
  quiet = 500,
): Promise<void> {
  let last = await reading();
  let since = performance.now();
  await waitFor(
    `${what} to stay the same for ${String(quiet)} ms`,
    async () => {
      const now = await reading();
      if (now !== last) {
        last = now;
        since = performance.now();
      }
      return performance.now() - since >= quiet;
    },
    { deadline: DEADLINE + quiet },
  );
}
