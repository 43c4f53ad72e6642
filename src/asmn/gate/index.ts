/**
 * Who may peer: verdicts of one or several Sec-EMs, verified offline and kept, and the speaker's question
 * answered from memory.
 *
 *   feed-desk, feed-reader (a thread of its own: TLS, signatures, disk) -> verdict-cache -> judge -> local-gate
 *
 * In: feeds (docs/asmn-protocol.md, "Feed"), break-glass documents, sessions that agents carry inside TLS. Out:
 * `TrustGate` (contract.ts), `GateControl`. Invariants: nothing that did not pass every check reaches the cache;
 * no answer waits for anything; without heartbeats trust ends by itself; each transition is told once.
 */
export {
  GateError,
  type AppliedView,
  type BreakGlassView,
  type GateControl,
  type GatedView,
  type GateErrorCode,
  type GateInstanceView,
  type GateStatus,
  type SourceView,
} from "./control.js";
export { GateFileError } from "./memory.js";
export { GateService, type GateParts, type HandedOver, type LocalSecEm } from "./service.js";
