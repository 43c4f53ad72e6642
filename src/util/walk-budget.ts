/**
 * Steps that a read of another thread's tables may still take. While that thread writes, a list may be
 * seen as a loop: the steps run out, and the read counts as torn.
 */
export class WalkBudget {
  left = Number.POSITIVE_INFINITY;

  step(): void {
    if (--this.left < 0) throw new TornRead();
  }
}

/** What was read cannot have been there at one time, or is too long to be read at once. */
export class TornRead extends Error {
  constructor() {
    super("another thread wrote while this one read");
  }
}
