/** How many TLS handshakes may begin: all together, and from one address. Twice as many at once. */
const ALL_PER_SECOND = 50;
const EACH_PER_SECOND = 5;
const MOST_ADDRESSES = 4096;

interface Bucket {
  left: number;
  at: number;
}

export class Handshakes {
  private readonly buckets = new Map<string, Bucket>();
  private readonly all: Bucket = { left: 2 * ALL_PER_SECOND, at: 0 };

  /** @param now monotonic milliseconds */
  take(from: string, now: number): boolean {
    const own = this.buckets.get(from) ?? { left: 2 * EACH_PER_SECOND, at: now };
    // The one that was looked at longest ago goes first.
    this.buckets.delete(from);
    this.buckets.set(from, own);
    if (this.buckets.size > MOST_ADDRESSES) {
      for (const oldest of this.buckets.keys()) {
        this.buckets.delete(oldest);
        break;
      }
    }
    // One address alone does not use up what all have.
    return draw(own, EACH_PER_SECOND, now) && draw(this.all, ALL_PER_SECOND, now);
  }
}

function draw(bucket: Bucket, rate: number, now: number): boolean {
  const passed = Math.max(0, now - bucket.at) / 1000;
  bucket.left = Math.min(2 * rate, bucket.left + passed * rate);
  bucket.at = now;
  if (bucket.left < 1) return false;
  bucket.left -= 1;
  return true;
}
