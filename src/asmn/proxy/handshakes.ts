/**
 * How many TLS handshakes may begin: all together, from one address, and from one IPv6 /64. Twice as many at
 * once.
 */
import { addressBlock } from "../../util/address-block.js";

const ALL_PER_SECOND = 50;
const BLOCK_PER_SECOND = 20;
const EACH_PER_SECOND = 5;
const MOST_PLACES = 4096;

interface Bucket {
  left: number;
  at: number;
}

export class Handshakes {
  private readonly buckets = new Map<string, Bucket>();
  private readonly all: Bucket = { left: 2 * ALL_PER_SECOND, at: 0 };

  /** @param now monotonic milliseconds */
  take(from: string, now: number): boolean {
    const block = addressBlock(from);
    // One alone does not use up what all have, nor one address what its neighbours have.
    return (
      this.draw(from, EACH_PER_SECOND, now) &&
      (block === undefined || this.draw(block, BLOCK_PER_SECOND, now)) &&
      draw(this.all, ALL_PER_SECOND, now)
    );
  }

  private draw(who: string, rate: number, now: number): boolean {
    const own = this.buckets.get(who) ?? { left: 2 * rate, at: now };
    // The one that was looked at longest ago goes first.
    this.buckets.delete(who);
    this.buckets.set(who, own);
    if (this.buckets.size > MOST_PLACES) {
      for (const oldest of this.buckets.keys()) {
        this.buckets.delete(oldest);
        break;
      }
    }
    return draw(own, rate, now);
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
