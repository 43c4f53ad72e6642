/**
 * The RADIUS relay for subscriber edges: access points see a RADIUS server, home servers see a proxy.
 *
 * In: settings, datagrams of configured clients and home servers. Out: answers to clients, session
 * events, `RadiusControl`. It runs in a worker thread (`thread/`) and knows nothing of BGP.
 *
 *   server/ (client, form, signature, duplicate cache) -> relay/ (authentication | accounting, routing)
 *     -> upstream/ (pool, identifiers, health, verification) -> back to server/
 *   accounting -> spool/ (synced) -> replay;  accepts and accounting -> session/ -> disk
 *
 * - `radsec/` RADIUS over TLS, both ways; `dynamic/` Disconnect and CoA; `doors.ts` both, for a tenant.
 * - `packet/` octets: form, authenticators, hidden values; `dictionary/` which values are hidden, names.
 * - `statistics/` what is counted, and the sums. `tenant.ts` one relay, wired; `service.ts` all of them.
 *
 * Invariants: nothing reaches a source that is no client; every datagram has one counter
 * (`statistics/counters.ts` has the sums); accounting is acknowledged only when a home server or the disk
 * has it.
 * RFC 2865, 2866, 2868, 2869, 2548, 3579, 3580, 5080, 5176, 5997, 6613, 6614, 7930, 8559, radiusdtls-bis.
 * Not supported: RADIUS/1.1 (RFC 9765), RADIUS over DTLS.
 */
export {
  RadiusError,
  type DisconnectResult,
  type DynamicRow,
  type HomeServerRow,
  type RadiusControl,
  type RadiusErrorCode,
  type RadsecRow,
  type RadiusRelay,
  type ServerRow,
  type SessionCount,
  type SessionListener,
  type SessionPage,
  type SessionQuery,
  type SilentPage,
  type SpoolView,
  type Statistics,
  type StatisticsQuery,
  type StatisticsRow,
  type UdpChecksum,
} from "./control.js";
export { sessionKey } from "./session/beside.js";
export type { EndReason, Session, SessionEvent } from "./session/session.js";
export type { SessionEventBatch } from "./session/session-events.js";
export type { SilentEnd } from "./session/silent-ends.js";
export type { ClientCounters } from "./statistics/client-counters.js";
export type { RadiusSettings } from "./settings.js";
export {
  LATENCY_BOUNDS_MS,
  type HomeServerCounters,
  type LatencyCounts,
  type ListenerCounters,
} from "./statistics/counters.js";
export { RemoteRadius, type RemoteParts } from "./thread/remote.js";
export type { HealthState, Kind } from "./upstream/upstream.js";
