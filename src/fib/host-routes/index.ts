/**
 * Host routes that follow MACs: a /32 or /128 for each address of the domains that ask for it.
 *
 * In: notes of what changed in the FIB (`MacFib.followers`, `EthernetSegments.onChange`). Out: routes in a
 * source of our own (`HostRouteSink`), IP unicast or type 5 (RFC 9136), with the MAC's sequence (RFC 7432
 * section 7.7).
 *
 * - `host-routes.ts` what is announced when; `route-writer.ts` its octets; `claims.ts` domains that share a
 *   table; `marks.ts` what is to be looked at.
 *
 * Invariants: at rest the routes are a function of the FIB and the settings; a domain without `hostRoutes`
 * costs a look at its settings, a FIB without any such domain nothing.
 */
export { HostRoutes, type HostRouteParts, type HostRouteSink } from "./host-routes.js";
