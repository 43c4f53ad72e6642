/**
 * Bidirectional Forwarding Detection: notices within milliseconds that a peer, or the way to it, is
 * gone, where BGP's hold timer takes seconds (RFC 5880; single hop RFC 5881, multihop RFC 5883;
 * what follows for BGP RFC 5882, RFC 9384).
 *
 * In: which peers want a session (`BfdService.want`, `drop`). Out: `BfdListener` with up and down.
 *
 * - `packet.ts`, `auth.ts` octets; `machine.ts` the state machine, pure; `session.ts` its timers.
 * - `engine.ts` all sessions; `sockets.ts` and `raw-udp.ts` UDP. `worker.ts` runs these in a thread with
 *   an event loop and a heap of its own, so that table work and garbage never delay a packet.
 * - `service.ts` is the speaker's side, `host.ts` the line between.
 *
 * Invariants: no port is open while no peer has BFD; packets that belong to no session leave nothing
 * but a count; a change of timers never takes a session down; a silence counts only after a poll phase.
 * Not supported: Echo, Demand mode of our own (a peer's is honoured), S-BFD, BFD over LAG.
 */
export { threadHost, type BfdHost, type BfdHostEvents, type BfdHostFactory } from "./host.js";
export type { BfdSnapshot, BfdSpec, BfdStats } from "./messages.js";
export { STATE_NAMES, type BfdStateName } from "./packet.js";
export {
  BfdService,
  NO_BFD,
  type BfdListener,
  type BfdOverview,
  type BfdStatus,
} from "./service.js";
export { BFD_DEFAULTS, type BfdAuth, type BfdOptions } from "./settings.js";
