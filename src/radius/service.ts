/** The relay in this thread: tenants by name, and the answers to everything `RadiusControl` asks. */
import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import type { AddressSource } from "./address/source.js";
import { RadiusError } from "./control.js";
import type {
  DisconnectResult,
  DynamicRow,
  HomeServerRow,
  RadsecRow,
  RadiusRelay,
  SessionCount,
  ServerRow,
  SessionListener,
  SessionPage,
  SessionQuery,
  SilentPage,
  SpoolView,
  Statistics,
  StatisticsQuery,
  UdpChecksum,
} from "./control.js";
import type { Dictionary } from "./dictionary/dictionary.js";
import { loadDictionary } from "./dictionary/freeradius.js";
import { builtInDictionary } from "./dictionary/built-in.js";
import { accessPointOf } from "./identity.js";
import { fingerprint } from "./server/fingerprint.js";
import type { Prepared } from "./server/side.js";
import { SessionEventLog } from "./session/session-events.js";
import type { SessionEventBatch } from "./session/session-events.js";
import { sessionPage } from "./session/session-page.js";
import type { Session } from "./session/session.js";
import type { SessionTable } from "./session/session-table.js";
import type { RadiusSettings, TenantSettings } from "./settings.js";
import { TlsPort } from "./radsec/tls-port.js";
import { Disk } from "./spool/disk.js";
import type { OpenEngine } from "./spool/disk.js";
import { clientCounters } from "./statistics/client-counters.js";
import type { ClientCounters } from "./statistics/client-counters.js";
import { StatisticsBook } from "./statistics/statistics.js";
import { readUdpChecksum } from "./statistics/udp-checksum.js";
import { Tenant } from "./tenant.js";
import type { UpstreamParts } from "./tenant.js";
import { HomeServer } from "./upstream/home-server.js";
import { UdpPort } from "./upstream/udp-port.js";
import type { Upstream } from "./upstream/upstream.js";

export interface RadiusParts {
  readonly settings: RadiusSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly onSession: SessionListener;
  /** Another engine than LevelDB in the state directory. */
  readonly engine?: OpenEngine;
  /** Servers that speak something else than RADIUS over UDP. */
  readonly upstream?: (parts: UpstreamParts) => Upstream;
  /** Where subscribers get their addresses, in place of what the settings say. */
  readonly addresses?: AddressSource;
}

export class RadiusService implements RadiusRelay {
  private readonly parts: RadiusParts;
  private readonly book = new StatisticsBook();
  private readonly events: SessionEventLog;
  private readonly disk: Disk | undefined;
  private readonly dictionary: Dictionary;
  private settings: RadiusSettings;
  private tenants: Tenant[] = [];
  /** Tenants that come later do. */
  private draining = false;

  private constructor(parts: RadiusParts, disk: Disk | undefined) {
    this.parts = parts;
    this.settings = parts.settings;
    this.events = new SessionEventLog(parts.clock, (tenant, mac, id) =>
      this.tenants
        .find(({ settings }) => settings.name === tenant)
        ?.sessions.of(mac)
        .find((session) => session.id === id),
    );
    this.disk = disk;
    this.dictionary = dictionaryOf(parts);
  }

  /** Opens directory and ports; rejects with the system's error. */
  static async start(parts: RadiusParts): Promise<RadiusService> {
    const { stateDirectory: directory, tenants } = parts.settings;
    const { clock, log, engine: open } = parts;
    const how = { clock, log, ...(open !== undefined && { open }) };
    const disk =
      directory === undefined && open === undefined
        ? undefined
        : await Disk.open({ ...how, directory: directory ?? "memory" });
    const service = new RadiusService(parts, disk);
    try {
      for (const one of tenants) service.tenants.push(await service.openTenant(one));
      return service;
    } catch (error) {
      await service.stop();
      throw error;
    }
  }

  async configure(settings: RadiusSettings): Promise<void> {
    const changes: Prepared[] = [];
    const next: Tenant[] = [];
    try {
      for (const one of settings.tenants) {
        const known = this.tenants.find(({ settings: { name } }) => name === one.name);
        if (known !== undefined) {
          next.push(known);
          if (!same(known.settings, one)) changes.push(await known.prepare(one));
          continue;
        }
        const tenant = await this.openTenant(one);
        next.push(tenant);
        const discard = (): void => void tenant.stop();
        changes.push({ commit: () => Promise.resolve(), discard });
      }
    } catch (error) {
      for (const change of changes) change.discard();
      throw error;
    }
    const gone = this.tenants.filter((tenant) => !next.includes(tenant));
    this.settings = settings;
    this.tenants = next;
    for (const tenant of gone) await tenant.stop();
    for (const change of changes) await change.commit();
  }

  servers(): Promise<ServerRow[]> {
    return Promise.resolve(
      this.tenants.flatMap(({ settings: { name: tenant }, sides, draining }) =>
        sides.map(({ kind, listener, port, settings: { address } }) => ({
          ...{ tenant, kind, address, port, draining },
          clients: listener.table.clients.map(({ settings: { name, prefix, secrets } }) => ({
            name,
            prefix,
            fingerprints: secrets.map(fingerprint),
          })),
        })),
      ),
    );
  }

  homeServers(): Promise<HomeServerRow[]> {
    return Promise.resolve(
      this.tenants.flatMap(({ settings, servers }) =>
        servers.map(({ name, kind, state, pending, counters }) => ({
          tenant: settings.name,
          ...{ kind, name, state, pending },
          counters: { ...counters, latency: [...counters.latency] },
        })),
      ),
    );
  }

  async statistics(query: StatisticsQuery): Promise<Statistics> {
    this.known(query.tenant);
    return Promise.resolve(this.book.read(this.tenants, query));
  }

  clientCounters(): Promise<ClientCounters[]> {
    return clientCounters(this.tenants);
  }

  sessionCounts(): Promise<SessionCount[]> {
    return Promise.resolve(
      this.tenants.map(({ settings, sessions }) => ({
        tenant: settings.name,
        count: sessions.size,
        twice: sessions.twice,
      })),
    );
  }

  sessionEvents(
    after: number | undefined,
    most: number,
    waitMs: number,
  ): Promise<SessionEventBatch> {
    return this.events.read(after, most, waitMs);
  }

  baseline(): Promise<number> {
    const wall = this.parts.clock.wall();
    this.book.setBaseline(this.tenants, wall);
    return Promise.resolve(wall);
  }

  udpChecksum(): Promise<UdpChecksum> {
    return Promise.resolve(readUdpChecksum());
  }

  // `async`: what is wrong with a question rejects, and does not throw.
  async sessions(query: SessionQuery): Promise<SessionPage> {
    this.known(query.tenant);
    const tables = this.tenants.map(({ settings: { name }, sessions }) => ({
      name,
      list: () => sessionsFor(sessions, query),
    }));
    return Promise.resolve(sessionPage(tables, query));
  }

  async disconnect(
    name: string,
    mac: string,
    accessPoint?: string,
  ): Promise<DisconnectResult | undefined> {
    this.known(name);
    const tenant = this.tenants.find(({ settings }) => settings.name === name);
    const place = accessPoint === undefined ? undefined : accessPointOf(accessPoint).id;
    const fitting = (tenant?.sessions.of(mac) ?? []).filter(
      (session) => place === undefined || session.accessPoint === place,
    );
    const [session, ...others] = fitting;
    if (tenant === undefined || session === undefined) return undefined;
    if (others.length > 0) {
      const places = fitting.map((one) => `${one.accessPoint} (${one.userName})`).join(", ");
      throw new RadiusError(
        "invalid",
        `${mac} has ${fitting.length} sessions; name the access point of one: ${places}`,
      );
    }
    const told = await tenant.doors.disconnect(session);
    return { ended: tenant.sessions.now(session) === undefined, ...told };
  }

  async silentEnds(after: string | undefined): Promise<SilentPage> {
    const [table = 0, from = 0] = (after ?? "").split(".").map(Number);
    const tenant = this.tenants[table];
    if (tenant === undefined) return Promise.resolve({ rows: [], next: undefined });
    const { rows, last } = tenant.silent.list(from, SILENT_PAGE);
    const isLast = rows.length < SILENT_PAGE;
    const next = isLast ? `${table + 1}.0` : `${table}.${last}`;
    const isEnd = isLast && table + 1 >= this.tenants.length;
    return Promise.resolve({ rows, next: isEnd ? undefined : next });
  }

  radsec(): Promise<RadsecRow[]> {
    const now = this.parts.clock.now();
    return Promise.resolve(
      this.tenants.flatMap(({ settings: { name, radsec }, doors }) =>
        radsec === undefined ? [] : [{ tenant: name, ...doors.radsecView(radsec.address, now) }],
      ),
    );
  }

  dynamic(): Promise<DynamicRow[]> {
    return Promise.resolve(
      this.tenants.map(({ settings: { name, dynamic }, doors }) => ({
        tenant: name,
        enabled: dynamic?.enabled ?? false,
        ports: doors.dynamic.ports,
        counters: { ...doors.dynamic.counters },
      })),
    );
  }

  spools(): Promise<SpoolView[]> {
    return Promise.resolve(
      this.tenants.map(({ settings, spool, parked }) => ({
        tenant: settings.name,
        waiting: (spool?.size ?? 0) + (parked?.size ?? 0),
        parked: parked?.size ?? 0,
        octets: (spool?.octets ?? 0) + (parked?.octets ?? 0),
        failing: spool?.problem !== undefined,
        problem: spool?.problem,
      })),
    );
  }

  // `async`: a tenant that there is not rejects, and does not throw.
  async drain(on: boolean, name?: string): Promise<void> {
    this.known(name);
    if (name === undefined) this.draining = on;
    for (const tenant of this.tenants) {
      if (name === undefined || name === tenant.settings.name) tenant.draining = on;
    }
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    for (const tenant of this.tenants) await tenant.stop();
    this.tenants = [];
    await this.disk?.close();
  }

  private async openTenant(settings: TenantSettings): Promise<Tenant> {
    const { clock, log } = this.parts;
    const onSession: SessionListener = (event) => {
      this.events.note(event);
      this.parts.onSession(event);
    };
    const tenant = await Tenant.open({
      ...{ settings, clock, log, onSession },
      dictionary: this.dictionary,
      disk: this.disk,
      spoolMax: () => this.settings.spoolMax,
      upstream: this.parts.upstream ?? radiusServer,
      addresses: this.parts.addresses,
    });
    tenant.draining = this.draining;
    return tenant;
  }

  private known(tenant: string | undefined): void {
    const names = this.tenants.map(({ settings: { name } }) => name);
    if (tenant === undefined || names.includes(tenant)) return;
    throw new RadiusError(
      "not-found",
      `there is no tenant "${tenant}"; name one of: ${names.join(", ")}`,
    );
  }
}

/** What is used where nobody brings another upstream: RADIUS over UDP, or over TLS. */
export function radiusServer(parts: UpstreamParts): Upstream {
  const { settings, clock, log } = parts;
  return new HomeServer({
    ...parts,
    secure: settings.tls !== undefined,
    openPort: (address, port, hooks, now) => {
      const { name, tls } = settings;
      if (tls === undefined) return new UdpPort(address, port, hooks);
      return new TlsPort({
        ...{ name, address, clock, log },
        onDatagram: (from, bytes) => hooks.onDatagram(from, bytes),
        onRefused: () => hooks.onRefused(),
        onRequest: (bytes, answer) => parts.onRequest(bytes, answer),
        settings: () => now().tls ?? tls,
      });
    },
  });
}

function dictionaryOf({ settings, log }: RadiusParts): Dictionary {
  const dictionary = builtInDictionary();
  for (const file of settings.dictionaries) {
    const faults = loadDictionary(readFileSync(file, "utf8"), file, dictionary, readBeside);
    for (const fault of faults) log.warn({ ...fault }, "dictionary line passed over");
  }
  return dictionary;
}

function readBeside(name: string, from: string): string | undefined {
  try {
    return readFileSync(isAbsolute(name) ? name : join(dirname(from), name), "utf8");
  } catch {
    return undefined;
  }
}

/** Those that may fit, in order of their ids: where a name says which, not all there are. */
function sessionsFor(table: SessionTable, { mac, userName }: SessionQuery): Iterable<Session> {
  if (mac !== undefined) return table.of(mac);
  if (userName === undefined) return table.list();
  return [...table.ofUser(userName)].sort((a, b) => a.id - b.id);
}

/** Of those whose session ended for silence. */
const SILENT_PAGE = 4096;

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
