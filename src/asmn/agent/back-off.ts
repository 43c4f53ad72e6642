/** How long to wait before the next attempt: doubling, bounded, and spread so that a thousand agents do not come together. */
const FIRST_MS = 200;
const MOST_MS = 30_000;

export class BackOff {
  private next = FIRST_MS;
  private readonly random: () => number;

  /** @param random 0 to 1 */
  constructor(random: () => number = Math.random) {
    this.random = random;
  }

  /** Milliseconds until the next attempt. */
  take(): number {
    const wait = this.next;
    this.next = Math.min(MOST_MS, wait * 2);
    return Math.round(wait * (0.75 + this.random() / 2));
  }

  /** After a success. */
  reset(): void {
    this.next = FIRST_MS;
  }
}
