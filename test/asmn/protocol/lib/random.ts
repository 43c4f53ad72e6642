/** Octets that repeat themselves from a seed, and numbers from them. */
import { createHash } from "node:crypto";
import type { RandomSource } from "../../../../src/asmn/crypto/index.js";

export function seededRandom(seed: string): RandomSource {
  let count = 0;
  return (octets) => {
    const out = new Uint8Array(octets);
    for (let at = 0; at < octets; at += 32) {
      const block = createHash("sha256").update(`${seed} ${count++}`).digest();
      out.set(block.subarray(0, Math.min(32, octets - at)), at);
    }
    return out;
  };
}

/** Mulberry32: quick, for choices of tests. */
export class Dice {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** 0 to below `sides`. */
  roll(sides: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  }

  chance(outOf: number): boolean {
    return this.roll(outOf) === 0;
  }

  pick<T>(from: readonly T[]): T {
    const one = from[this.roll(from.length)];
    if (one === undefined) throw new Error("nothing to pick from");
    return one;
  }
}
