/**
 * The MAC FIB: where every MAC is, and why, from the routes that pass through the reflector.
 *
 * In: the table's change log, as one of its readers (`Fib.position`, `Fib.read`); the table is only
 * read. Out: lookups (`Fib.macs`, `Fib.hops`, and `FibReader` in other threads),
 * views as plain data (`Fib.view`), and events (`FibEvents`) for whoever keeps a timeline or a watch.
 *
 * - `fib.ts` reads the log; `route-facts.ts`, `route-target-sets.ts`, `remote-pes.ts` what a route says, once each.
 * - `bridge-domain.ts` which domains a route belongs to.
 * - `mac-fib.ts`, `mac-entries.ts`, `ip-bindings.ts`, `candidates.ts` MAC/IP routes; `mobility.ts` the winner.
 * - `ad-routes.ts`, `links.ts` the other route types; `ethernet-segment.ts` segments; `next-hops.ts`
 *   aliasing and backup; `df-election.ts` designated forwarders, `elections.ts` on each segment.
 * - `quarantine/` when a MAC moves too often, as a state machine, and what is done about it.
 * - `what-if/` what a failure or other policies would change, on a fork.
 * - `control.ts` the door for API and command line, text in, plain data out.
 * - `lookups.ts` the questions that need no routes; `fib-reader.ts`, `shared-control.ts` the same in another
 *   thread, over the same memory.
 * - `events.ts`, `event-*.ts`, `fib-teller.ts` the ring of events, which other threads read with `EventReader`; `view.ts`, `segment-view.ts`, `pages.ts`, `explain.ts` plain data.
 * - `lint/` the fabric check: rules over all there is, findings with the routes behind them.
 * - `subscribers/` MACs compared with subscribers' sessions.
 * - `watch/` who is told of changes, and how far each has been told (its `items.ts` says what a watch is).
 *
 * Invariants: no route, MAC or address is a JavaScript object; records never move, and their memory is
 * shared, so that another thread can read it. What the FIB holds is a function of the table and of
 * nothing else, but for histories: moves, times, events. When the last route is gone, so is everything.
 *
 * RFC 7432 (sections 5 to 9, 14, 15), 7623, 8365 (section 5), 8584, 9047, 9135, 9785. Not here:
 * timelines, types 5 to 11, route targets of 20 octets (RFC 5701), MED between routes of one PE.
 */
export {
  FibQueryError,
  LocalFibControl,
  type FibControl,
  type FibPage,
  type FibSummary,
  type MacQuery,
  type PageQuery,
  type SegmentQuery,
} from "./control.js";
export {
  DfAlgorithm,
  electForwarder,
  hrwWeight,
  type DfCandidate,
  type DfResult,
} from "./df-election.js";
export { SegmentLog } from "./segment-log.js";
export { AlarmLog } from "./quarantine/alarm-log.js";
export {
  LocalQuarantineControl,
  type QuarantineControl,
  type QuarantineOrder,
  type QuarantineStats,
} from "./quarantine/control.js";
export type { QuarantineRow, SavedQuarantine } from "./quarantine/desk.js";
export { QuarantineKeeper } from "./quarantine/keeper.js";
export type { DuplicateView, QuarantineView } from "./quarantine/view.js";
export type { CandidateView, Explanation } from "./explain.js";
export type { MacFilter, Page } from "./pages.js";
export type { ElectorView, ForwarderView, OwnElectionView } from "./elections.js";
export type { PlaceView, SegmentView, SplitHorizon } from "./segment-view.js";
export { EventReader, type EventBatch, type RawBatch } from "./event-reader.js";
export {
  domainText,
  EVENT_WORDS,
  FIB_EVENT_NAMES,
  FibEventKind,
  type DomainKey,
  type DomainNaming,
  type FibEvent,
} from "./event-record.js";
export type { EventShare } from "./event-ring.js";
export { FibEvents } from "./events.js";
export { Fib, type FibOptions } from "./fib.js";
export type { FibHandles } from "./fib-reader.js";
export { SharedFibControl, type ReadCounts } from "./shared-control.js";
export { LocalWhatIf, type WhatIfControl, type WhatIfPage } from "./what-if/control.js";
export type { SinglePoint, SinglePointReport } from "./what-if/single-points.js";
export type {
  ForwarderChange,
  MacChange,
  MacChangeKind,
  SegmentChange,
  WhatIfReport,
} from "./what-if/report.js";
export { HostRoutes, type HostRouteSink } from "./host-routes/index.js";
export { WinnerReason } from "./mobility.js";
export {
  DEFAULT_FIB_SETTINGS,
  MAX_HOST_ROUTES,
  type DomainService,
  type DomainSettings,
  type DuplicateAction,
  type DuplicatePolicy,
  type DuplicateSettings,
  type DuplicateThreshold,
  type FibSettings,
} from "./settings.js";
export {
  DEFAULT_TIMELINE,
  ThreadTimeline,
  TIMELINE_KINDS,
  TIMELINE_RING,
  type MacAt,
  type MacDifference,
  type RestlessMac,
  type RestlessMacs,
  type TimelineAtQuery,
  type TimelineControl,
  type TimelineDiffQuery,
  type TimelineEvent,
  type TimelinePage,
  type TimelineQuery,
  type TimelineRestlessQuery,
  type TimelineSettings,
  type TimelineStatus,
} from "./timeline/index.js";
export {
  LocalSubscriberControl,
  SubscriberCheck,
  type ComparedFib,
  type FindingQuery,
  type SessionView,
  type SubscriberControl,
  type SubscriberFinding,
  type SubscriberOfMac,
  type SubscriberSettings,
  type SubscriberStats,
} from "./subscribers/index.js";
export { warmUpFib } from "./warm-up.js";
export { WatchHub, type HubOptions } from "./watch/hub.js";
export {
  WATCH_TOPICS,
  type EventState,
  type PeerState,
  type WatchBatch,
  type WatchChange,
  type WatchControl,
  type WatchItem,
  type WatchQuery,
  type WatchStats,
  type WatchTopic,
} from "./watch/items.js";
export { watchSource } from "./watch/source.js";
export { LocalLint } from "./lint/control.js";
export type {
  Finding,
  FindingRoute,
  LintBatch,
  LintControl,
  LintQuery,
  LintSummary,
  RuleView,
  Severity,
} from "./lint/finding.js";
export { RULES as LINT_RULES } from "./lint/rules/index.js";
export type { HubLimits, WatchSource } from "./watch/watcher.js";
export type { BindingView, DomainView, LabelView, MacView, NextHopView } from "./view.js";
