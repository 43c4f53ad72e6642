/** Numbers and ranges of them, asked at once: sorted, merged, searched by halves. */
import type { NumberRange } from "./settings.js";

export class NumberRanges {
  private readonly from: readonly number[];
  private readonly to: readonly number[];
  /** From the least to the most of them all. */
  private readonly least: number;
  private readonly most: number;

  constructor(ranges: readonly NumberRange[]) {
    const from: number[] = [];
    const to: number[] = [];
    for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
      const last = to.length - 1;
      if (last >= 0 && low <= to[last]! + 1) to[last] = Math.max(to[last]!, high);
      else {
        from.push(low);
        to.push(high);
      }
    }
    this.from = from;
    this.to = to;
    this.least = from[0] ?? 1;
    this.most = to[to.length - 1] ?? 0;
  }

  has(value: number): boolean {
    if (value < this.least || value > this.most) return false;
    let low = 0;
    let high = this.from.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (value < this.from[middle]!) high = middle - 1;
      else if (value > this.to[middle]!) low = middle + 1;
      else return true;
    }
    return false;
  }
}
