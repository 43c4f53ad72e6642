/**
 * Which MACs have to be compared, as bits by hash: a MAC that is marked by mistake costs a comparison, one that
 * should be is never left out. The hash also splits them into parts that fit a bounded fork.
 */
const BITS_PER_MAC = 8;
const LEAST_BITS = 1 << 16;
const MOST_BITS = 1 << 26;

export class MacMarks {
  private readonly words: Int32Array;
  private readonly mask: number;
  any = false;

  /** @param macs about how many there are */
  constructor(macs: number) {
    let bits = LEAST_BITS;
    while (bits < macs * BITS_PER_MAC && bits < MOST_BITS) bits *= 2;
    this.words = new Int32Array(bits >>> 5);
    this.mask = bits - 1;
  }

  mark(high: number, low: number): void {
    const bit = hash(high, low) & this.mask;
    this.words[bit >>> 5] = this.words[bit >>> 5]! | (1 << (bit & 31));
    this.any = true;
  }

  has(high: number, low: number): boolean {
    const bit = hash(high, low) & this.mask;
    return (this.words[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }
}

/** Which of `parts` a MAC is in. */
export function partOf(high: number, low: number, parts: number): number {
  return Math.floor(((Math.imul(hash(high, low), 0x9e3779b1) >>> 0) / 0x1_0000_0000) * parts);
}

function hash(high: number, low: number): number {
  let h = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x27d4eb2d);
  return h ^ (h >>> 13);
}
