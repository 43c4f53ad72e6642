/** A RADIUS relay in a test's hand, for the API, the command line and the metrics. */
import type {
  ClientCounters,
  DisconnectResult,
  DynamicRow,
  HomeServerRow,
  ListenerCounters,
  RadiusControl,
  RadsecRow,
  ServerRow,
  Session,
  SessionEventBatch,
  SessionQuery,
  SilentPage,
  StatisticsQuery,
} from "../../src/radius/index.js";
import { RadiusError } from "../../src/radius/index.js";
import { dynamicCounters } from "../../src/radius/dynamic/counters.js";
import { radsecCounters } from "../../src/radius/radsec/counters.js";
import { sessionPage } from "../../src/radius/session/session-page.js";
import {
  homeServerCounters,
  latencyCounts,
  listenerCounters,
} from "../../src/radius/statistics/counters.js";

export const SUBSCRIBER = "02:aa:bb:cc:dd:01";

export function radiusSession(over: Partial<Session> = {}): Session {
  return {
    id: 1,
    tenant: "default",
    mac: SUBSCRIBER,
    accessPoint: "02:00:00:00:00:01",
    ssid: "corp",
    client: "10.10.15.7",
    clientPort: 40_000,
    pool: "all",
    userName: "bob",
    classes: ["abcd"],
    vlan: "100",
    address: "10.1.2.3",
    addressPool: undefined,
    bundles: [],
    lease: undefined,
    acctSessionId: "s1",
    nasIdentifier: undefined,
    nasAddress: undefined,
    confirmed: true,
    startedAt: 1_700_000_000_000,
    lastSeenAt: 1_700_000_100_000,
    eventTimestamp: 1_700_000_100,
    inputOctets: 10,
    outputOctets: 20,
    inputPackets: 1,
    outputPackets: 2,
    sessionTime: 100,
    ...over,
  };
}

const NO_EVENTS = { events: [], lost: 0, next: 0 } as const;

/** Counters of a listener whose sums balance. */
export function someCounters(over: Partial<ListenerCounters> = {}): ListenerCounters {
  return {
    ...listenerCounters(),
    received: 25,
    unknown: 2,
    statusServer: 1,
    requests: 22,
    accepts: 10,
    challenges: 5,
    rejects: 3,
    duplicates: 1,
    dropped: 1,
    pending: 2,
    ...over,
  };
}

export class FakeRadius implements RadiusControl {
  sessionList: readonly Session[] = [radiusSession()];
  baselineAt: number | undefined;
  isDraining = false;
  drainedTenant: string | undefined;
  disconnectedAt: string | undefined;
  asked: StatisticsQuery[] = [];
  serverRows: readonly ServerRow[] = (["authentication", "accounting"] as const).map((kind) => ({
    tenant: "default",
    kind,
    address: "0.0.0.0",
    port: kind === "authentication" ? 1812 : 1813,
    draining: false,
    clients: [{ name: "aps", prefix: "10.10.15.0/24", fingerprints: ["0123456789ab"] }],
  }));

  servers = () => Promise.resolve(this.serverRows);

  homeServers(): Promise<readonly HomeServerRow[]> {
    const counters = { ...homeServerCounters(), sent: 7, received: 7, used: 6, unmatched: 1 };
    counters.latency[1] = 4;
    counters.latency[13] = 2;
    counters.latencySumMs = 25_000;
    const row = { tenant: "default", kind: "authentication", name: "first" } as const;
    return Promise.resolve([{ ...row, state: "alive", pending: 1, counters }]);
  }

  statistics(query: StatisticsQuery) {
    this.asked.push(query);
    const counters = someCounters();
    const kinds = (["authentication", "accounting"] as const).filter(
      (kind) => query.kind === undefined || query.kind === kind,
    );
    const baseline = query.delta === true ? this.baselineAt : undefined;
    const rows = kinds.map((kind) => ({ tenant: "default", kind, client: undefined, counters }));
    return Promise.resolve({ baseline, rows });
  }

  clientCounters(): Promise<readonly ClientCounters[]> {
    const latency = latencyCounts();
    latency.latency[0] = 18;
    latency.latencySumMs = 9;
    const row = { tenant: "default", kind: "authentication" } as const;
    return Promise.resolve([
      { ...row, client: "aps", counters: someCounters({ unknown: 0, received: 23 }), latency },
      {
        ...row,
        client: "",
        counters: { ...listenerCounters(), received: 2, unknown: 2 },
        latency: undefined,
      },
    ]);
  }

  baseline(): Promise<number> {
    this.baselineAt = 1_700_000_000_000;
    return Promise.resolve(this.baselineAt);
  }

  udpChecksum = () =>
    Promise.resolve({ enabled: true, badChecksums: 4, source: "platform default; a test" });

  // `async`: a question that makes no sense rejects.
  async sessions(query: SessionQuery) {
    const page = sessionPage([{ name: "default", list: () => this.sessionList }], query);
    return Promise.resolve(page);
  }

  sessionCounts = () =>
    Promise.resolve([{ tenant: "default", count: this.sessionList.length, twice: 0 }]);
  sessionEvents = (): Promise<SessionEventBatch> => Promise.resolve(NO_EVENTS);

  disconnect(
    tenant: string,
    mac: string,
    accessPoint?: string,
  ): Promise<DisconnectResult | undefined> {
    this.disconnectedAt = accessPoint;
    if (tenant !== "default") {
      return Promise.reject(new RadiusError("not-found", `there is no tenant "${tenant}"`));
    }
    const done = { ended: true, accessPoint: "none", errorCause: undefined } as const;
    return Promise.resolve(mac === SUBSCRIBER ? done : undefined);
  }

  silentEnds: (after: string | undefined) => Promise<SilentPage> = () =>
    Promise.resolve({ rows: [], next: undefined });

  spools = () =>
    Promise.resolve([
      { tenant: "default", waiting: 3, parked: 1, octets: 900, failing: false, problem: undefined },
    ]);

  radsec = (): Promise<readonly RadsecRow[]> =>
    Promise.resolve([
      {
        ...{ tenant: "default", address: "192.0.2.1", port: 2083 },
        connections: [
          {
            ...{ client: "ap17", address: "10.10.15.8", protocol: "TLSv1.3" },
            ...{ ageSeconds: 60, silentSeconds: 3 },
          },
        ],
        counters: radsecCounters(),
      },
    ]);
  dynamic = (): Promise<readonly DynamicRow[]> =>
    Promise.resolve([
      { tenant: "default", enabled: true, ports: [3799, 1700], counters: dynamicCounters() },
    ]);

  drain(on: boolean, tenant?: string): Promise<void> {
    this.isDraining = on;
    this.drainedTenant = tenant;
    return Promise.resolve();
  }
}
