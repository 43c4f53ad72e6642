/**
 * A token bucket that may go into debt: what has been read is used, and the debt is what reading pauses
 * for. So the mean rate is kept exactly however much comes at once.
 */
export class TokenBucket {
  /** Tokens a second. */
  readonly rate: number;
  /** Most tokens that gather. */
  readonly depth: number;
  private tokens: number;
  /** Milliseconds. */
  private at: number;

  constructor(rate: number, depth: number, now: number) {
    this.rate = rate;
    this.depth = depth;
    this.tokens = depth;
    this.at = now;
  }

  /** Takes them, whether they are there or not. */
  take(tokens: number, now: number): void {
    this.refill(now);
    this.tokens -= tokens;
  }

  /** Milliseconds until nothing is owed any more; 0 when nothing is. */
  debtMs(now: number): number {
    this.refill(now);
    return this.tokens >= 0 ? 0 : (-this.tokens * 1000) / this.rate;
  }

  private refill(now: number): void {
    if (now <= this.at) return;
    this.tokens = Math.min(this.depth, this.tokens + ((now - this.at) * this.rate) / 1000);
    this.at = now;
  }
}
