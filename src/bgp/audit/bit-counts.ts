/**
 * How often each of 32 bits was set in a run of words: adders of one bit, 32 side by side. A word costs
 * two steps on average however many of its bits are set, where counting bit by bit costs one each.
 */
const PLANES = 33;

export class BitCounts {
  /** Plane n holds bit n of each of the 32 sums. */
  private readonly planes = new Int32Array(PLANES);

  add(word: number): void {
    const { planes } = this;
    let carry = word;
    for (let n = 0; carry !== 0 && n < PLANES; n++) {
      const before = planes[n]!;
      planes[n] = before ^ carry;
      carry &= before;
    }
  }

  count(bit: number): number {
    let sum = 0;
    for (let n = 0; n < PLANES; n++) sum += ((this.planes[n]! >>> bit) & 1) * 2 ** n;
    return sum;
  }
}
