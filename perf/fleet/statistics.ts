/** Medians, and a latency histogram whose memory does not grow with the run. */

/** The middle value, or the mean of the two middle ones; NaN for no values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Buckets in each power of two: 128 of them keep the error of a quantile below 0.8 %. */
const SUB_BITS = 7;
const SUB = 1 << SUB_BITS;
/** Values up to 2^31 µs: 35 minutes. */
const OCTAVES = 31 - SUB_BITS;

/** Log-linear histogram of microseconds (the idea of HdrHistogram): exact below 256 µs, then within 0.8 %. */
export class Histogram {
  count = 0;
  maxMicros = 0;
  private readonly buckets = new Uint32Array((OCTAVES + 1) * SUB);

  recordMillis(milliseconds: number): void {
    const micros = Math.max(0, Math.min(0x7fffffff, Math.round(milliseconds * 1000)));
    const octave = Math.max(0, 31 - SUB_BITS - Math.clz32(micros));
    const bucket = octave * SUB + (micros >>> octave);
    this.buckets[bucket] = (this.buckets[bucket] ?? 0) + 1;
    this.count++;
    if (micros > this.maxMicros) this.maxMicros = micros;
  }

  /** Upper end of the bucket that holds the quantile, in milliseconds; NaN when empty. */
  quantileMillis(quantile: number): number {
    if (this.count === 0) return NaN;
    const rank = Math.max(1, Math.ceil(quantile * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < this.buckets.length; bucket++) {
      seen += this.buckets[bucket] ?? 0;
      if (seen >= rank) return Math.min(upperEnd(bucket), this.maxMicros) / 1000;
    }
    return this.maxMicros / 1000;
  }

  get maxMillis(): number {
    return this.count === 0 ? NaN : this.maxMicros / 1000;
  }

  clear(): void {
    this.buckets.fill(0);
    this.count = 0;
    this.maxMicros = 0;
  }
}

/** The octaves share one numbering: octave o holds the values from 2^(o+7) to 2^(o+8) - 1 in buckets of 2^o. */
function upperEnd(bucket: number): number {
  if (bucket < 2 * SUB) return bucket;
  const octave = (bucket >>> SUB_BITS) - 1;
  const within = bucket - octave * SUB;
  return (within + 1) * 2 ** octave - 1;
}
