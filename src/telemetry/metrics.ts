/** Prometheus text, collected when it is asked for; between scrapes nothing is counted here. */
import { Counter, Gauge, Registry } from "prom-client";
import type { PeerView, SpeakerControl, SpeakerSummary } from "../bgp/control.js";
import type { StallMonitor } from "./event-loop.js";
import { METRICS, PREFIX } from "./metric-table.js";

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/** One scrape. Values are set from the modules' own counters, so a scrape that fails loses nothing. */
export async function collectMetrics(
  control: SpeakerControl,
  stalls: StallMonitor,
): Promise<MetricsText> {
  const [summary, peers, stats] = await Promise.all([
    control.summary(),
    control.peers(),
    control.stats(),
  ]);
  const page = new Page();
  addSummary(page, summary);
  for (const peer of peers) addPeer(page, peer);
  for (const metric of METRICS) {
    const value = stats[metric.name];
    if (metric.from === "stats" && value !== undefined) page.set(metric.name, value);
  }
  addProcess(page, stalls);
  return { contentType: page.registry.contentType, text: await page.registry.metrics() };
}

type Labels = Record<string, string>;

class Page {
  readonly registry = new Registry();
  private readonly metrics = new Map<string, Counter | Gauge>();

  constructor() {
    for (const { name, type, labels, help } of METRICS) {
      const options = {
        name: PREFIX + name,
        help,
        labelNames: [...labels],
        registers: [this.registry],
      };
      this.metrics.set(name, type === "counter" ? new Counter(options) : new Gauge(options));
    }
  }

  /** Throws for a name that has no row: our own bug. */
  set(name: string, value: number, labels: Labels = {}): void {
    const metric = this.metrics.get(name);
    if (metric === undefined) throw new Error(`metric ${name} has no row in metric-table.ts`);
    metric.inc(labels, value);
  }
}

function addSummary(page: Page, summary: SpeakerSummary): void {
  page.set("info", 1, {
    version: summary.version,
    as: String(summary.as),
    router_id: summary.routerId,
  });
  page.set("start_time_seconds", summary.started / 1000);
  page.set("ready", summary.ready ? 1 : 0);
  page.set("peers", summary.peers);
  page.set("peers_established", summary.established);
  page.set("destinations", summary.destinations);
  page.set("routes", summary.routes);
  page.set("attribute_sets", summary.attributeSets);
}

const EFFECTS = {
  attributeDiscard: "attribute-discard",
  treatAsWithdraw: "treat-as-withdraw",
  nlriDropped: "nlri-dropped",
  unknownType: "unknown-type",
  loops: "loop",
} as const satisfies Record<keyof PeerView["faults"], string>;

function addPeer(page: Page, peer: PeerView): void {
  const labels = { peer: peer.address, group: peer.group };
  page.set("peer_up", peer.state === "Established" ? 1 : 0, labels);
  page.set("peer_established_total", peer.establishedCount, labels);
  page.set("peer_pending_bytes", peer.pendingBytes, labels);
  page.set("peer_backlog", peer.backlog, labels);
  for (const { family, accepted, advertised } of peer.families) {
    page.set("peer_routes_accepted", accepted, { ...labels, family });
    page.set("peer_routes_advertised", advertised, { ...labels, family });
  }
  for (const direction of ["in", "out"] as const) {
    for (const [type, count] of Object.entries(peer.messages[direction])) {
      page.set("peer_messages_total", count, { ...labels, direction, type });
    }
  }
  for (const [fault, effect] of Object.entries(EFFECTS)) {
    const count = peer.faults[fault as keyof PeerView["faults"]];
    page.set("peer_faults_total", count, { ...labels, effect });
  }
}

function addProcess(page: Page, stalls: StallMonitor): void {
  const cpu = process.cpuUsage();
  const { maxSeconds, p999Seconds } = stalls.take();
  page.set("process_cpu_seconds_total", (cpu.user + cpu.system) / 1e6);
  page.set("process_resident_memory_bytes", process.memoryUsage.rss());
  page.set("process_heap_bytes", process.memoryUsage().heapUsed);
  page.set("event_loop_stall_max_seconds", maxSeconds);
  page.set("event_loop_stall_p999_seconds", p999Seconds);
}
