/**
 * The watch over tunnels, put together: hears what the driver tells, keeps events, traces and diagnoses, and
 * answers the views. Nothing here changes a tunnel unless an operator, or a monitor that is to rekey, says so.
 */
import type { TunnelSink, VtepChange } from "../../contract.js";
import type { Store } from "../../store/index.js";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { tunnelMtu } from "../check/mtu.js";
import { Diagnoser, type DiagnosedTunnel } from "../diagnosis/diagnoser.js";
import type { Diagnosis } from "../diagnosis/fault.js";
import type { DriverControl, DriverEvent, TunnelFacts } from "../live/control.js";
import { OURS, type IkeSa } from "../live/index.js";
import type { TunnelSide } from "../model/index.js";
import { completionText } from "../trace/completion.js";
import { TraceBook, type Trace } from "../trace/trace-book.js";
import { cookieList, type CookieList } from "../views/cookies.js";
import { cryptoIpsecList, type CryptoIpsecRow } from "../views/crypto-ipsec.js";
import { isakmpList, type IsakmpList } from "../views/isakmp-sa.js";
import { saList, type SaList, type ViewedTunnel } from "../views/sa-list.js";
import { statusRows, type StatusRow } from "../views/status.js";
import type {
  DecodedIke,
  DecodeOrder,
  PacketSize,
  Reach,
  TunnelPing,
  TunnelPingResult,
  TunnelView,
  WatchControl,
  WatchOverview,
} from "./control.js";
import { decodeOrder } from "./decode-order.js";
import { WatchError } from "./error.js";
import { EventLog, type EventQuery, type IpsecEvent } from "./event-log.js";
import { addressText, eventOf } from "./event-words.js";
import type { TunnelHealth } from "./health.js";
import type { InstalledTunnels, NumberedTunnel } from "./installed-tunnels.js";
import { Observer } from "./observer.js";
import type { RunProgram } from "./ping.js";
import { countersOf, measurePacket, pingTunnel, reachOf } from "./tests-by-hand.js";
import { TunnelStream } from "./tunnel-stream.js";
import { VtepBook } from "./vtep-book.js";

export interface WatchParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly store?: Store | undefined;
  readonly driver: DriverControl;
  readonly run: RunProgram;
  /** Gateway of the model that this is. */
  readonly gateway: () => string;
  /** What is installed, and what the configuration would have. */
  readonly installed: InstalledTunnels;
  readonly candidate: () => readonly TunnelSide[];
  /** Wall-clock milliseconds, of a certificate by its name in the secret store. */
  readonly certificateEnd?: (name: string) => number | undefined;
}

/** Pings by hand, and searches for the largest packet, under way at once. */
const MOST_TESTS = 4;
const LONGEST_TRACE = 3600;
const MOST_REACHED = 32;

export class IpsecWatch implements WatchControl {
  private readonly parts: WatchParts;
  private readonly log: EventLog;
  private readonly traces = new TraceBook();
  private readonly stream = new TunnelStream();
  private readonly vteps = new VtepBook();
  private readonly diagnoser: Diagnoser;
  private readonly observer: Observer;
  private unsubscribe = (): void => {};
  private tests = 0;

  constructor(parts: WatchParts) {
    this.parts = parts;
    this.log = new EventLog(parts.clock, parts.store);
    this.diagnoser = new Diagnoser({
      byConnection: (connection) => parts.installed.byConnection(connection),
      byAddresses: (local, remote) => parts.installed.byAddresses(local, remote),
      found: (diagnosis) => this.found(diagnosis),
    });
    this.observer = new Observer({
      clock: parts.clock,
      driver: parts.driver,
      diagnoser: this.diagnoser,
      run: parts.run,
      tunnels: () => parts.installed.list(),
      changed: (tunnel, health, before) => this.changed(tunnel, health, before),
      decrypted: (tunnel, facts) => this.decrypted(tunnel, facts),
      looked: (names) => this.stream.keepOnly(names),
    });
  }

  /** Never rejects. */
  async start(): Promise<void> {
    await this.log.restore();
    this.unsubscribe = this.parts.driver.subscribe((event) => this.take(event));
    await this.parts.driver.listenToLog(true).catch(() => {
      // It is asked for again with the connection.
    });
    this.observer.start();
  }

  async stop(): Promise<void> {
    this.unsubscribe();
    this.observer.stop();
    await this.log.close();
  }

  /** For whoever routes by tunnels; returns what ends it. */
  subscribe(sink: TunnelSink): () => void {
    return this.stream.subscribe(sink);
  }

  /** The speaker's stream of VTEPs goes in here. */
  takeVteps(changes: readonly VtepChange[]): void {
    this.vteps.take(changes);
  }

  /** Events that something else noticed: secrets, installs. */
  note(tunnel: string, action: string, info: string, alert = false): void {
    const side = this.parts.installed.named(tunnel)?.side;
    this.log.add({
      tunnel,
      interface: side?.outgoingInterface ?? "",
      origin: side?.local.name ?? this.parts.gateway(),
      type: alert ? "alert" : "log",
      action,
      source: addressText(side, "local"),
      destination: addressText(side, "remote"),
      info,
    });
  }

  overview(): Promise<WatchOverview> {
    const { connected, problem, version, since, planned, loaded } = this.parts.driver.daemon();
    return Promise.resolve({
      gateway: this.parts.gateway(),
      daemon: { connected, problem, version, since, planned, loaded },
      tunnels: this.views(),
    });
  }

  /** At once, for metrics. */
  views(): TunnelView[] {
    const facts = this.facts();
    return this.parts.installed.list().map(({ side }) => this.viewOf(side, facts.get(side.tunnel)));
  }

  async status(): Promise<StatusRow[]> {
    const tunnels = (await this.viewed()).map((one) => ({
      ...one,
      health: this.healthOf(one.side),
    }));
    return statusRows(tunnels, (tunnel) => this.diagnoser.current(tunnel)?.remedy ?? "");
  }

  async saList(activeOnly: boolean): Promise<SaList> {
    return saList(await this.viewed(), activeOnly);
  }

  async cookies(): Promise<CookieList> {
    return cookieList(await this.viewed(), ({ tunnel, authentication }) => ({
      errors: this.diagnoser.errorCount(tunnel),
      certificateExpiry:
        authentication.kind === "certificate"
          ? this.secondsLeft(authentication.own.certificate)
          : undefined,
    }));
  }

  async isakmp(): Promise<IsakmpList> {
    return isakmpList(await this.viewed());
  }

  async cryptoIpsec(tunnel?: string): Promise<CryptoIpsecRow[]> {
    return cryptoIpsecList(await this.viewed(tunnel), (side) => tunnelMtu(side).overhead);
  }

  events(query: EventQuery): Promise<IpsecEvent[]> {
    return Promise.resolve(this.log.list(query));
  }

  diagnoses(tunnel?: string, alsoEnded = false): Promise<Diagnosis[]> {
    return Promise.resolve(this.diagnoser.list(tunnel, alsoEnded));
  }

  async trace(tunnel: string): Promise<Trace> {
    this.mustBeHere(tunnel);
    return Promise.resolve(this.traces.view(tunnel, this.parts.clock.now()));
  }

  async startTrace(tunnel: string, seconds: number): Promise<Trace> {
    this.mustBeHere(tunnel);
    const { clock } = this.parts;
    const span = Math.max(1, Math.min(LONGEST_TRACE, seconds));
    if (!this.traces.start(tunnel, span, clock.now(), clock.wall())) {
      throw new WatchError("busy", "too many traces are on: stop one of them first");
    }
    return this.trace(tunnel);
  }

  async stopTrace(tunnel: string): Promise<Trace> {
    this.mustBeHere(tunnel);
    this.traces.stop(tunnel);
    return this.trace(tunnel);
  }

  async clearTrace(tunnel: string): Promise<Trace> {
    this.mustBeHere(tunnel);
    this.traces.clear(tunnel);
    return this.trace(tunnel);
  }

  async clear(tunnel: string): Promise<void> {
    this.mustBeHere(tunnel);
    this.note(tunnel, "negotiation", "cleared by an operator: both phases begin anew");
    await this.parts.driver.renegotiate(tunnel);
  }

  async initiate(tunnel: string): Promise<void> {
    this.mustBeHere(tunnel);
    await this.parts.driver.initiate(tunnel);
  }

  async terminate(tunnel: string): Promise<number> {
    this.mustBeHere(tunnel);
    this.note(tunnel, "key delete", "ended by an operator");
    return this.parts.driver.terminate(tunnel);
  }

  async rekey(tunnel: string, what: "ike" | "child"): Promise<void> {
    this.mustBeHere(tunnel);
    await this.parts.driver.rekey(tunnel, what);
  }

  async ping(order: TunnelPing): Promise<TunnelPingResult> {
    const { side } = this.mustBeHere(order.tunnel);
    return this.test(() => pingTunnel(this.hand(), side, order));
  }

  async packetSize(order: TunnelPing): Promise<PacketSize> {
    const { side } = this.mustBeHere(order.tunnel);
    return this.test(() => measurePacket(this.hand(), side, order));
  }

  async reach(tunnel?: string): Promise<Reach[]> {
    const sides = new Map(this.parts.installed.list().map(({ side }) => [side.tunnel, side]));
    for (const side of this.parts.candidate()) sides.set(side.tunnel, side);
    const chosen = [...sides.values()].filter(
      (side) => tunnel === undefined || side.tunnel === tunnel,
    );
    if (tunnel !== undefined && chosen.length === 0) throw absent(tunnel);
    if (chosen.length > MOST_REACHED) {
      throw new WatchError("invalid", `there are ${chosen.length} tunnels: name one of them`);
    }
    return this.test(async () => {
      const found = await Promise.all(chosen.map((side) => reachOf(this.parts.run, side)));
      return found.flat();
    });
  }

  async decode(order: DecodeOrder): Promise<DecodedIke> {
    return Promise.resolve(decodeOrder(order));
  }

  private secondsLeft(certificate: string): number | undefined {
    const end = this.parts.certificateEnd?.(certificate);
    if (end === undefined) return undefined;
    return Math.max(0, Math.floor((end - this.parts.clock.wall()) / 1000));
  }

  private take(event: DriverEvent): void {
    const wall = this.parts.clock.wall();
    switch (event.kind) {
      case "daemon-up":
        // The log of the new connection has to be asked for.
        void this.parts.driver.listenToLog(true).catch(() => {});
        this.observer.soon();
        return;
      case "daemon-down":
        this.note("", "state", `IKE daemon away: ${event.problem}`, true);
        this.observer.soon();
        return;
      case "tunnel-up":
      case "tunnel-down":
      case "coverage":
        this.observer.soon();
        return;
      case "backup":
        this.note(
          event.tunnel,
          "state",
          event.active ? "takes over as backup" : "gives back",
          true,
        );
        return;
      default:
        this.diagnoser.take(event, wall);
        this.record(event, wall);
        if (event.kind !== "log") this.observer.soon();
    }
  }

  private record(
    event: Exclude<DriverEvent, { tunnel: string } | { kind: "daemon-up" | "daemon-down" }>,
    wall: number,
  ): void {
    const { clock } = this.parts;
    const connection = event.kind === "log" ? event.connection : event.sa.connection;
    const tunnel =
      connection === undefined ? undefined : this.parts.installed.byConnection(connection);
    if (tunnel === undefined) return;
    const { side, id } = tunnel;
    const line = eventOf(event, side);
    if (line !== undefined) this.log.add(line);
    if (!this.traces.isOn(clock.now())) return;
    const peer = addressText(side, "remote");
    if (event.kind === "log") return this.traces.take(side.tunnel, peer, event, clock.now(), wall);
    const text = completionText(event, side, id);
    if (text !== undefined) this.traces.note(side.tunnel, peer, text, clock.now(), wall);
  }

  private found(diagnosis: Diagnosis): void {
    const { tunnel, code, text, remedy } = diagnosis;
    this.note(tunnel, "diagnosis", `${code}: ${text}; ${remedy}`, true);
    this.parts.log.warn({ tunnel, fault: code, remedy }, `IPsec: ${text}`);
    this.observer.soon();
  }

  private changed(
    { side }: DiagnosedTunnel,
    health: TunnelHealth,
    before: TunnelHealth | undefined,
  ): void {
    this.stream.update(side, health);
    if (before?.state === health.state) return;
    // What was never up has not gone down: the first look is no news.
    if (before === undefined && health.state === "down") return;
    const bad = health.state !== "up";
    this.note(side.tunnel, "state", `${health.state}: ${health.reason}`, bad);
    const facts = { tunnel: side.tunnel, state: health.state, reason: health.reason };
    if (bad) this.parts.log.warn(facts, "IPsec tunnel is not well");
    else this.parts.log.info(facts, "IPsec tunnel is up");
  }

  private decrypted({ side }: DiagnosedTunnel, { sas }: TunnelFacts): void {
    const sa = sas[0];
    this.log.add({
      tunnel: side.tunnel,
      interface: side.outgoingInterface,
      origin: side.local.name,
      type: "log",
      action: "decrypt",
      source: sa?.remoteHost ?? addressText(side, "remote"),
      destination: sa?.localHost ?? addressText(side, "local"),
      info: "first packets of the peer decrypted",
    });
  }

  private viewOf(side: TunnelSide, facts: TunnelFacts | undefined): TunnelView {
    const health = this.healthOf(side);
    const sas = facts?.sas ?? [];
    const { encaps, decaps } = countersOf(sas);
    const children = sas.flatMap((sa) => sa.children);
    return {
      tunnel: side.tunnel,
      kind: side.kind,
      local: side.local.name,
      remote: side.remote.name,
      state: health.state,
      reason: health.reason,
      since: health.since,
      monitor: health.monitor,
      held: facts?.held === true,
      loaded: facts?.loaded === true,
      packetsIn: decaps,
      packetsOut: encaps,
      octetsIn: children.reduce((sum, child) => sum + child.bytesIn, 0),
      octetsOut: children.reduce((sum, child) => sum + child.bytesOut, 0),
      uncovered: health.uncovered,
      vteps: side.remoteVteps,
      vtepsSeen: this.vteps.behind(side.remoteVteps),
      diagnosis: this.diagnoser.current(side.tunnel),
    };
  }

  private healthOf(side: TunnelSide): TunnelHealth {
    const { tunnel } = side;
    const reason = "it was not looked at yet";
    const since = this.parts.clock.wall();
    return (
      this.observer.health(tunnel) ?? {
        tunnel,
        state: "down",
        reason,
        since,
        monitor: "off",
        uncovered: [],
      }
    );
  }

  /** With SAs as of this moment. */
  private async viewed(tunnel?: string): Promise<ViewedTunnel[]> {
    if (tunnel !== undefined) this.mustBeHere(tunnel);
    const sas = await this.parts.driver.sas(tunnel);
    const byConnection = new Map<string, IkeSa[]>();
    for (const sa of sas) {
      const list = byConnection.get(sa.connection);
      if (list === undefined) byConnection.set(sa.connection, [sa]);
      else list.push(sa);
    }
    return this.parts.installed
      .list()
      .filter(({ side }) => tunnel === undefined || side.tunnel === tunnel)
      .map(({ side, id }) => ({
        side,
        sas: byConnection.get(OURS + side.tunnel) ?? [],
        monitor: this.observer.monitorState(side.tunnel),
        id,
      }));
  }

  private facts(): Map<string, TunnelFacts> {
    return new Map(this.parts.driver.tunnels().map((one) => [one.tunnel, one]));
  }

  private mustBeHere(tunnel: string): NumberedTunnel {
    const found = this.parts.installed.named(tunnel);
    if (found === undefined) throw absent(tunnel);
    return found;
  }

  private hand(): { run: RunProgram; sas: DriverControl["sas"] } {
    return { run: this.parts.run, sas: (tunnel) => this.parts.driver.sas(tunnel) };
  }

  private async test<T>(work: () => Promise<T>): Promise<T> {
    if (this.tests >= MOST_TESTS) {
      throw new WatchError("busy", "other tests are under way: try again when they are done");
    }
    this.tests++;
    try {
      return await work();
    } finally {
      this.tests--;
    }
  }
}

function absent(tunnel: string): WatchError {
  return new WatchError(
    "not-found",
    `no tunnel "${tunnel}" is installed here; evpnctl ipsec show lists them`,
  );
}
