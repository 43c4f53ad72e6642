/**
 * Bad messages by the million, from a seed: arbitrary octets, and the vectors with bits flipped, ends
 * cut, lengths changed and pieces of others spliced in.
 */
import type { DecodeContext } from "../../src/fast-bgp-codec/context.js";
import { ALL_FAMILIES } from "../../src/fast-bgp-codec/family.js";
import { loadVectors, octets } from "./vectors.js";

/** A small fast generator of 32-bit numbers (mulberry32). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  u32(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** 0 to `bound` - 1. */
  below(bound: number): number {
    return bound <= 1 ? 0 : this.u32() % bound;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const FILES = [
  "hand-wellformed",
  "hand-malformed",
  "captured-frr",
  "captured-gobgp",
  "captured-exabgp",
  "hand-vpn",
] as const;

/** Every message vector, UPDATEs three times: they are where the work is. */
export const CORPUS: readonly Uint8Array[] = FILES.flatMap(loadVectors).flatMap((vector) => {
  const bytes = octets(vector.hex);
  return bytes[18] === 2 ? [bytes, bytes, bytes] : [bytes];
});

const INTERESTING = [
  0, 1, 2, 3, 4, 5, 8, 16, 24, 31, 32, 33, 47, 48, 64, 96, 97, 127, 128, 129, 255,
];

export class Mutator {
  readonly kinds = {
    arbitrary: 0,
    framed: 0,
    flipped: 0,
    cut: 0,
    length: 0,
    spliced: 0,
    stuffed: 0,
  };
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** Writes one input to `target` from `at` on and returns its length: at most that of two vectors. */
  next(target: Uint8Array, at: number): number {
    const random = this.random;
    const length = this.write(target, at);
    // Most of the time the header tells the truth, so that what lies behind it is reached.
    if (length >= 19 && random.below(8) !== 0) {
      target.fill(0xff, at, at + 16);
      target[at + 16] = length >>> 8;
      target[at + 17] = length;
    }
    return length;
  }

  private write(target: Uint8Array, at: number): number {
    const random = this.random;
    switch (random.below(8)) {
      case 0:
        this.kinds.arbitrary++;
        return this.noise(target, at, random.below(120));
      case 1:
        return this.framed(target, at);
      case 2: {
        this.kinds.flipped++;
        const length = this.copy(target, at);
        for (let n = 1 + random.below(4); n > 0; n--) {
          const i = at + random.below(length);
          target[i] = target[i]! ^ (1 << random.below(8));
        }
        return length;
      }
      case 3:
        this.kinds.cut++;
        return random.below(this.copy(target, at) + 1);
      case 4:
      case 5: {
        this.kinds.length++;
        const length = this.copy(target, at);
        for (let n = 1 + random.below(2); n > 0; n--) {
          const i = at + 19 + random.below(Math.max(1, length - 19));
          target[i] =
            random.below(2) === 0 ? random.pick(INTERESTING) : target[i]! + random.pick([-1, 1]);
        }
        return length;
      }
      case 6:
        return this.spliced(target, at);
      default:
        return this.stuffed(target, at);
    }
  }

  private copy(target: Uint8Array, at: number): number {
    const source = this.random.pick(CORPUS);
    target.set(source, at);
    return source.length;
  }

  private noise(target: Uint8Array, at: number, length: number): number {
    for (let i = 0; i < length; i++) target[at + i] = this.random.u32();
    return length;
  }

  /** A header of a known type, then noise; for UPDATEs noise in the shape of attributes. */
  private framed(target: Uint8Array, at: number): number {
    this.kinds.framed++;
    const random = this.random;
    const type = 1 + random.below(5);
    target[at + 18] = type;
    if (type !== 2) return 19 + this.noise(target, at + 19, random.below(80));
    let end = at + 23;
    for (let n = random.below(6); n > 0; n--) {
      const length = random.pick(INTERESTING) % 70;
      target[end] = random.pick([0x40, 0x80, 0xc0, 0xe0, 0x90, 0x00]);
      target[end + 1] = 1 + random.below(random.below(4) === 0 ? 255 : 41);
      target[end + 2] = length;
      end += 3;
      if ((target[end - 3]! & 0x10) !== 0) {
        target[end - 1] = 0;
        target[end++] = length;
      }
      this.noise(target, end, length);
      end += length;
    }
    this.setAttributeLength(target, at, end - at - 23);
    return end - at + this.noise(target, end, random.below(6));
  }

  /** The front of one message and the back of another. */
  private spliced(target: Uint8Array, at: number): number {
    this.kinds.spliced++;
    const random = this.random;
    const front = random.below(this.copy(target, at) + 1);
    const source = random.pick(CORPUS);
    const from = random.below(source.length);
    target.set(source.subarray(from), at + front);
    const length = front + source.length - from;
    if (length >= 23 && random.below(2) === 0) this.setAttributeLength(target, at, length - 23);
    return length;
  }

  /** Attributes of a second UPDATE behind those of a first, all lengths right. */
  private stuffed(target: Uint8Array, at: number): number {
    this.kinds.stuffed++;
    const random = this.random;
    const [first, second] = [random.pick(CORPUS), random.pick(CORPUS)];
    target.set(first, at);
    target[at + 18] = 2;
    target.set(second.subarray(23), at + first.length);
    const length = Math.max(23, first.length + Math.max(0, second.length - 23));
    target[at + 19] = 0;
    target[at + 20] = 0;
    this.setAttributeLength(target, at, length - 23);
    if (random.below(2) === 0) {
      const i = at + 23 + random.below(length - 23);
      target[i] = target[i]! ^ (1 << random.below(8));
    }
    return length;
  }

  private setAttributeLength(target: Uint8Array, at: number, length: number): void {
    target[at + 21] = length >>> 8;
    target[at + 22] = length;
  }

  context(): DecodeContext {
    const bits = this.random.u32();
    return {
      as4: (bits & 7) !== 0,
      ibgp: (bits & 0x18) !== 0,
      peerAs: (bits & 0x60) === 0 ? 65001 : 0,
      families: (bits & 0x180) === 0 ? (bits >>> 18) & ALL_FAMILIES : ALL_FAMILIES,
      addPath: (bits & 0xe00) === 0 ? (bits >>> 24) & ALL_FAMILIES : 0,
      malformedNlri: (["drop", "drop", "treat-as-withdraw", "reset"] as const)[(bits >>> 12) & 3]!,
    };
  }
}
