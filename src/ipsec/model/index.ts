/**
 * The model of IPsec tunnels: plain data that can be copied between threads, and pure functions over it.
 *
 * - `gateway.ts` sites, gateways, interfaces, zones; `policy.ts` address books, policies, translation;
 *   `managed-objects.ts` objects of a management server.
 * - `tunnel.ts` one definition with two ends; `side.ts` each end's view of it, the other's mirror.
 * - `algorithms.ts`, `proposal.ts`, `proposal-names.ts` what is negotiated, and how it is written.
 * - `profiles.ts` named sets of parameters; `authentication.ts` secrets by name, never by value.
 * - `range.ts` addresses and prefixes.
 *
 * Not here: whether it makes sense (`../check/`), what is stored (`../staging/`), any vendor's text.
 */
export * from "./algorithms.js";
export * from "./authentication.js";
export * from "./gateway.js";
export * from "./hybrid.js";
export type * from "./managed-objects.js";
export * from "./model.js";
export * from "./policy.js";
export * from "./profiles.js";
export * from "./proposal-names.js";
export * from "./proposal.js";
export * from "./range.js";
export * from "./side.js";
export type * from "./tunnel.js";
