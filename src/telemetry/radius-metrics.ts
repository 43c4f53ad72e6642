/**
 * The RADIUS relay's metrics, per tenant, network of clients and home server: as many as the configuration has,
 * never one per access point or subscriber. Made from counters that the relay keeps anyway.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { LATENCY_BOUNDS_MS } from "../radius/index.js";
import type {
  ClientCounters,
  HomeServerRow,
  LatencyCounts,
  RadiusControl,
} from "../radius/index.js";
import { labelText, type MetricPage, type MetricSource } from "./metric-page.js";
import { addRadiusDoors } from "./radius-door-metrics.js";

/** Networks of clients with samples of their own; what is beyond is `other`. */
export const MOST_CLIENTS = 200;
/** Rows between two turns of the event loop. */
const PER_TURN = 20;

/** Counters of a listener that are no outcome of a packet: sums, kinds of accounting, and what waits. */
const NO_OUTCOME: ReadonlySet<string> = new Set([
  "received",
  "requests",
  "starts",
  "stops",
  "interims",
  "startResponses",
  "stopResponses",
  "interimResponses",
  "pending",
]);
const STATES = { alive: 2, suspect: 1, dead: 0 } as const;

/** Undefined while the relay is off: then there are no samples. */
export function radiusMetrics(control: () => RadiusControl | undefined): MetricSource {
  return async (page) => {
    const radius = control();
    if (radius === undefined) return;
    try {
      const [clients, servers, spools, sessions, tls, dynamic] = await Promise.all([
        radius.clientCounters(),
        radius.homeServers(),
        radius.spools(),
        radius.sessionCounts(),
        radius.radsec(),
        radius.dynamic(),
      ]);
      page.add("radius_up", "", 1);
      for (const [index, row] of bounded(clients).entries()) {
        if (index % PER_TURN === PER_TURN - 1) await nextTurn();
        addClient(page, row);
      }
      for (const [index, row] of servers.entries()) {
        if (index % PER_TURN === PER_TURN - 1) await nextTurn();
        addHomeServer(page, row);
      }
      for (const { tenant, waiting, parked, failing } of spools) {
        page.add("radius_spool_waiting", labelText({ tenant }), waiting);
        page.add("radius_spool_parked", labelText({ tenant }), parked);
        page.add("radius_spool_failing", labelText({ tenant }), failing ? 1 : 0);
      }
      for (const { tenant, count, twice } of sessions) {
        page.add("radius_sessions", labelText({ tenant }), count);
        page.add("radius_macs_twice", labelText({ tenant }), twice);
      }
      addRadiusDoors(page, tls, dynamic);
    } catch {
      // Its thread does not answer: that is what there is to say.
      page.add("radius_up", "", 0);
    }
  };
}

function addClient(page: MetricPage, { tenant, kind, client, counters, latency }: ClientCounters) {
  const labels = labelText({ tenant, kind, client });
  for (const [name, value] of Object.entries(counters) as [string, number][]) {
    if (NO_OUTCOME.has(name)) continue;
    page.add("radius_packets_total", `${labels},outcome="${kebab(name)}"`, value);
  }
  page.add("radius_pending_requests", labels, counters.pending);
  if (kind === "accounting") {
    const own = labelText({ tenant, client });
    const { starts, stops, interims } = counters;
    const { startResponses, stopResponses, interimResponses } = counters;
    for (const [status, asked, answered] of [
      ["start", starts, startResponses],
      ["stop", stops, stopResponses],
      ["interim", interims, interimResponses],
    ] as const) {
      page.add("radius_accounting_requests_total", `${own},status="${status}"`, asked);
      page.add("radius_accounting_responses_total", `${own},status="${status}"`, answered);
    }
  }
  if (latency !== undefined) addHistogram(page, "radius_client_seconds", labels, latency);
}

function addHomeServer(page: MetricPage, row: HomeServerRow): void {
  const { tenant, kind, name: server, state, pending, counters } = row;
  const labels = labelText({ tenant, kind, server });
  page.add("radius_home_server_state", labels, STATES[state]);
  page.add("radius_home_server_pending", labels, pending);
  for (const [what, count] of [
    ["first", counters.sent],
    ["again", counters.resent],
    ["probe", counters.probes],
  ] as const) {
    page.add("radius_home_server_sent_total", `${labels},what="${what}"`, count);
  }
  const { used, malformed, badAuthenticators, unsigned, unmatched, watchdog } = counters;
  const outcomes = { used, malformed, badAuthenticators, unsigned, unmatched, watchdog };
  for (const [name, count] of Object.entries(outcomes)) {
    page.add("radius_home_server_packets_total", `${labels},outcome="${kebab(name)}"`, count);
  }
  addHistogram(page, "radius_home_server_seconds", labels, counters);
}

function addHistogram(
  page: MetricPage,
  name: string,
  labels: string,
  { latency, latencySumMs }: Readonly<LatencyCounts>,
): void {
  let count = 0;
  for (const [index, bound] of LATENCY_BOUNDS_MS.entries()) {
    count += latency[index] ?? 0;
    page.add(name, `${labels},le="${bound / 1000}"`, count, "_bucket");
  }
  count += latency[LATENCY_BOUNDS_MS.length] ?? 0;
  page.add(name, `${labels},le="+Inf"`, count, "_bucket");
  page.add(name, labels, latencySumMs / 1000, "_sum");
  page.add(name, labels, count, "_count");
}

/** As many rows as may be; further ones summed up, by tenant and kind. */
function bounded(rows: readonly ClientCounters[]): ClientCounters[] {
  const kept = rows.slice(0, MOST_CLIENTS);
  const others = new Map<string, ClientCounters>();
  for (const row of rows.slice(MOST_CLIENTS)) {
    const key = `${row.kind} ${row.tenant}`;
    const sum = others.get(key);
    const counters = { ...(sum?.counters ?? row.counters) };
    if (sum !== undefined) {
      for (const name of Object.keys(counters) as (keyof typeof counters)[]) {
        counters[name] += row.counters[name];
      }
    }
    others.set(key, { ...row, client: "other", counters, latency: undefined });
  }
  return [...kept, ...others.values()];
}

/** `badAuthenticators` to `bad-authenticators`. */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
