/**
 * What a peer that knows no route-target memberships (RFC 4684) imports, inferred from what it
 * announces: a PE announces the multicast, segment, prefix and MAC routes of the instances it has, with
 * the targets that it also imports. Its interest is the union of the targets of its own routes.
 *
 * Wrong guesses must be rare and cheap: nothing is held back before the peer has announced what it has
 * (its End-of-RIB, or a time without one), a new target counts at once, and one that has vanished from the
 * peer's routes counts until it has been gone for the hold time. Where import and export targets
 * differ (hub and spoke, leaked routes) the inference is wrong: shadow mode shows it before it hurts.
 *
 * The way of an UPDATE costs one look at a set per message; what has vanished is found by looking, target
 * by target, whether the peer still has a route with it.
 */

/** Most targets of one peer: who has more is no PE, or wants to fill our memory, and is held to nothing. */
export const MOST_INFERRED = 100_000;

export type InferenceMode = "off" | "shadow" | "on";

/** Interned combinations of route targets, as `rib/target-sets.ts` keeps them. */
export interface TargetCombinations {
  /** Counts up when an id comes into use or goes out of it. */
  readonly generation: number;
  targets(id: number): readonly string[];
}

export interface InferredTarget {
  /** Milliseconds of the clock: first seen, and when it was first missed (0 = it is there). */
  readonly since: number;
  missedSince: number;
}

export class InferredTargets {
  readonly targets = new Map<string, InferredTarget>();
  /** New ones of the last `note`. */
  readonly fresh: string[] = [];
  /** There were more than are kept: nothing follows from them any more. */
  isOverfull = false;
  private readonly holdMs: number;
  /** Combinations whose targets are all in `targets`, as of a generation. */
  private readonly combinations = new Set<number>();
  private generation = -1;
  private lastCombination = 0;
  /** Whose turn it is in `look`. */
  private turns: string[] = [];

  constructor(holdMs: number) {
    this.holdMs = holdMs;
  }

  /** The peer announced a route with this combination (0 = without targets). Whether a target is new. */
  note(combination: number, sets: TargetCombinations, now: number): boolean {
    if (combination === 0 || this.isOverfull) return false;
    if (this.generation === sets.generation) {
      if (combination === this.lastCombination || this.combinations.has(combination)) return false;
    } else {
      this.combinations.clear();
      this.generation = sets.generation;
    }
    this.combinations.add(combination);
    this.lastCombination = combination;
    this.fresh.length = 0;
    for (const target of sets.targets(combination)) {
      const known = this.targets.get(target);
      if (known !== undefined) {
        known.missedSince = 0;
        continue;
      }
      this.targets.set(target, { since: now, missedSince: 0 });
      this.fresh.push(target);
    }
    this.isOverfull = this.targets.size > MOST_INFERRED;
    if (this.isOverfull) this.forgetAll();
    return this.fresh.length > 0;
  }

  /**
   * Looks whether the peer still has routes with some of the targets, and drops those that have been
   * gone for the hold time.
   * @param most targets looked at in one call; every call goes on where the one before ended
   * @returns whether a target was dropped
   */
  look(isThere: (target: string) => boolean, now: number, most: number): boolean {
    if (this.turns.length === 0) this.turns = [...this.targets.keys()];
    let dropped = false;
    for (let looked = 0; looked < most; looked++) {
      const target = this.turns.pop();
      if (target === undefined) break;
      const known = this.targets.get(target);
      if (known === undefined) continue;
      if (isThere(target)) known.missedSince = 0;
      else if (known.missedSince === 0) known.missedSince = now;
      else if (now - known.missedSince >= this.holdMs) {
        this.targets.delete(target);
        // A combination with it may come again: it must be noted then.
        this.combinations.clear();
        this.lastCombination = 0;
        dropped = true;
      }
    }
    return dropped;
  }

  private forgetAll(): void {
    this.targets.clear();
    this.combinations.clear();
    this.turns = [];
  }
}
