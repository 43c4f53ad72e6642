/**
 * Peers and their sessions: from a TCP connection to whole, checked UPDATEs in the reflector's hands.
 *
 * In: `Connection`s from the listener (`PeerTable.accept`) and the dialer. Out: `ReflectorSink`
 * (types.ts), which gets each UPDATE's bytes where they lie in the read buffer.
 *
 * - `peer-table.ts` configured and dynamic peers, admission, changes of settings, orderly stop.
 * - `peer.ts` one peer: Idle, Connect, Active, damping, hold-down, collisions (`collision.ts`).
 * - `session.ts` one connection from OPEN to its end; `fsm.ts` is the machine, pure.
 * - `negotiate.ts` OPENs; `timers.ts` one tick for all timers.
 *
 * Invariants: `established` and `closed` come in pairs; nothing of a session is called after `closed`;
 * restarting a timer is a number store; a hold timer expires only when a poll phase has passed in which
 * nothing was readable, and time in which we did not read does not count.
 *
 * RFC 4271 sections 4, 6 and 8, RFC 4486, 4724 (capability; section 5, collisions), 5492, 6286, 6608, 6793,
 * 7313, 7911 (capability), 8538 (hard reset), 8654, 9003, 9072, 9494 (capability), 9687. Not supported:
 * DelayOpen, BGP role. Routes over a restart are kept in `bgp/restart/`.
 */
export { canonicalPeerAddress, DynamicRanges } from "./dynamic-ranges.js";
export type { MessageCounts, MessageKind } from "./message-counters.js";
export type { PeerStatus } from "./peer-status.js";
export {
  globalReset,
  type ObservedPeer,
  PeerTable,
  type PeerTableOptions,
  type PeerTableStats,
} from "./peer-table.js";
export { compareOptions, OPTION_EFFECTS, type OptionEffect } from "./settings-change.js";
export type {
  Connection,
  Dialer,
  EstablishedSession,
  MessageTap,
  Negotiated,
  ReflectorSink,
  SessionDown,
  TapPoint,
  TappedSession,
} from "./types.js";
