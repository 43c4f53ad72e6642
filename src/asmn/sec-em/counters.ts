/** What has happened since the start; plain numbers that telemetry reads. */
import type { SecEmCounters } from "./control.js";

export type Counters = { -readonly [K in keyof SecEmCounters]: number };

export function newCounters(): Counters {
  return {
    connections: 0,
    connectionsRefused: 0,
    handshakesFailed: 0,
    enrolments: 0,
    enrolmentsRefused: 0,
    renewals: 0,
    renewalsRefused: 0,
    renewalsResumed: 0,
    chainsStale: 0,
    clones: 0,
    revocations: 0,
    verdicts: 0,
    badFrames: 0,
    storageFaults: 0,
  };
}
