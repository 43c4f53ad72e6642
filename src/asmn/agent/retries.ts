/** Waits of an agent that tries again: spread, so that a thousand of them do not come together. */
export const RETRIES = { firstMs: 200, mostMs: 30_000, spread: 0.25 };
