/**
 * The Prometheus page (text format 0.0.4), made when it is asked for; between scrapes nothing is
 * counted here. It is written by hand and in slices: five hundred peers are 12,000 samples, which a
 * metric library took 40 ms and more for in one go, on the thread that runs BGP.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { InterestView, PeerView, SpeakerControl, SpeakerSummary } from "../bgp/control.js";
import type { FibControl, FibSummary, QuarantineControl, QuarantineStats } from "../fib/index.js";
import type { StallMonitor } from "./event-loop.js";
import { labelText, MetricPage, type MetricSource } from "./metric-page.js";
import { METRICS } from "./metric-table.js";

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** The thread that the API runs in. */
export interface ApiStats {
  readonly up: boolean;
  readonly deaths: number;
  readonly calls: number;
  readonly refused: number;
  /** Pieces of the FIB read in its memory, attempts that were disturbed, pieces asked for instead. */
  readonly reads: number;
  readonly retries: number;
  readonly fallbacks: number;
}

const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
/** Peers between two turns of the event loop: well below a millisecond. */
const PEERS_PER_TURN = 20;

/** @param adjuncts add samples of their own */
export async function collectMetrics(
  control: SpeakerControl,
  stalls: StallMonitor,
  fib?: FibControl,
  quarantine?: QuarantineControl,
  api?: ApiStats,
  adjuncts: readonly MetricSource[] = [],
): Promise<MetricsText> {
  const [summary, peers, stats, fibSummary, quarantined] = await Promise.all([
    control.summary(),
    control.peers(),
    control.stats(),
    fib?.summary(),
    quarantine?.stats(),
  ]);
  const page = new MetricPage();
  addSummary(page, summary);
  for (const view of await control.interests()) addInterest(page, view);
  for (const [index, peer] of peers.entries()) {
    if (index % PEERS_PER_TURN === PEERS_PER_TURN - 1) await nextTurn();
    addPeer(page, peer);
  }
  for (const { name, from } of METRICS) {
    const value = stats[name];
    if (from === "stats" && value !== undefined) page.add(name, "", value);
  }
  if (fibSummary !== undefined) addFib(page, fibSummary);
  if (quarantined !== undefined) addQuarantine(page, quarantined);
  if (api !== undefined) addApi(page, api);
  for (const add of adjuncts) await add(page);
  addProcess(page, stalls);
  return { contentType: CONTENT_TYPE, text: page.text() };
}

function addSummary(page: MetricPage, summary: SpeakerSummary): void {
  const { version, as, routerId } = summary;
  page.add("info", labelText({ version, as: String(as), router_id: routerId }), 1);
  page.add("start_time_seconds", "", summary.started / 1000);
  page.add("ready", "", summary.ready ? 1 : 0);
  page.add("maintenance", "", summary.maintenance === undefined ? 0 : 1);
  page.add("peers", "", summary.peers);
  page.add("peers_established", "", summary.established);
  page.add("destinations", "", summary.destinations);
  page.add("routes", "", summary.routes);
  page.add("attribute_sets", "", summary.attributeSets);
}

/** Only for peers that something may be kept from: the others would say 0 for ever. */
function addInterest(page: MetricPage, { peer, group, by, tenant, ...view }: InterestView): void {
  const labels = labelText({ peer, group });
  if (by !== "everything" || tenant) page.add("peer_routes_withheld", labels, view.withheld);
  const { wouldWithhold } = view;
  if (wouldWithhold !== undefined) page.add("peer_routes_would_withhold", labels, wouldWithhold);
}

const EFFECTS = {
  attributeDiscard: "attribute-discard",
  treatAsWithdraw: "treat-as-withdraw",
  nlriDropped: "nlri-dropped",
  unknownType: "unknown-type",
  loops: "loop",
} as const satisfies Record<keyof PeerView["faults"], string>;

function addPeer(page: MetricPage, peer: PeerView): void {
  const labels = labelText({ peer: peer.address, group: peer.group });
  page.add("peer_up", labels, peer.state === "Established" ? 1 : 0);
  page.add("peer_established_total", labels, peer.establishedCount);
  page.add("peer_pending_bytes", labels, peer.pendingBytes);
  page.add("peer_backlog", labels, peer.backlog);
  page.add("peer_slow", labels, peer.slow === undefined ? 0 : 1);
  if (peer.limits !== undefined) addLimits(page, labels, peer.limits);
  if (peer.bfd !== undefined) page.add("peer_bfd_up", labels, peer.bfd.state === "Up" ? 1 : 0);
  for (const { family, accepted, advertised } of peer.families) {
    page.add("peer_routes_accepted", `${labels},family="${family}"`, accepted);
    page.add("peer_routes_advertised", `${labels},family="${family}"`, advertised);
  }
  for (const direction of ["in", "out"] as const) {
    for (const [type, count] of Object.entries(peer.messages[direction])) {
      page.add("peer_messages_total", `${labels},direction="${direction}",type="${type}"`, count);
    }
  }
  for (const [fault, effect] of Object.entries(EFFECTS)) {
    const count = peer.faults[fault as keyof PeerView["faults"]];
    page.add("peer_faults_total", `${labels},effect="${effect}"`, count);
  }
}

function addLimits(
  page: MetricPage,
  labels: string,
  limits: NonNullable<PeerView["limits"]>,
): void {
  for (const { direction, family, routeType, perVni, count, maximum } of limits.routes) {
    const type = routeType === undefined ? "" : ` type ${routeType}`;
    const limit = `${family}${type}${perVni ? " per vni" : ""}`;
    const all = `${labels},direction="${direction}",limit="${limit}"`;
    page.add("peer_limit_routes", all, count);
    page.add("peer_limit_maximum", all, maximum);
  }
  page.add("peer_limit_held_routes", labels, limits.held);
  for (const [kind, count] of Object.entries(limits.refused)) {
    page.add("peer_limit_refused_total", `${labels},kind="${kind}"`, count);
  }
  page.add("peer_reading_paused", labels, limits.reading.paused ? 1 : 0);
  page.add("peer_reading_pauses_total", labels, limits.reading.pauses);
  page.add("peer_reading_paused_seconds_total", labels, limits.reading.pausedSeconds);
}

function addFib(page: MetricPage, summary: FibSummary): void {
  page.add("fib_macs", "", summary.macs);
  page.add("fib_ips", "", summary.ips);
  page.add("fib_domains", "", summary.domains);
  page.add("fib_segments", "", summary.segments);
  page.add("fib_duplicates", "", summary.duplicates);
}

function addApi(page: MetricPage, api: ApiStats): void {
  page.add("api_up", "", api.up ? 1 : 0);
  page.add("api_deaths_total", "", api.deaths);
  page.add("api_calls_total", "", api.calls);
  page.add("api_calls_refused_total", "", api.refused);
  page.add("api_fib_reads_total", "", api.reads);
  page.add("api_fib_read_retries_total", "", api.retries);
  page.add("api_fib_fallbacks_total", "", api.fallbacks);
}

function addQuarantine(page: MetricPage, stats: QuarantineStats): void {
  page.add("fib_quarantined", "", stats.quarantined);
  page.add("fib_duplicate_alarms_total", "", stats.alarms);
  page.add("fib_quarantine_attempts_total", "", stats.attempts);
  page.add("fib_sticky_conflicts", "", stats.conflicts);
}

function addProcess(page: MetricPage, stalls: StallMonitor): void {
  const cpu = process.cpuUsage();
  const { maxSeconds, p999Seconds } = stalls.take();
  page.add("process_cpu_seconds_total", "", (cpu.user + cpu.system) / 1e6);
  page.add("process_resident_memory_bytes", "", process.memoryUsage.rss());
  page.add("process_heap_bytes", "", process.memoryUsage().heapUsed);
  page.add("event_loop_stall_max_seconds", "", maxSeconds);
  page.add("event_loop_stall_p999_seconds", "", p999Seconds);
}
