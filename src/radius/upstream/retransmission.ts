/**
 * When a request of the relay's own goes out again (RFC 5080 section 2.2.1): the first wait is `first`,
 * each one after it twice the last, all of them a tenth longer or shorter by chance, none above `most`.
 */
export interface RetransmissionLimits {
  /** IRT, milliseconds. */
  readonly first: number;
  /** MRT, milliseconds. */
  readonly most: number;
  /** MRC: times it is sent; 0 = without limit. */
  readonly count: number;
  /** MRD: milliseconds from the first time on; 0 = without limit. */
  readonly duration: number;
}

/** What the RFC recommends. */
export const RETRANSMISSION: RetransmissionLimits = {
  first: 2000,
  most: 16_000,
  count: 5,
  duration: 30_000,
};

/** Accounting on our disk is sent until somebody takes it. */
export const SPOOLED: RetransmissionLimits = { ...RETRANSMISSION, count: 0, duration: 0 };

/**
 * Milliseconds until the next time; undefined: give up.
 * @param sent how often it went out already, at least 1
 * @param before the wait before this one; 0 the first time
 * @param elapsed milliseconds since it first went out
 * @param random 0 to 1
 */
export function nextWait(
  { first, most, count, duration }: RetransmissionLimits,
  sent: number,
  before: number,
  elapsed: number,
  random: number,
): number | undefined {
  if (count > 0 && sent >= count) return undefined;
  const chance = (random - 0.5) / 5;
  let wait = before === 0 ? first * (1 + chance) : before * (2 + chance);
  if (wait > most) wait = most * (1 + chance);
  if (duration > 0) {
    if (elapsed >= duration) return undefined;
    wait = Math.min(wait, duration - elapsed);
  }
  return wait;
}
