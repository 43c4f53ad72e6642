/**
 * What operators see of tunnels, and are told. In: what the driver tells (`../live/`), and the tunnels that are
 * installed. Out: states with reasons, events, diagnoses, traces, the views, and the stream of `contract.ts`.
 *
 * - `health.ts` what a tunnel is; `monitor.ts`, `ping.ts` probes; `observer.ts` looks again and again.
 * - `event-log.ts`, `event-words.ts` what happened; `tests-by-hand.ts` pings, sizes, reachability.
 * - `watch.ts` holds them together; `control.ts` how others see it; `tunnel-stream.ts` who routes by tunnels.
 * - `../diagnosis/` faults from log lines; `../trace/` negotiations step by step; `../views/` the tables of
 *   gateways; `../isakmp/` messages in words.
 *
 * Invariants: bounded whatever peers send; nothing of a secret is kept; a tunnel is never said to be up
 * because it was. Not here: bringing tunnels up (`../live/`), checking them beforehand (`../check/`).
 */
export type * from "./control.js";
export { WatchError, type WatchErrorCode } from "./error.js";
export type { EventQuery, IpsecEvent } from "./event-log.js";
export type { MonitorState, TunnelHealth, TunnelState } from "./health.js";
export { runProgram } from "./program.js";
export type { RunProgram } from "./ping.js";
export { IpsecWatch, type WatchParts } from "./watch.js";
