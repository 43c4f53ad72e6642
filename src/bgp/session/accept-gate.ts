/**
 * The first look at whoever connects, before anything is made for him: strangers and those who knock too
 * often are sent away without a word. Strangers are answered and named in the log a few times per sweep
 * only, so that an operator sees what is misconfigured and a scan costs a system call each.
 */
import type { Clock } from "../../util/clock.js";

/** Knocks a source may have saved up, in seconds of its rate. */
const BURST_SECONDS = 5;
/** Sources remembered; beyond it those that have been quiet longest are forgotten. */
const SOURCES_MAX = 4096;

interface Bucket {
  tokens: number;
  at: number;
}

export type GateVerdict = "known" | "stranger" | "too-often";

export class AcceptGate {
  /** Connections per second from one source; 0 = no limit. */
  rate: number;
  private readonly clock: Clock;
  private readonly isKnown: (address: string) => boolean;
  /** In order of their last knock. */
  private readonly buckets = new Map<string, Bucket>();

  constructor(clock: Clock, rate: number, isKnown: (address: string) => boolean) {
    this.clock = clock;
    this.rate = rate;
    this.isKnown = isKnown;
  }

  /** @param address canonical */
  judge(address: string): GateVerdict {
    if (!this.isKnown(address)) return "stranger";
    return this.mayKnock(address) ? "known" : "too-often";
  }

  private mayKnock(address: string): boolean {
    const { rate, buckets } = this;
    if (rate === 0) return true;
    const now = this.clock.now();
    const most = rate * BURST_SECONDS;
    const bucket = buckets.get(address) ?? { tokens: most, at: now };
    bucket.tokens = Math.min(most, bucket.tokens + ((now - bucket.at) / 1000) * rate);
    bucket.at = now;
    buckets.delete(address);
    buckets.set(address, bucket);
    if (buckets.size > SOURCES_MAX) buckets.delete(buckets.keys().next().value!);
    if (bucket.tokens < 1) return false;
    bucket.tokens--;
    return true;
  }
}
