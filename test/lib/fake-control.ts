/** A speaker's door with nothing behind it: plain data in, a list of calls out. */
import type { AuditStatus } from "../../src/bgp/audit/index.js";
import { NO_BFD, type BfdOverview } from "../../src/bgp/bfd/index.js";
import { ControlError } from "../../src/bgp/control.js";
import { NO_FEEDS } from "../../src/bgp/feed-control.js";
import type {
  DumpResult,
  FeedsView,
  InterestDetail,
  InterestView,
  LackPage,
  MaintenanceOrder,
  MaintenanceView,
  PeerView,
  PolicyTestReport,
  PolicyView,
  RecordingFormat,
  RecordingView,
  RouteExplanation,
  RouteQuery,
  RouteView,
  SettingsEffect,
  SpeakerControl,
  SpeakerStats,
  SpeakerSummary,
} from "../../src/bgp/control.js";

export const SUMMARY: SpeakerSummary = {
  as: 65000,
  routerId: "10.0.0.254",
  clusterId: "10.0.0.254",
  version: "0.1.0",
  started: 1_700_000_000_000,
  listening: ["127.0.0.1:1790"],
  peers: 1,
  established: 1,
  destinations: 3,
  routes: 3,
  attributeSets: 2,
  ready: true,
};

const COUNTS = { open: 1, update: 7, notification: 0, keepalive: 12, refresh: 0 };

export function peerView(change: Partial<PeerView> = {}): PeerView {
  return {
    address: "10.0.0.1",
    group: "leaves",
    description: "leaf 1",
    dynamic: true,
    kind: "client",
    as: 65000,
    routerId: "10.0.0.1",
    state: "Established",
    lastError: undefined,
    adminDown: false,
    since: 1_700_000_060_000,
    establishedCount: 1,
    localAddress: "10.0.0.254",
    localPort: 179,
    remotePort: 40000,
    holdTime: 90,
    hostName: "leaf1",
    softwareVersion: "FRR 8.4.4",
    capabilities: ["multiprotocol l2vpn-evpn", "four-octet-as"],
    md5: true,
    ttlSecurityHops: 0,
    families: [
      {
        family: "l2vpn-evpn",
        accepted: 2,
        advertised: 1,
        endOfRibReceived: true,
        endOfRibSent: false,
      },
    ],
    messages: { in: COUNTS, out: COUNTS },
    faults: { attributeDiscard: 0, treatAsWithdraw: 1, nlriDropped: 0, unknownType: 0, loops: 0 },
    pendingBytes: 0,
    backlog: 0,
    bfd: undefined,
    slow: undefined,
    ...change,
  };
}

export function routeView(index: number, change: Partial<RouteView> = {}): RouteView {
  return {
    family: "l2vpn-evpn",
    prefix: `2:10.0.0.1:100::0::52:54:00:00:00:${index.toString(16).padStart(2, "0")}`,
    nlri: {},
    nlriHex: "02",
    nextHop: "10.0.0.1",
    attributes: [
      { code: 16, name: "EXTENDED_COMMUNITIES", value: ["rt:65000:100", "encapsulation:8"] },
    ],
    attributesHex: "",
    peer: "10.0.0.1",
    originator: "10.0.0.1",
    best: true,
    reason: "only route",
    changed: 1_700_000_100_000,
    ...change,
  };
}

export const NO_MAINTENANCE: MaintenanceView = {
  active: false,
  all: false,
  named: [],
  since: undefined,
  then: "nothing",
  drained: true,
  peers: [],
};

export class FakeControl implements SpeakerControl {
  readonly calls: unknown[][] = [];
  summaryView: SpeakerSummary = SUMMARY;
  peerViews: PeerView[] = [peerView()];
  routeViews: RouteView[] = [routeView(1), routeView(2), routeView(3)];
  statsView: SpeakerStats = { updates_total: 7 };
  findings: string[] = [];
  effects: SettingsEffect[] = [];
  policyViews: PolicyView[] = [];
  readonly tested: Parameters<SpeakerControl["testPolicy"]>[] = [];
  policyReport: PolicyTestReport = { looked: 0, complete: true, peers: [], notes: [] };
  readonly explained: RouteQuery[] = [];
  explanation: RouteExplanation = { routes: [], cut: false };
  lacking: LackPage = { rows: [], looked: 0, next: undefined };
  auditView: AuditStatus | undefined;
  bfdOverview: BfdOverview = NO_BFD;
  /** Routes handed out in one page whatever the limit. */
  pageSize = 1000;

  feedsView: FeedsView = NO_FEEDS;
  feeds() {
    return Promise.resolve(this.feedsView);
  }
  dumpTable(): Promise<DumpResult> {
    return Promise.resolve({ file: "/var/lib/evpnd/rib.20260102.030405", records: 4, octets: 512 });
  }
  rotateUpdates() {
    return Promise.resolve("/var/lib/evpnd/updates.20260102.030405");
  }
  recordingViews: RecordingView[] = [];
  recordings() {
    return Promise.resolve(this.recordingViews);
  }
  recording(address: string | undefined, format: RecordingFormat) {
    this.calls.push(["recording", address, format]);
    if (address === "192.0.2.99") {
      return Promise.reject(new ControlError("not-found", "nothing is recorded of 192.0.2.99"));
    }
    return Promise.resolve(Uint8Array.of(0xa1, 0xb2, 0xc3, 0xd4));
  }
  interestViews: InterestView[] = [];
  interestDetail: InterestDetail | undefined;
  interests() {
    return Promise.resolve(this.interestViews);
  }
  interest(address: string) {
    return this.interestDetail?.peer === address
      ? Promise.resolve(this.interestDetail)
      : Promise.reject(new ControlError("not-found", `no peer ${address}`));
  }
  maintenanceView: MaintenanceView = NO_MAINTENANCE;
  maintenance() {
    return Promise.resolve(this.maintenanceView);
  }
  beginMaintenance(order: MaintenanceOrder) {
    this.calls.push(["beginMaintenance", order]);
    return this.maintenance();
  }
  endMaintenance(peers: readonly string[] | "all") {
    this.calls.push(["endMaintenance", peers]);
    return this.maintenance();
  }
  auditStatus() {
    return Promise.resolve(this.auditView);
  }
  bfd() {
    return Promise.resolve(this.bfdOverview);
  }
  summary() {
    return Promise.resolve(this.summaryView);
  }
  peers() {
    return Promise.resolve(this.peerViews);
  }
  peer(address: string) {
    const view = this.peerViews.find((candidate) => candidate.address === address);
    if (view !== undefined) return Promise.resolve(view);
    return Promise.reject(new ControlError("not-found", `no peer ${address}`));
  }
  routes(query: RouteQuery) {
    this.calls.push(["routes", query]);
    if (query.peer === "192.0.2.99") {
      return Promise.reject(new ControlError("not-found", "no peer 192.0.2.99"));
    }
    const from = Number(query.cursor ?? 0);
    const to = from + Math.min(query.limit ?? 100, this.pageSize);
    const next = to < this.routeViews.length ? String(to) : undefined;
    return Promise.resolve({ routes: this.routeViews.slice(from, to), next });
  }
  stats() {
    return Promise.resolve(this.statsView);
  }
  softClear(...call: unknown[]) {
    return this.act("softClear", call);
  }
  resetPeer(...call: unknown[]) {
    return this.act("resetPeer", call);
  }
  shutdownPeer(...call: unknown[]) {
    return this.act("shutdownPeer", call);
  }
  enablePeer(...call: unknown[]) {
    return this.act("enablePeer", call);
  }
  apply(settings: unknown) {
    this.calls.push(["apply", settings]);
    return Promise.resolve(["settings applied"]);
  }
  policies() {
    return Promise.resolve(this.policyViews);
  }
  testPolicy(...asked: Parameters<SpeakerControl["testPolicy"]>) {
    this.tested.push(asked);
    return Promise.resolve(this.policyReport);
  }
  lacks(address: string, than: string, cursor?: string) {
    this.calls.push(["lacks", address, than, cursor]);
    return Promise.resolve(this.lacking);
  }
  explainRoutes(query: RouteQuery) {
    this.explained.push(query);
    return Promise.resolve(this.explanation);
  }
  preview() {
    return Promise.resolve(this.effects);
  }
  audit() {
    return Promise.resolve({ ok: this.findings.length === 0, findings: this.findings });
  }

  private act(name: string, call: unknown[]): Promise<void> {
    this.calls.push([name, ...call]);
    const known = this.peerViews.some((view) => view.address === call[0]);
    if (known) return Promise.resolve();
    return Promise.reject(new ControlError("not-found", `no peer ${String(call[0])}`));
  }
}
