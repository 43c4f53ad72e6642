/** The RADIUS relay: servers, home servers, counters, sessions, and what an operator may do to them. */
import type {
  DisconnectResult,
  RadiusControl,
  Session,
  SessionEventBatch,
  SessionQuery,
  StatisticsQuery,
} from "../../radius/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { page, PAGE_MAX, stream, text, unary, type Operation } from "./operation.js";
import { placesOf } from "./session-places.js";

const KIND = { enum: ["authentication", "accounting"] } as const;
const NAME = text(64);
/** Sessions looked up in the FIB at once. */
const PLACED = 100;
/** How long one call of a watch waits, and what it brings at most. */
const WATCH_MS = 10_000;
const WATCH_MOST = 500;
/** Members of a session that are of one run of the relay, and of no use to anybody else. */
const HIDDEN: ReadonlySet<string> = new Set(["id", "beside", "clientPort"]);

export function radiusOf({ radius }: HttpBackend): RadiusControl {
  if (radius !== undefined) return radius;
  throw new HttpError(
    409,
    "off",
    "the RADIUS relay is off: add a radius block to the configuration and reload",
  );
}

export const RADIUS_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetRadiusServers",
    group: "Radius",
    summary: "Servers of the RADIUS relay, and the networks of their clients",
    role: "viewer",
    http: { method: "GET", path: "/v1/radius/servers" },
    input: "GetRadiusServersRequest",
    output: "RadiusServers",
    run: async (backend) => ({ servers: await radiusOf(backend).servers() }),
  }),
  unary({
    id: "GetRadiusHomeServers",
    group: "Radius",
    summary: "Home servers, their health and counters, and accounting that waits",
    role: "viewer",
    http: { method: "GET", path: "/v1/radius/home-servers" },
    input: "GetRadiusHomeServersRequest",
    output: "RadiusHomeServers",
    run: homeServers,
  }),
  unary({
    id: "GetRadiusStatistics",
    group: "Radius",
    summary: "Counters of all clients or of one, whole or since the baseline",
    role: "viewer",
    http: { method: "GET", path: "/v1/radius/statistics" },
    input: "GetRadiusStatisticsRequest",
    output: "RadiusStatistics",
    rules: { tenant: NAME, kind: KIND, client: text(64) },
    run: statistics,
  }),
  unary({
    id: "SetRadiusBaseline",
    group: "Radius",
    summary: "Remembers the counters of now, for differences",
    role: "operator",
    http: { method: "POST", path: "/v1/radius/baseline" },
    input: "SetRadiusBaselineRequest",
    output: "RadiusBaseline",
    run: async (backend) => ({ baseline: await radiusOf(backend).baseline() }),
  }),
  unary({
    id: "GetRadiusChecksum",
    group: "Radius",
    summary: "UDP checksums, and how many were bad",
    role: "viewer",
    http: { method: "GET", path: "/v1/radius/udp-checksum" },
    input: "GetRadiusChecksumRequest",
    output: "RadiusChecksum",
    run: (backend) => radiusOf(backend).udpChecksum(),
  }),
  page({
    id: "ListRadiusSessions",
    dump: "DumpRadiusSessions",
    group: "Radius",
    summary: "Subscribers that a home server let in",
    role: "viewer",
    http: { method: "GET", path: "/v1/radius/sessions" },
    input: "ListRadiusSessionsRequest",
    output: "ListRadiusSessionsResponse",
    rows: "sessions",
    row: "RadiusSession",
    rules: {
      tenant: NAME,
      mac: text(64),
      userName: text(253),
      accessPoint: text(253),
      vlan: text(64),
      client: text(64),
      address: text(64),
    },
    run: sessions,
  }),
  stream({
    id: "WatchRadiusSessions",
    group: "Radius",
    summary: "Sessions as they begin, change and end, from now on",
    role: "viewer",
    http: { method: "GET", path: "/v1/radius/sessions/watch" },
    input: "WatchRadiusSessionsRequest",
    output: "RadiusSessionEvent",
    rules: { tenant: NAME },
    run: watchSessions,
  }),
  unary({
    id: "DisconnectSubscriber",
    group: "Radius",
    summary: "Ends a subscriber's session",
    role: "operator",
    http: { method: "POST", path: "/v1/radius/disconnect" },
    input: "DisconnectSubscriberRequest",
    output: "DoneResponse",
    rules: {
      tenant: { required: true, ...NAME },
      mac: { required: true, ...text(253) },
      accessPoint: text(253),
    },
    run: disconnect,
  }),
  unary({
    id: "DrainRadius",
    group: "Radius",
    summary: "Finishes what is pending and takes no new requests, or takes them again",
    role: "operator",
    http: { method: "POST", path: "/v1/radius/drain" },
    input: "DrainRadiusRequest",
    output: "DoneResponse",
    rules: { on: { default: true }, tenant: NAME },
    run: async (backend, { on, tenant }: { on: boolean; tenant?: string }) => {
      await radiusOf(backend).drain(on, tenant);
      const whose = tenant === undefined ? "" : ` for tenant ${tenant}`;
      return { done: [`${on ? "taking no new requests" : "taking requests again"}${whose}`] };
    },
  }),
];

async function homeServers(backend: HttpBackend) {
  const radius = radiusOf(backend);
  const [rows, spools] = await Promise.all([radius.homeServers(), radius.spools()]);
  return {
    homeServers: rows.map((row) => ({ ...row, counters: plainCounters(row.counters) })),
    spools,
  };
}

async function statistics(backend: HttpBackend, query: StatisticsQuery) {
  const { baseline, rows } = await radiusOf(backend).statistics(query);
  return {
    baseline,
    rows: rows.map((row) => ({ ...row, counters: plainCounters(row.counters) })),
  };
}

/** Numbers alone, whole and not below zero; histograms are the metrics page's. */
function plainCounters(counters: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counters).flatMap(([name, value]: [string, unknown]) =>
      typeof value === "number" ? [[name, Math.max(0, Math.round(value))]] : [],
    ),
  );
}

async function sessions(backend: HttpBackend, query: SessionQuery) {
  const { limit = PLACED } = query;
  const most = Math.min(backend.fib === undefined ? PAGE_MAX : PLACED, limit);
  const { rows, next } = await radiusOf(backend).sessions({ ...query, limit: most });
  const places = await placesOf(backend, rows);
  return { rows: rows.map((row, index) => sessionRow(row, places[index])), next };
}

function sessionRow(session: Session, places: readonly object[] = []): object {
  const shown = Object.entries(session).filter(([name]) => !HIDDEN.has(name));
  return { ...Object.fromEntries(shown), places };
}

async function* watchSessions(
  backend: HttpBackend,
  { tenant }: { tenant?: string },
  _caller: unknown,
  signal: AbortSignal,
) {
  const radius = radiusOf(backend);
  let { next } = await radius.sessionEvents(undefined, 0, 0);
  while (!signal.aborted) {
    const batch: SessionEventBatch = await radius.sessionEvents(next, WATCH_MOST, WATCH_MS);
    next = batch.next;
    const events = batch.events.filter(
      ({ session }) => tenant === undefined || session.tenant === tenant,
    );
    const items = [
      ...(batch.lost > 0 ? [{ kind: "lost", count: batch.lost }] : []),
      ...events.map((event) => ({ ...event, session: sessionRow(event.session) })),
    ];
    if (items.length > 0) yield items;
  }
}

interface DisconnectInput {
  readonly tenant: string;
  readonly mac: string;
  readonly accessPoint?: string;
}

async function disconnect(backend: HttpBackend, { tenant, mac, accessPoint }: DisconnectInput) {
  const done = await radiusOf(backend).disconnect(tenant, mac, accessPoint);
  if (done !== undefined) return { done: [disconnectLine(mac, done)] };
  throw new HttpError(
    404,
    "not-found",
    `tenant ${tenant} has no session of ${mac}; evpnctl radius sessions lists those there are`,
  );
}

function disconnectLine(mac: string, { ended, accessPoint, errorCause }: DisconnectResult): string {
  const cause = errorCause === undefined ? "" : `, Error-Cause ${errorCause}`;
  const said = {
    ack: "its access point has let it go",
    nak: `its access point answered NAK${cause}`,
    silent: "its access point has not answered yet",
    none: "its access point takes no Disconnect-Requests",
  }[accessPoint];
  return ended ? `session of ${mac} ended: ${said}` : `session of ${mac} goes on: ${said}`;
}
