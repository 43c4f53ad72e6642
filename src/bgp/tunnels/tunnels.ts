/**
 * Tunnels under the fabric: routes whose next hop lies behind one that is down or unverified are held back or
 * become the last choice, and what hangs on each tunnel is counted. Does nothing, and costs nothing, until a
 * tunnel with VTEPs is told of; routes suffer nothing unless an effect is configured.
 */
import type { TunnelChange, VtepItem, VtepSink } from "../../contract.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import { ControlError } from "../control.js";
import { octetsOf, TunnelGate } from "../policy/tunnel-gate.js";
import type { Policies } from "../policies.js";
import type { RouteTable } from "../rib/route-table.js";
import {
  MOST_RISKY,
  TUNNEL_ROUTE_DEFAULTS,
  type TunnelRisk,
  type TunnelRouteControl,
  type TunnelRouteSettings,
  type TunnelRoutesView,
  type TunnelVtep,
} from "./control.js";
import { TunnelCounter, type TunnelCount } from "./count.js";
import type { TextPrefix } from "./prefix.js";
import { covers, TunnelTable, type KnownTunnel } from "./table.js";
import { parseIp } from "../../fast-bgp-codec/values/ip.js";

export interface TunnelsHost {
  readonly table: RouteTable;
  readonly policies: Policies;
  later(job: SlicedJob): void;
}

/** While there are tunnels with VTEPs, so often: counts outlive the sessions that they were of. */
const COUNT_MS = 30_000;
/** VTEPs remembered; the oldest count gives way. */
const MOST_VTEPS = 10_000;
const COUNTS_AT_ONCE = 4;

/** A tunnel has gone down, and what hangs on it. */
export type TunnelAlarm = (risk: TunnelRisk) => void;

export class Tunnels implements TunnelRouteControl {
  /** Told of each tunnel that stops to carry; set once. */
  onAlarm: TunnelAlarm = () => {};
  private readonly host: TunnelsHost;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly known = new TunnelTable();
  private readonly vteps = new Map<string, TunnelVtep>();
  private readonly sinks = new Set<VtepSink>();
  private settings = TUNNEL_ROUTE_DEFAULTS;
  private expiry: TimerHandle | undefined;
  private counting: TimerHandle | undefined;
  private walking = false;
  private pending: TextPrefix[] = [];
  private counts = 0;
  private revision = 0;

  constructor(host: TunnelsHost, clock: Clock, log: Log) {
    this.host = host;
    this.clock = clock;
    this.log = log;
  }

  /** Takes effect on the routes that are there, in slices. */
  configure(settings: TunnelRouteSettings): void {
    const changed = settings.effect !== this.settings.effect;
    this.settings = settings;
    if (!changed) return;
    const { policies, table } = this.host;
    const { effect } = settings;
    policies.setTunnels(
      effect === "off" ? undefined : new TunnelGate(table.attrs, effect, this.known),
    );
    this.reconsider(this.known.list().flatMap(({ prefixes }) => prefixes));
  }

  /** The stream of tunnels goes in here. */
  take(changes: readonly TunnelChange[]): void {
    const { clock, known } = this;
    const carried = new Set(known.list().flatMap((one) => (one.carries ? [one.item.key] : [])));
    const touched = known.apply(changes, clock.now(), this.settings.holdDownSeconds * 1000);
    this.reconsider(touched);
    this.armExpiry();
    for (const one of known.list()) {
      if (carried.has(one.item.key) && !one.carries) this.alarm(one);
    }
    if (known.list().length > 0) this.armCount(0);
  }

  /** A stream of VTEPs behind tunnels; returns what ends it. */
  subscribe(sink: VtepSink): () => void {
    this.sinks.add(sink);
    const items = [...this.vteps.values()].map((one) => this.itemOf(one));
    sink([
      { kind: "reset" },
      ...items.map((item) => ({ kind: "item", item }) as const),
      { kind: "sync" },
    ]);
    return () => {
      this.sinks.delete(sink);
    };
  }

  close(): void {
    this.expiry?.cancel();
    this.counting?.cancel();
  }

  has(tunnel: string): boolean {
    return this.known.get(tunnel) !== undefined;
  }

  /** Whether the next hop would be cut off if that tunnel failed. */
  wouldCut(tunnel: string, bytes: Uint8Array, at: number, octets: number): boolean {
    return this.known.wouldCut(tunnel, bytes, at, octets);
  }

  async list(): Promise<TunnelRoutesView[]> {
    const tunnels = this.known.list();
    if (tunnels.length > 0) this.note(await this.count(() => this.anyTunnel(), 0));
    return tunnels.map((one) => this.viewOf(one));
  }

  async risk(tunnel: string): Promise<TunnelRisk> {
    if (!this.has(tunnel)) {
      throw new ControlError("not-found", `no tunnel "${tunnel}" has VTEPs behind it`);
    }
    const count = await this.count(() => this.behind(tunnel), MOST_RISKY);
    return this.riskOf(tunnel, count);
  }

  private alarm({ item }: KnownTunnel): void {
    const { key, state, reason } = item;
    void this.count(() => this.behind(key), MOST_RISKY).then(
      (count) => {
        const risk = this.riskOf(key, count);
        this.log.warn(
          {
            tunnel: key,
            state,
            reason,
            vteps: risk.vteps.map(({ address }) => address),
            routes: risk.routes,
            macs: risk.macs,
          },
          "a tunnel under the fabric does not carry: MACs behind it are at risk",
        );
        this.onAlarm(risk);
      },
      () => {
        // Too much is counted already: the next count tells.
      },
    );
  }

  /** What was counted now, and what was there when its sessions still were. */
  private riskOf(tunnel: string, { nextHops, rows }: TunnelCount): TunnelRisk {
    const counted = this.clock.wall();
    const found = new Map<string, TunnelVtep>();
    for (const one of this.vteps.values()) {
      const octets = parseIp(one.address);
      if (octets === undefined || !this.known.wouldCut(tunnel, octets, 0, octets.length)) continue;
      found.set(one.address, one);
    }
    for (const [address, { routes, macs }] of nextHops) {
      found.set(address, { address, present: true, routes, macs, counted });
    }
    const vteps = [...found.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
    return {
      tunnel,
      vteps,
      routes: vteps.reduce((sum, { routes }) => sum + routes, 0),
      macs: vteps.reduce((sum, { macs }) => sum + macs, 0),
      rows,
    };
  }

  private viewOf({ item, carries, carriesFrom }: KnownTunnel): TunnelRoutesView {
    const risk = this.riskOf(item.key, { nextHops: new Map(), rows: [] });
    return {
      tunnel: item.key,
      state: item.state,
      reason: item.reason,
      since: item.since,
      carries,
      holdDownSecondsLeft:
        carriesFrom === undefined
          ? undefined
          : Math.max(0, Math.ceil((carriesFrom - this.clock.now()) / 1000)),
      prefixes: item.vteps,
      effect: this.settings.effect,
      vteps: risk.vteps,
      routes: risk.routes,
      macsAtRisk: risk.macs,
    };
  }

  private reconsider(prefixes: readonly TextPrefix[]): void {
    if (prefixes.length === 0) return;
    this.pending.push(...prefixes);
    if (this.walking) return;
    this.walking = true;
    const now = this.pending.splice(0);
    const { table, policies } = this.host;
    const { attrs } = table;
    policies.reconsiderWhere(
      (path) => {
        const attr = table.pathReceived(path);
        const octets = octetsOf(attrs, attr);
        if (octets === 0) return false;
        const start = attrs.nextHopStart(attr);
        return now.some((one) => one.octets.length === octets && covers(one, attrs.bytes, start));
      },
      () => {
        this.walking = false;
        this.reconsider(this.pending.splice(0));
      },
    );
  }

  private armExpiry(): void {
    this.expiry?.cancel();
    this.expiry = undefined;
    const at = this.known.nextExpiry();
    if (at === undefined) return;
    this.expiry = this.clock.setTimer(Math.max(0, at - this.clock.now()), () => {
      this.reconsider(this.known.expire(this.clock.now()));
      this.armExpiry();
    });
  }

  private armCount(milliseconds: number): void {
    if (this.counting !== undefined && milliseconds > 0) return;
    this.counting?.cancel();
    this.counting = this.clock.setTimer(milliseconds, () => {
      this.counting = undefined;
      if (this.known.list().length === 0) return;
      void this.count(() => this.anyTunnel(), 0).then(
        (count) => {
          this.note(count);
          this.armCount(COUNT_MS);
        },
        () => this.armCount(COUNT_MS),
      );
    });
  }

  private behind(tunnel: string) {
    return (bytes: Uint8Array, at: number, octets: number): boolean =>
      this.known.wouldCut(tunnel, bytes, at, octets);
  }

  private anyTunnel() {
    const prefixes = this.known.list().flatMap((one) => one.prefixes);
    return (bytes: Uint8Array, at: number, octets: number): boolean =>
      prefixes.some((one) => one.octets.length === octets && covers(one, bytes, at));
  }

  private count(
    wanted: () => (bytes: Uint8Array, at: number, octets: number) => boolean,
    most: number,
  ): Promise<TunnelCount> {
    if (this.counts >= COUNTS_AT_ONCE) {
      return Promise.reject(new ControlError("busy", "other counts are under way; ask again"));
    }
    this.counts++;
    return new Promise((resolve) => {
      const now = (): number => this.clock.now();
      const job = new TunnelCounter(this.host.table, wanted(), most, now, (count) => {
        this.counts--;
        resolve(count);
      });
      this.host.later(job);
    });
  }

  /** Remembers what was counted, and tells of VTEPs that came and went. */
  private note({ nextHops }: TunnelCount): void {
    const counted = this.clock.wall();
    const changed: TunnelVtep[] = [];
    for (const [address, { routes, macs }] of nextHops) {
      const before = this.vteps.get(address);
      const one = { address, present: true, routes, macs, counted };
      this.vteps.delete(address);
      this.vteps.set(address, one);
      if (before?.present !== true || before.routes !== routes) changed.push(one);
    }
    for (const [address, one] of this.vteps) {
      if (!one.present || nextHops.has(address)) continue;
      const left = { ...one, present: false };
      this.vteps.set(address, left);
      changed.push(left);
    }
    for (const address of this.vteps.keys()) {
      if (this.vteps.size <= MOST_VTEPS) break;
      this.vteps.delete(address);
    }
    if (changed.length === 0) return;
    const items = changed.map((one) => ({ kind: "item", item: this.itemOf(one) }) as const);
    for (const sink of this.sinks) sink(items);
  }

  private itemOf({ address, present, routes, counted }: TunnelVtep): VtepItem {
    return {
      key: address,
      revision: ++this.revision,
      state: present ? "present" : "left",
      reason: present ? "" : "no route has it as next hop any more",
      since: counted,
      routes,
    };
  }
}
