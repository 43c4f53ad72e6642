/**
 * Subscribers and the FIB: whether each MAC of a domain is there by a subscriber's session, and where that
 * session's access point is.
 *
 * In: the contract's stream of sessions (`check.sink`), the FIB, settings. Out: findings (`control.ts`), events,
 * lines of the log, rows of the fabric check; and, for domains that ask for it, quarantines (`holds.ts`).
 *
 * `sessions.ts` who has a session; `rules.ts` which session belongs where; `judge.ts` one MAC's verdict;
 * `check.ts` the sweep over all; `finding-book.ts` what was found.
 *
 * Not here: RADIUS. Sessions are known by what the contract says of them.
 */
export { SubscriberCheck, type ComparedFib, type SubscriberCheckParts } from "./check.js";
export {
  LocalSubscriberControl,
  type FindingQuery,
  type MacOfDomain,
  type SubscriberControl,
  type SubscriberOfMac,
  type SubscriberStats,
} from "./control.js";
export type { FindingKind, SessionView, SubscriberFinding } from "./finding.js";
export type {
  AccessPointSettings,
  SubscriberAction,
  SubscriberDomainSettings,
  SubscriberSettings,
} from "./settings.js";
