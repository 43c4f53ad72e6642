/**
 * What is counted of Disconnect and CoA, and how it balances:
 *   received = unknown + malformed + unexpected + requests
 *   requests = badAuthenticators + stale + duplicates + cachedAnswers + dropped
 *              + acks + naks + refused + pending
 */
export interface DynamicCounters {
  received: number;
  /** From no home server, or while dynamic authorisation is off. */
  unknown: number;
  malformed: number;
  /** A code that has no business here. */
  unexpected: number;
  requests: number;
  disconnects: number;
  changes: number;
  badAuthenticators: number;
  /** Event-Timestamp is outside the window. */
  stale: number;
  duplicates: number;
  cachedAnswers: number;
  /** Too much under way. */
  dropped: number;
  /** What access points said. */
  acks: number;
  naks: number;
  /** NAKs of the relay's own. */
  refused: number;
  /** A gauge. */
  pending: number;
  /** Towards access points. */
  sent: number;
  resent: number;
  /** Answers of access points that nothing was waiting for, or that are wrongly signed. */
  badAnswers: number;
}

export function dynamicCounters(): DynamicCounters {
  return {
    received: 0,
    unknown: 0,
    malformed: 0,
    unexpected: 0,
    requests: 0,
    disconnects: 0,
    changes: 0,
    badAuthenticators: 0,
    stale: 0,
    duplicates: 0,
    cachedAnswers: 0,
    dropped: 0,
    acks: 0,
    naks: 0,
    refused: 0,
    pending: 0,
    sent: 0,
    resent: 0,
    badAnswers: 0,
  };
}

/** Zero when the sums balance. */
export function dynamicImbalance(c: DynamicCounters): number {
  const received = c.unknown + c.malformed + c.unexpected + c.requests;
  const unheard = c.badAuthenticators + c.stale + c.duplicates + c.cachedAnswers + c.dropped;
  const answered = c.acks + c.naks + c.refused + c.pending;
  return Math.abs(c.received - received) + Math.abs(c.requests - unheard - answered);
}
