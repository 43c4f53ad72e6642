/** One relay: the listeners, servers, sessions and spool of one tenant, wired. */
import { isIPv4 } from "node:net";
import type { Clock, TimerHandle } from "../util/clock.js";
import type { Log } from "../util/log.js";
import { LogRate } from "../util/log-rate.js";
import { Addresses } from "./address/addresses.js";
import { DhcpSource } from "./address/dhcp-source.js";
import { LocalSource } from "./address/local-source.js";
import type { AddressSource } from "./address/source.js";
import type { Dictionary } from "./dictionary/dictionary.js";
import { Accounting } from "./relay/accounting.js";
import { Authentication } from "./relay/authentication.js";
import { TenantDoors } from "./doors.js";
import { Dispatch } from "./relay/dispatch.js";
import { RouteTable } from "./relay/routing.js";
import { Side } from "./server/side.js";
import type { Prepared } from "./server/side.js";
import type { SessionEvent } from "./session/session.js";
import { SessionStore } from "./session/session-store.js";
import { SESSIONS_MAX, SessionTable } from "./session/session-table.js";
import { SilentEnds } from "./session/silent-ends.js";
import type { HomeServerSettings, TenantSettings } from "./settings.js";
import type { Disk } from "./spool/disk.js";
import { Replay } from "./spool/replay.js";
import { Spool } from "./spool/spool.js";
import { Fleet } from "./upstream/fleet.js";
import type { Kind, Upstream } from "./upstream/upstream.js";

/** What makes a server of its settings: RADIUS over UDP, unless somebody brings another. */
export interface UpstreamParts {
  readonly settings: HomeServerSettings;
  readonly kind: Kind;
  readonly clock: Clock;
  readonly log: Log;
  readonly dictionary: Dictionary;
  relayAddress(): Uint8Array | undefined;
  onHealth(server: Upstream): void;
  /** The server asks us: Disconnect and CoA down its connection. */
  onRequest(bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void;
}

export interface TenantParts {
  readonly settings: TenantSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly dictionary: Dictionary;
  readonly disk: Disk | undefined;
  readonly spoolMax: () => number;
  readonly upstream: (parts: UpstreamParts) => Upstream;
  /** In place of the sources of the settings. */
  readonly addresses?: AddressSource | undefined;
  onSession(event: SessionEvent): void;
}

const KINDS = ["authentication", "accounting"] as const;
const TICK_MS = 200;

export class Tenant {
  readonly sessions: SessionTable;
  /** Whose session ended for silence. */
  readonly silent: SilentEnds;
  readonly spool: Spool | undefined;
  /** Accounting that home servers do not answer, while they answer other. */
  readonly parked: Spool | undefined;
  /** TLS for clients, Disconnect and CoA. */
  readonly doors: TenantDoors;
  private readonly addresses: Addresses;
  draining = false;
  private readonly parts: TenantParts;
  private current: TenantSettings;
  private readonly fleets: Readonly<Record<Kind, Fleet>>;
  private readonly replay: Replay | undefined;
  private readonly sessionStore: SessionStore | undefined;
  private readonly bySide = new Map<Kind, Side>();
  private routes: RouteTable;
  private relayAddress: Uint8Array | undefined;
  private timer: TimerHandle | undefined;
  private stopped = false;

  private constructor(parts: TenantParts) {
    const { settings, clock, log, disk } = parts;
    this.parts = parts;
    this.current = settings;
    this.routes = new RouteTable(settings.routes);
    this.relayAddress = relayAddressOf(settings);
    const { name: tenant } = settings;
    this.fleets = {
      authentication: this.fleet("authentication"),
      accounting: this.fleet("accounting"),
    };
    if (disk !== undefined) {
      this.sessionStore = new SessionStore({ disk, tenant, clock, log });
      const onFilled = (): void => this.replay?.run();
      const parked = new Spool({
        ...{ disk, tenant, onFilled, root: "parked" },
        // What goes there was counted when it came.
        maxOctets: () => Infinity,
        onAlarm: () => {},
      });
      this.parked = parked;
      this.spool = new Spool({
        ...{ disk, tenant, onFilled },
        maxOctets: () => parts.spoolMax() - parked.octets,
        onAlarm: (problem) => {
          if (problem === undefined) log.info({ tenant }, "the spool has room again");
          else log.error({ tenant }, problem);
        },
      });
      const { pools } = this.fleets.accounting;
      const { spool } = this;
      this.replay = new Replay({ clock, log, spool, parked, pools, random: Math.random });
    }
    this.addresses = new Addresses({
      clock,
      log,
      leased: (mac, startedAt, lease) => this.sessions.leased(mac, startedAt, lease),
      of: (mac) => this.sessions.of(mac),
    });
    this.silent = new SilentEnds((change) => this.sessionStore?.noteSilent(change));
    const fullness = new LogRate(clock);
    const doubles = new LogRate(clock);
    this.sessions = new SessionTable({
      tenant,
      rules: () => this.current,
      wall: () => clock.wall(),
      onEvent: (event) => {
        this.sessionStore?.note(event);
        this.silent.note(event, clock.wall());
        if (event.kind === "ended") this.addresses.end(event.session, event.reason);
        parts.onSession(event);
      },
      onFull: () => {
        const suppressed = fullness.pass("");
        if (suppressed === undefined) return;
        const fields = { tenant, sessions: SESSIONS_MAX, ...LogRate.fields(suppressed) };
        log.error(fields, "too many sessions: subscribers are let in without one");
      },
      onBegun: (session, accept) => this.addresses.begin({ session, accept }),
      onTwice: (session, other) => {
        const { mac, userName, accessPoint } = session;
        const suppressed = doubles.pass(mac);
        if (suppressed === undefined) return;
        const who = { tenant, mac, userName, accessPoint, ...LogRate.fields(suppressed) };
        log.warn(
          { ...who, otherUser: other.userName, otherAccessPoint: other.accessPoint },
          "the same MAC twice: two users have it at two access points; both sessions go on",
        );
      },
    });
    this.doors = new TenantDoors({
      ...{ clock, log, disk, sessions: this.sessions, dictionary: parts.dictionary },
      settings: () => this.current,
      side: (kind) => this.bySide.get(kind),
    });
    for (const kind of KINDS) {
      const listener = settings[kind];
      if (listener !== undefined) this.bySide.set(kind, this.side(kind, listener));
    }
  }

  /** Opens the ports; rejects with the system's error when one is taken. */
  static async open(parts: TenantParts): Promise<Tenant> {
    const tenant = new Tenant(parts);
    const { disk } = parts;
    const { spool, parked, sessionStore: store } = tenant;
    if (disk !== undefined && spool !== undefined && store !== undefined) {
      await disk.whenOpen(async () => {
        tenant.sessions.restore(await store.read());
        for (const session of tenant.sessions.list()) tenant.addresses.adopt(session);
        const hasSession = (mac: string): boolean => tenant.sessions.find(mac) !== undefined;
        tenant.silent.restore(await store.readSilent(), hasSession);
        await tenant.doors.dynamic.load();
        await spool.load();
        await parked?.load();
        tenant.tellStranded();
      });
    }
    try {
      const source = await tenant.openSource(parts.settings);
      tenant.addresses.setSource(source, tenant.sessions.list());
      for (const side of tenant.sides) await side.open();
      await tenant.doors.open();
    } catch (error) {
      await tenant.stop();
      throw error;
    }
    tenant.tick();
    return tenant;
  }

  get settings(): TenantSettings {
    return this.current;
  }

  get sides(): Side[] {
    return [...this.bySide.values()];
  }

  get servers(): Upstream[] {
    return KINDS.flatMap((kind) => this.fleets[kind].servers);
  }

  /**
   * Gets ready for other settings of the same name without changing anything.
   * Rejects with the system's error when a port cannot be opened.
   */
  async prepare(next: TenantSettings): Promise<Prepared> {
    const ready: { readonly kind: Kind; readonly side: Side; readonly prepared: Prepared }[] = [];
    let source: AddressSource | undefined;
    let doors: Prepared | undefined;
    const discard = (): void => {
      doors?.discard();
      for (const { prepared } of ready) prepared.discard();
      source?.close();
    };
    const moves = JSON.stringify(next.addresses) !== JSON.stringify(this.current.addresses);
    try {
      if (moves) source = await this.openSource(next);
      for (const kind of KINDS) {
        const listener = next[kind];
        const side = this.bySide.get(kind);
        if (listener === undefined) continue;
        if (side === undefined) {
          const fresh = this.side(kind, listener);
          await fresh.open();
          const prepared = { commit: () => Promise.resolve(), discard: () => fresh.close() };
          ready.push({ kind, side: fresh, prepared });
        } else ready.push({ kind, side, prepared: await side.prepare(listener) });
      }
      doors = await this.doors.prepare(next);
    } catch (error) {
      discard();
      throw error;
    }
    return {
      commit: async () => {
        for (const { prepared } of ready) await prepared.commit();
        this.take(next, new Map(ready.map(({ kind, side }) => [kind, side])));
        await doors?.commit();
        this.doors.configured();
        if (moves) this.addresses.setSource(source, this.sessions.list());
      },
      discard,
    };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.replay?.stop();
    this.addresses.stop();
    this.sessions.close();
    this.doors.close();
    for (const kind of KINDS) this.fleets[kind].close();
    for (const side of this.sides) side.close();
    await this.sessionStore?.close();
  }

  /** Accounting of pools that are no more waits until they are back: nobody else may have it. */
  private tellStranded(): void {
    const { pools } = this.fleets.accounting;
    for (const spool of [this.spool, this.parked]) {
      for (const pool of spool?.pools ?? []) {
        const waiting = spool?.waiting(pool) ?? 0;
        if (waiting === 0 || pools.has(pool)) continue;
        const fields = { tenant: this.current.name, pool, waiting };
        const remedy = "it waits until there is one of that name";
        this.parts.log.error(
          fields,
          `accounting on disk is for a pool that is not configured: ${remedy}`,
        );
      }
    }
  }

  /** What cannot fail. */
  private take(next: TenantSettings, sides: ReadonlyMap<Kind, Side>): void {
    for (const [kind, side] of this.bySide) if (!sides.has(kind)) side.close();
    this.bySide.clear();
    for (const kind of KINDS) {
      const side = sides.get(kind);
      if (side !== undefined) this.bySide.set(kind, side);
    }
    this.current = next;
    this.routes = new RouteTable(next.routes);
    this.relayAddress = relayAddressOf(next);
    for (const kind of KINDS) {
      const gone = new Set(this.fleets[kind].configure(next));
      if (gone.size > 0) this.moveFrom(kind, gone);
    }
    this.tellStranded();
  }

  /** Rejects with the system's error when the relay address cannot be listened on. */
  private async openSource({ addresses }: TenantSettings): Promise<AddressSource | undefined> {
    if (this.parts.addresses !== undefined) return this.parts.addresses;
    if (addresses === undefined) return undefined;
    return addresses.source === "local"
      ? new LocalSource(addresses)
      : DhcpSource.open(addresses, this.parts.clock);
  }

  private fleet(kind: Kind): Fleet {
    const { clock, log, dictionary, upstream } = this.parts;
    return new Fleet(this.current, (settings) =>
      upstream({
        settings,
        kind,
        clock,
        log,
        dictionary,
        relayAddress: () => this.relayAddress,
        onHealth: (server) => this.onHealth(server),
        onRequest: (bytes, answer) => this.doors.dynamic.fromTls(settings.name, bytes, answer),
      }),
    );
  }

  private side(kind: Kind, settings: NonNullable<TenantSettings[Kind]>): Side {
    const { clock, log } = this.parts;
    const { spool, replay, sessions } = this;
    const { pools } = this.fleets[kind];
    const dispatch = new Dispatch(clock);
    const disk = spool === undefined || replay === undefined ? undefined : { spool, replay };
    return new Side(settings, {
      kind,
      clock,
      log,
      profile: () => this.current.profile,
      draining: () => this.draining,
      flow: (side) => {
        const common = {
          ingress: () => side.ingress,
          settings: () => side.settings,
          routes: () => this.routes,
          ...{ clock, log, dispatch, pools, sessions, disk },
          requireServiceAttributes: () => this.current.requireServiceAttributes,
          stopped: () => this.stopped,
        };
        return kind === "authentication" ? new Authentication(common) : new Accounting(common);
      },
    });
  }

  private onHealth(server: Upstream): void {
    if (server.state === "alive" && server.kind === "accounting") this.replay?.run();
    if (server.state === "dead") this.moveFrom(server.kind, new Set([server]));
  }

  private moveFrom(kind: Kind, servers: ReadonlySet<Upstream>): void {
    this.bySide.get(kind)?.flow.moveFrom(({ upstream }) => {
      return upstream !== undefined && servers.has(upstream);
    });
  }

  private tick(): void {
    const now = this.parts.clock.now();
    for (const { ingress, flow } of this.sides) {
      flow.expire(now);
      ingress.expire(now);
    }
    for (const server of this.servers) server.tick();
    this.doors.tick(now);
    this.replay?.run();
    this.sessions.expire();
    this.silent.expire(this.parts.clock.wall());
    this.addresses.tick();
    this.timer = this.parts.clock.setTimer(TICK_MS, () => this.tick());
  }
}

function relayAddressOf({ relayAddress, accounting }: TenantSettings): Uint8Array | undefined {
  const address = relayAddress ?? accounting?.address ?? "";
  return isIPv4(address) && address !== "0.0.0.0"
    ? Uint8Array.from(address.split(".").map(Number))
    : undefined;
}
