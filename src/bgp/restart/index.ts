/**
 * Restarts without loss: the peer's, whose routes are kept until it is back (`retained-peers.ts`), and our
 * own, in which nothing is sent before the peers' routes are in again (`deferral.ts`, `state-file.ts`).
 *
 * In: the ends and beginnings of sessions and their End-of-RIB, from the reflector. Out: marks and sweeps
 * in the table, by way of small interfaces that the reflector fills in; long ones as sliced jobs
 * (`stale-jobs.ts`).
 *
 * RFC 4724, RFC 8538 (notification mode), RFC 9494 (long-lived), RFC 5882 section 4.3 (BFD). Not done: keeping
 * routes over our own restart in a file; the peers send them again.
 */
export { coverageOf } from "./coverage.js";
export { Deferral, type DeferralView } from "./deferral.js";
export { LongLivedMark } from "./long-lived-mark.js";
export {
  RetainedPeers,
  type RetainedFamilyView,
  type RetentionStats,
  type RetentionView,
  type SlotIdentity,
} from "./retained-peers.js";
export { longLivedJob, sweepJob } from "./stale-jobs.js";
export { readRestartState, RestartState, type RememberedPeer } from "./state-file.js";
export { agreedRestart, familyNames, type AgreedRestart, type PeerRestartView } from "./view.js";
