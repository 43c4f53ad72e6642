/**
 * Injection: routes that clients have evpnd announce, EVPN types 1 to 5, each owned by a client's name.
 *
 * In: orders as plain data (`InjectControl`). Out: routes in a source of our own in the table (`RouteSink`),
 * which go where any route goes; and what is to survive a restart, in the store.
 *
 * - `control.ts` the door; `injection.ts` behind it; `owners.ts` whose routes there are, and how many may be.
 * - `route-spec.ts` a route as clients write it; `build.ts` makes octets of it, with `defaults.ts`, `fields.ts`
 *   and `communities.ts`.
 * - `keeper.ts` what survives.
 *
 * Invariants: an order is done as a whole or not at all; saying it twice changes nothing; routes and owners
 * are bounded; what is in the table is what `list` says.
 *
 * RFC 7432 sections 7, 11 and 15, RFC 8365, 8584, 9047, 9135, 9136, 9785. Not here: types 6 to 11, other
 * families, attributes that a PE has no need of (MED, large communities, tunnel encapsulation).
 */
export {
  MOST_ROUTES,
  MOST_SECONDS,
  type AnnounceOrder,
  type InjectControl,
  type InjectedPage,
  type InjectedQuery,
  type InjectedRoute,
  type WithdrawOrder,
} from "./control.js";
export type { BuildContext, DomainDefaults } from "./defaults.js";
export { InjectError } from "./error.js";
export { Injection, type InjectionParts, type RouteSink } from "./injection.js";
export { ROUTE_TYPES, type RouteSpec, type RouteTypeName } from "./route-spec.js";
export { INJECTION_DEFAULTS, type InjectionSettings } from "./settings.js";
