/**
 * What is counted, and how it balances. Every datagram on a listener has one outcome:
 *   received = unknown + malformed + statusServer + unexpected + requests
 *   requests = badAuthenticators + unsigned + invalid + duplicates + cachedAnswers + dropped
 *              + answered + localRejects + spooled + timedOut + superseded + pending
 * where answered is accepts + rejects + challenges, or responses. Every datagram from a home server:
 *   received = used + malformed + badAuthenticators + unsigned + unmatched + watchdog
 */
export interface ListenerCounters {
  received: number;
  /** From no configured client. */
  unknown: number;
  malformed: number;
  statusServer: number;
  /** A code that has no business on this port. */
  unexpected: number;
  requests: number;
  starts: number;
  stops: number;
  interims: number;
  badAuthenticators: number;
  /** No Message-Authenticator where one is required, Proxy-State without one included. */
  unsigned: number;
  /** Without the attributes it must have. */
  invalid: number;
  duplicates: number;
  cachedAnswers: number;
  dropped: number;
  accepts: number;
  rejects: number;
  challenges: number;
  responses: number;
  startResponses: number;
  stopResponses: number;
  interimResponses: number;
  localRejects: number;
  /** Acknowledged because the spool has it. */
  spooled: number;
  timedOut: number;
  /** The client used the identifier for something else meanwhile. */
  superseded: number;
  /** A gauge. */
  pending: number;
}

/** Answers by time. */
export interface LatencyCounts {
  /** Up to `LATENCY_BOUNDS_MS`, the last one beyond all. */
  latency: number[];
  latencySumMs: number;
}

export interface HomeServerCounters extends LatencyCounts {
  sent: number;
  resent: number;
  probes: number;
  received: number;
  used: number;
  malformed: number;
  badAuthenticators: number;
  unsigned: number;
  /** Late, or never asked for. */
  unmatched: number;
  watchdog: number;
}

export const LATENCY_BOUNDS_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000,
];

export function listenerCounters(): ListenerCounters {
  return {
    received: 0,
    unknown: 0,
    malformed: 0,
    statusServer: 0,
    unexpected: 0,
    requests: 0,
    starts: 0,
    stops: 0,
    interims: 0,
    badAuthenticators: 0,
    unsigned: 0,
    invalid: 0,
    duplicates: 0,
    cachedAnswers: 0,
    dropped: 0,
    accepts: 0,
    rejects: 0,
    challenges: 0,
    responses: 0,
    startResponses: 0,
    stopResponses: 0,
    interimResponses: 0,
    localRejects: 0,
    spooled: 0,
    timedOut: 0,
    superseded: 0,
    pending: 0,
  };
}

export function homeServerCounters(): HomeServerCounters {
  return {
    sent: 0,
    resent: 0,
    probes: 0,
    received: 0,
    used: 0,
    malformed: 0,
    badAuthenticators: 0,
    unsigned: 0,
    unmatched: 0,
    watchdog: 0,
    ...latencyCounts(),
  };
}

export function latencyCounts(): LatencyCounts {
  return { latency: new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0), latencySumMs: 0 };
}

/** Adds up, gauges included. */
export function addCounters(sum: ListenerCounters, counters: ListenerCounters): void {
  for (const name of Object.keys(sum) as (keyof ListenerCounters)[]) sum[name] += counters[name];
}

export function countLatency(counters: LatencyCounts, milliseconds: number): void {
  let index = 0;
  while (index < LATENCY_BOUNDS_MS.length && milliseconds > (LATENCY_BOUNDS_MS[index] ?? 0))
    index++;
  counters.latency[index] = (counters.latency[index] ?? 0) + 1;
  counters.latencySumMs += milliseconds;
}

/** Zero when the sums balance; tests and the audit look at both. */
export function imbalance(c: ListenerCounters): number {
  const received = c.unknown + c.malformed + c.statusServer + c.unexpected + c.requests;
  const refused = c.badAuthenticators + c.unsigned + c.invalid + c.duplicates + c.cachedAnswers;
  const answered = c.accepts + c.rejects + c.challenges + c.responses;
  const other = c.dropped + c.localRejects + c.spooled + c.timedOut + c.superseded + c.pending;
  return Math.abs(c.received - received) + Math.abs(c.requests - refused - answered - other);
}

export function homeServerImbalance(c: HomeServerCounters): number {
  const known = c.used + c.malformed + c.badAuthenticators + c.unsigned + c.unmatched + c.watchdog;
  return Math.abs(c.received - known);
}
