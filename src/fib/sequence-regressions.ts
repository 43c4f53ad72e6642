/**
 * Routes whose mobility sequence went back while they stayed, which must not be (RFC 7432 section 15). The last
 * so many of them, until the fabric check looks whether it is still so.
 */
export interface Regression {
  readonly from: number;
  readonly to: number;
}

const MOST = 1024;

export class SequenceRegressions {
  private readonly byDest = new Map<number, Regression>();

  /** The route's sequence was `from` and is `to`, which is lower. */
  note(dest: number, from: number, to: number): void {
    const before = this.byDest.get(dest);
    this.byDest.delete(dest);
    this.byDest.set(dest, { from: Math.max(from, before?.from ?? 0), to });
    if (this.byDest.size <= MOST) return;
    for (const oldest of this.byDest.keys()) {
      this.byDest.delete(oldest);
      break;
    }
  }

  /** The route caught up, or went. */
  forget(dest: number): void {
    if (this.byDest.size > 0) this.byDest.delete(dest);
  }

  list(): readonly (readonly [dest: number, regression: Regression])[] {
    return [...this.byDest];
  }
}
