/** `SpeakerControl` in the speaker's own thread. */
import { FAMILIES, type Family } from "../fast-bgp-codec/family.js";
import type { Clock } from "../util/clock.js";
import { VERSION } from "../util/version.js";
import {
  ControlError,
  type AuditReport,
  type DumpResult,
  type FeedsView,
  type InterestDetail,
  type LackPage,
  type InterestView,
  type MaintenanceOrder,
  type MaintenanceView,
  type PeerFamilyView,
  type PeerView,
  type RecordingFormat,
  type RecordingView,
  type PolicyCandidate,
  type PolicyTestOptions,
  type PolicyTestReport,
  type PolicyView,
  type RouteExplanation,
  type RoutePage,
  type RouteQuery,
  type SettingsEffect,
  type SpeakerControl,
  type SpeakerStats,
  type SpeakerSummary,
} from "./control.js";
import type { Auditor, AuditStatus } from "./audit/index.js";
import { NO_BFD, type BfdOverview } from "./bfd/index.js";
import type { BfdPeers } from "./bfd-peers.js";
import type { SlowPeers } from "./slow-peers.js";
import { FeedControl } from "./feed-control.js";
import type { Feeds } from "./feeds/index.js";
import type { Maintenance } from "./maintenance.js";
import { OperationsControl } from "./operations-control.js";
import { PolicyControl } from "./policy-control.js";
import type { MemoryGuard } from "./limits/memory-guard.js";
import { limitsView } from "./limits/peer-view.js";
import { queryRoutes } from "./route-query.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { Reflector } from "./reflector.js";
import {
  canonicalPeerAddress,
  type EstablishedSession,
  type PeerStatus,
  type PeerTable,
} from "./session/index.js";
import type { ExplainedRoute } from "./policy-view.js";
import { previewSettings } from "./live/settings-preview.js";
import type { ListenAddress, SpeakerSettings } from "./settings.js";

export interface LocalControlParts {
  readonly settings: () => SpeakerSettings;
  /** Puts new settings in force; what was done, a line each. */
  readonly apply: (next: SpeakerSettings) => readonly string[] | Promise<readonly string[]>;
  readonly listening: () => readonly ListenAddress[];
  readonly peers: PeerTable;
  readonly reflector: Reflector;
  /** Undefined in tests that have none. */
  readonly maintenance?: Maintenance;
  /** Undefined in tests that have none. */
  readonly bfd?: BfdPeers;
  readonly slowPeers?: SlowPeers;
  readonly auditor?: Auditor;
  /** Undefined in tests that have none. */
  readonly feeds?: Feeds;
  readonly memory?: MemoryGuard;
  readonly clock: Clock;
}

export class LocalControl implements SpeakerControl {
  private readonly parts: LocalControlParts;
  private readonly policy: PolicyControl;
  private readonly since: number;
  private readonly feedControl: FeedControl;
  private readonly operations: OperationsControl;
  private running = false;

  constructor(parts: LocalControlParts) {
    this.parts = parts;
    this.policy = new PolicyControl(parts.reflector, () => parts.clock.now());
    this.feedControl = new FeedControl(parts.feeds);
    this.operations = new OperationsControl(parts.reflector, parts.maintenance, parts.clock);
    this.since = parts.clock.wall();
  }

  started(): void {
    this.running = true;
  }

  summary(): Promise<SpeakerSummary> {
    const { peers, reflector } = this.parts;
    const settings = this.parts.settings();
    const stats = reflector.stats();
    return Promise.resolve({
      as: settings.as,
      routerId: settings.routerId,
      clusterId: settings.clusterId,
      version: VERSION,
      started: this.since,
      listening: this.parts.listening().map(formatListen),
      peers: peers.size,
      established: stats["sessions"] ?? 0,
      destinations: stats["destinations"] ?? 0,
      routes: stats["routes"] ?? 0,
      attributeSets: stats["attribute_sets"] ?? 0,
      ready: this.running,
      memory: this.parts.memory?.view(),
      restarting: reflector.restarts.deferralView(),
      ...this.operations.summary(),
    });
  }

  interests(): Promise<readonly InterestView[]> {
    return this.operations.interests();
  }

  interest(address: string): Promise<InterestDetail> {
    return attempt(() => this.operations.interest(this.session(address)));
  }

  maintenance(): Promise<MaintenanceView> {
    return attempt(() => this.operations.maintenance());
  }

  beginMaintenance(order: MaintenanceOrder): Promise<MaintenanceView> {
    return attempt(() => {
      const peers = order.peers === "all" ? order.peers : order.peers.map(this.addressOf);
      return this.operations.begin({ ...order, peers });
    });
  }

  endMaintenance(peers: readonly string[] | "all"): Promise<MaintenanceView> {
    return attempt(() => this.operations.end(peers === "all" ? peers : peers.map(this.addressOf)));
  }

  private readonly addressOf = (address: string): string => this.status(address).address;

  peers(): Promise<readonly PeerView[]> {
    return Promise.resolve(this.parts.peers.views().map((status) => this.view(status)));
  }

  peer(address: string): Promise<PeerView> {
    return attempt(() => this.view(this.status(address)));
  }

  routes(query: RouteQuery): Promise<RoutePage> {
    return attempt(() => {
      const { peers, reflector } = this.parts;
      if (query.peer === undefined) return queryRoutes(reflector, query, undefined);
      const session = peers.session(this.status(query.peer).address);
      const peer = session === undefined ? undefined : reflector.peer(session.id);
      if (peer === undefined) return { routes: [], next: undefined };
      return queryRoutes(reflector, query, peer);
    });
  }

  stats(): Promise<SpeakerStats> {
    const { peers, reflector } = this.parts;
    return Promise.resolve({
      ...reflector.stats(),
      peers: peers.size,
      handshakes_waiting: peers.waiting,
      local_routes: reflector.localRoutes.count,
      strangers_total: peers.stats.strangers,
      connections_refused_total: peers.stats.refused,
      connections_shed_total: peers.stats.shed,
      ...this.parts.bfd?.stats(),
      ...this.parts.slowPeers?.stats(),
      ...this.parts.auditor?.stats(),
      ...this.feedControl.stats(),
      ...this.parts.memory?.stats(),
      ...this.parts.reflector.trust?.stats(),
    });
  }

  feeds(): Promise<FeedsView> {
    return Promise.resolve(this.feedControl.view());
  }

  dumpTable(): Promise<DumpResult> {
    return this.feedControl.dumpTable();
  }

  rotateUpdates(): Promise<string> {
    return this.feedControl.rotate();
  }

  recordings(): Promise<readonly RecordingView[]> {
    return Promise.resolve(this.feedControl.recordings());
  }

  recording(address: string | undefined, format: RecordingFormat): Promise<Uint8Array> {
    return attempt(() => this.feedControl.recording(address, format));
  }

  bfd(): Promise<BfdOverview> {
    return this.parts.bfd?.overview() ?? Promise.resolve(NO_BFD);
  }

  softClear(address: string, direction: "in" | "out", family?: Family): Promise<void> {
    return attempt(() => {
      const session = this.session(address);
      const { negotiated } = session;
      const families = FAMILIES.filter(
        (spec) =>
          (negotiated.families & (1 << spec.family)) !== 0 &&
          (family === undefined || family === spec.family),
      );
      if (families.length === 0) {
        throw new ControlError("invalid", `${address} does not have that family on this session`);
      }
      if (direction === "in" && !negotiated.routeRefresh) {
        throw new ControlError(
          "unsupported",
          `${address} did not offer route refresh; reset the session instead`,
        );
      }
      for (const spec of families) {
        if (direction === "out") this.parts.reflector.refreshOut(session, spec.family);
        else this.parts.reflector.peer(session.id)?.ask(1 << spec.family);
      }
    });
  }

  resetPeer(address: string, text: string): Promise<void> {
    return attempt(() => this.known(this.parts.peers.reset(valid(address), text), address));
  }

  shutdownPeer(address: string, text: string): Promise<void> {
    return attempt(() => this.known(this.parts.peers.shutdown(valid(address), text), address));
  }

  enablePeer(address: string): Promise<void> {
    return attempt(() => this.known(this.parts.peers.enable(valid(address)), address));
  }

  apply(next: SpeakerSettings): Promise<readonly string[]> {
    return attempt(() => this.parts.apply(next));
  }

  policies(): Promise<readonly PolicyView[]> {
    return attempt(() => this.policy.views());
  }

  testPolicy(candidate: PolicyCandidate, options: PolicyTestOptions): Promise<PolicyTestReport> {
    return attempt(() => this.policy.test(candidate, options));
  }

  explainRoutes(query: RouteQuery): Promise<RouteExplanation> {
    return attempt(async () => {
      const peer = query.peer === undefined ? undefined : this.status(query.peer).address;
      const found = await this.policy.explain({ ...query, ...(peer !== undefined && { peer }) });
      const down = this.parts.peers
        .views()
        .filter(({ address, state }) => state !== "Established" && (peer ?? address) === address);
      return down.length === 0 ? found : withDown(found, down);
    });
  }

  lacks(address: string, than: string, cursor?: string): Promise<LackPage> {
    return attempt(() => {
      const { reflector, peers } = this.parts;
      const status = this.status(address);
      const other = reflector.peer(this.session(than).id);
      if (other === undefined) throw new ControlError("invalid", `${than} has no session`);
      const session = peers.session(status.address);
      const peer = session === undefined ? undefined : reflector.peer(session.id);
      return this.policy.lacks(peer, other, noSession(status), cursor);
    });
  }

  preview(next: SpeakerSettings): Promise<readonly SettingsEffect[]> {
    return attempt(() => {
      const views = this.parts.peers.views();
      return previewSettings(this.parts.settings(), next, views);
    });
  }

  async audit(): Promise<AuditReport> {
    const { auditor, reflector } = this.parts;
    if (auditor === undefined) {
      const findings = reflector.audit();
      return { ok: findings.length === 0, findings };
    }
    const fresh = await auditor.run();
    const { status } = auditor;
    const findings = [...new Set([...fresh, ...status.findings])];
    return { ok: findings.length === 0, findings, status };
  }

  auditStatus(): Promise<AuditStatus | undefined> {
    return Promise.resolve(this.parts.auditor?.status);
  }

  private known(found: boolean, address: string): void {
    if (!found) throw unknownPeer(address);
  }

  private status(address: string): PeerStatus {
    const status = this.parts.peers.view(valid(address));
    if (status === undefined) throw unknownPeer(address);
    return status;
  }

  private session(address: string): EstablishedSession {
    const { state } = this.status(address);
    const session = this.parts.peers.session(address);
    if (session === undefined) {
      throw new ControlError("invalid", `${address} has no session: it is ${state}`);
    }
    return session;
  }

  private view(status: PeerStatus): PeerView {
    const { peers, reflector } = this.parts;
    const session = peers.session(status.address);
    const peer = session === undefined ? undefined : reflector.peer(session.id);
    return {
      ...status,
      families: peer === undefined ? [] : this.families(peer),
      faults: {
        attributeDiscard: peer?.faults.attributeDiscard ?? 0,
        treatAsWithdraw: peer?.faults.treatAsWithdraw ?? 0,
        nlriDropped: peer?.faults.nlriDropped ?? 0,
        unknownType: peer?.faults.unknownType ?? 0,
        loops: peer?.faults.loops ?? 0,
      },
      limits: peer && limitsView(peer.limiter, reflector.outLimits, peer.slot),
      slow: session === undefined ? undefined : this.parts.slowPeers?.of(session.id),
      bfd: this.parts.bfd?.status(status.address),
      restart: reflector.restarts.peerView(status.address, peer),
      trust: reflector.trust?.viewOf(status.address),
      backlog: peer === undefined ? 0 : reflector.out.backlog(peer.slot),
    };
  }

  private families(peer: ReflectedPeer): PeerFamilyView[] {
    const { out, sources } = this.parts.reflector;
    return FAMILIES.filter(
      ({ family }) => (peer.session.negotiated.families & (1 << family)) !== 0,
    ).map(({ family, name }) => ({
      family: name,
      accepted: sources.count(peer.slot, family),
      advertised: out.sentCount(peer.slot, family),
      endOfRibReceived: (peer.endOfRibReceived & (1 << family)) !== 0,
      endOfRibSent: out.hasEndOfRib(peer.slot, family),
    }));
  }
}

function valid(address: string): string {
  try {
    return canonicalPeerAddress(address);
  } catch {
    throw new ControlError("invalid", `"${address}" is no IP address; peers go by theirs`);
  }
}

/** Peers without a session have nothing: said once for each route that somebody may have. */
function withDown(
  { routes, cut }: RouteExplanation,
  down: readonly PeerStatus[],
): RouteExplanation {
  const none = { by: "none", verdict: "accept", passed: [], overridden: false } as const;
  const receivers = down.map((status) => ({
    peer: status.address,
    sent: false,
    code: "session",
    reason: noSession(status),
    export: none,
    attributes: [],
  }));
  const add = (route: ExplainedRoute): ExplainedRoute =>
    route.paths.some(({ best }) => best)
      ? { ...route, receivers: [...route.receivers, ...receivers] }
      : route;
  return { routes: routes.map(add), cut };
}

function noSession({ state, adminDown, lastError }: PeerStatus): string {
  const why = adminDown ? "shut down by hand" : lastError;
  return `it has no session: it is ${state}${why === undefined ? "" : ` (${why})`}`;
}

function unknownPeer(address: string): ControlError {
  return new ControlError("not-found", `no peer ${address}; the list of peers has the addresses`);
}

/** What `run` throws becomes a rejection. */
function attempt<T>(run: () => T | Promise<T>): Promise<T> {
  return new Promise((resolve) => resolve(run()));
}

function formatListen({ address, port }: ListenAddress): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
