/**
 * The table: what every peer sent, which path of each destination is best and why, and in what order
 * destinations changed.
 *
 * In: `RouteTable.announce` and `withdraw` with scanned NLRI and an interned attribute set. Out: the
 * change log (`RouteTable.log`), read by cursors that own nothing but a position.
 *
 * - `attr-store.ts`, `attr-facts.ts` attribute sets as bytes, once each, and the numbers read from them.
 * - `route-table.ts` destinations and paths, `table-store.ts` their records; `sources.ts` who they come from;
 *   `hold.ts` why a path is kept without effect, `route-screen.ts` the interface of who keeps MAC/IP routes so.
 * - `best-path.ts` RFC 4271 section 9.1.2 with RFC 4456, RFC 9494 and MAC mobility, as a pure function.
 * - `change-log.ts` the log; `path-changes.ts` a second one of every path, for ADD-PATH (RFC 7911).
 *
 * Invariants: no route is a JavaScript object; ids are small numbers, used again only when every reader
 * of the log has passed the entry that freed them; references to attribute sets are counted, two per path:
 * as received, and after import policy.
 */
export { AttrFlag } from "./attr-facts.js";
export { AttrStore } from "./attr-store.js";
export { BEST_REASONS, BestReason } from "./best-path.js";
export { ChangeLog } from "./change-log.js";
export { CommunitySet } from "./community-set.js";
export { HOLD_REASONS, HoldReason } from "./hold.js";
export type { PathSink } from "./path-sink.js";
export type { RouteHolds, RouteScreen } from "./route-screen.js";
export { RouteTable } from "./route-table.js";
export { SourceKind, Sources } from "./sources.js";
