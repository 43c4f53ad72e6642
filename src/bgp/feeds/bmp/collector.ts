/**
 * One collector: its connection, made again for ever with growing waits, and what is written to it.
 * Nothing is queued: the monitor writes when the connection takes, and owns no more than places in
 * common logs. A collector that falls behind further than these logs reach back is disconnected and
 * gets everything anew when it comes back.
 */
import type { TimerHandle } from "../../../util/clock.js";
import type { Connection } from "../../session/types.js";
import type { BmpCollectorView } from "../control.js";
import type { EventLog } from "../event-log.js";
import type { BmpCollectorSettings, BmpSettings } from "../settings.js";
import { encodeInitiation, encodeTermination, TerminationReason } from "./message.js";
import type { MonitoredPeer } from "./monitored-peer.js";
import { Monitor } from "./monitor.js";
import { Output } from "./output.js";
import type { FeedSources, LogPlace } from "./sources.js";
import { locRibStatistics, peerStatistics } from "./statistics.js";

/** The transport's marks: above the high one nothing is written until it says that it has drained. */
const HIGH_WATER = 256 * 1024;
const LOW_WATER = 64 * 1024;
/** Written to the connection in one go. */
const PORTION = 64 * 1024;
const LINGER_MS = 500;
/** A connection that lived this long was no failure. */
const STABLE_MS = 30_000;

export interface CollectorContext {
  readonly sources: FeedSources;
  readonly events: EventLog<MonitoredPeer>;
  readonly settings: () => BmpSettings;
  /** All that are Established. */
  readonly up: () => Iterable<MonitoredPeer>;
  /** It has something to do, or stopped having. */
  readonly wake: () => void;
  readonly changed: () => void;
}

export class Collector implements LogPlace {
  readonly settings: BmpCollectorSettings;
  private readonly context: CollectorContext;
  private connection: Connection | undefined;
  private dialling: { cancel(): void } | undefined;
  private retryTimer: TimerHandle | undefined;
  private statisticsTimer: TimerHandle | undefined;
  private monitor: Monitor | undefined;
  private readonly out = new Output();
  private blocked = false;
  private failures = 0;
  private connectedAt = 0;
  private since: number;
  private connects = 0;
  private dropped = 0;
  private octets = 0;
  private lastError: string | undefined;
  private stopped = false;

  constructor(settings: BmpCollectorSettings, context: CollectorContext) {
    this.settings = settings;
    this.context = context;
    this.since = context.sources.clock.wall();
  }

  start(): void {
    this.dial();
  }

  /** For ever; says why when it is connected. */
  stop(words: string): void {
    this.stopped = true;
    this.retryTimer?.cancel();
    this.dialling?.cancel();
    const { connection } = this;
    this.forget();
    if (connection === undefined) return;
    const { AdministrativelyClosed } = TerminationReason;
    connection.write(encodeTermination(AdministrativelyClosed, words));
    connection.end(LINGER_MS);
  }

  get isUp(): boolean {
    return this.monitor !== undefined;
  }

  wants(rib: BmpCollectorSettings["monitor"][number]): boolean {
    return this.isUp && this.settings.monitor.includes(rib);
  }

  /** Place in the event log, undefined when it reads none. */
  get eventPosition(): number | undefined {
    return this.monitor?.reader.position;
  }

  /** Place in the change log. */
  get position(): number {
    return this.monitor?.position ?? 0;
  }

  /** Called once a turn of the reflector, while it stands in the change log's way. */
  read(): boolean {
    const { log } = this.context.sources.table;
    if (log.tail - this.position > this.context.settings().backlogLimit / OCTETS_PER_ENTRY) {
      this.overflow();
    } else if (this.position < log.tail) this.context.wake();
    return false;
  }

  /** It reads too slowly: what it has not read is given up. */
  overflow(): void {
    this.dropped++;
    this.fail("it does not read fast enough: its backlog was above bmp.backlog-limit", true);
  }

  /** Whether there is something to write and the connection takes it. */
  pump(until: number): boolean {
    const { monitor, connection } = this;
    const { clock } = this.context.sources;
    if (monitor === undefined || connection === undefined) return false;
    const readsLog = monitor.readsLog && this.position < this.context.sources.table.log.tail;
    let more = true;
    while (more && this.isReady(connection)) {
      more = monitor.step();
      if (!more || this.out.pending >= PORTION) this.write(connection);
      if (clock.now() >= until) break;
    }
    this.write(connection);
    if (readsLog && this.position === this.context.sources.table.log.tail) {
      this.context.sources.kick();
    }
    return more && this.isReady(connection);
  }

  view(): BmpCollectorView {
    const { settings, monitor, connection, context } = this;
    const { log } = context.sources.table;
    return {
      name: settings.name,
      address: settings.address,
      port: settings.port,
      monitor: settings.monitor,
      state: this.isUp ? (monitor?.isWalking === true ? "synchronizing" : "up") : "down",
      since: this.since,
      lastError: this.lastError,
      connects: this.connects,
      dropped: this.dropped,
      messages: this.out.messages,
      octets: this.octets,
      pendingBytes: connection?.pendingBytes ?? 0,
      backlogBytes: monitor === undefined ? 0 : 4 * (context.events.tail - monitor.reader.position),
      backlogEntries: monitor?.readsLog === true ? log.tail - monitor.position : 0,
    };
  }

  private isReady(connection: Connection): boolean {
    const pending = connection.pendingBytes;
    this.blocked = pending > (this.blocked ? LOW_WATER : HIGH_WATER);
    return !this.blocked;
  }

  private write(connection: Connection): void {
    for (const bytes of this.out.take()) {
      this.octets += bytes.length;
      connection.write(bytes);
    }
  }

  private dial(): void {
    this.retryTimer = undefined;
    this.dialling = this.context.sources.dial(
      this.settings,
      (connection) => this.connected(connection),
      (error) => this.fail(`cannot connect: ${error.message}`, false),
    );
  }

  private connected(connection: Connection): void {
    const { context, settings } = this;
    const { sources } = context;
    this.dialling = undefined;
    this.connection = connection;
    this.blocked = false;
    this.connects++;
    this.connectedAt = sources.clock.now();
    this.since = sources.clock.wall();
    this.lastError = undefined;
    connection.onBytes = (_bytes, start, end) => end - start;
    connection.onDrain = () => context.wake();
    connection.onClosed = (error) =>
      this.fail(error?.message ?? "the collector closed the connection", false);
    const { sysName, sysDescription } = context.settings();
    this.out.push(encodeInitiation(sysName, sysDescription));
    this.monitor = new Monitor(sources, context.events, context.up(), settings, this.out);
    if (this.monitor.readsLog) sources.attach(this);
    connection.resume();
    this.armStatistics();
    sources.log.info({ collector: settings.name }, "BMP collector connected");
    context.changed();
    context.wake();
  }

  private fail(why: string, isOwnWill: boolean): void {
    const { clock, log } = this.context.sources;
    const { connection } = this;
    const was = this.isUp;
    this.dialling = undefined;
    this.lastError = why;
    this.since = clock.wall();
    if (was && !isOwnWill && clock.now() - this.connectedAt >= STABLE_MS) this.failures = 0;
    this.forget();
    if (isOwnWill) connection?.destroy();
    const { connectRetry, connectRetryMax, name } = this.settings;
    const wait = Math.min(connectRetry * 2 ** Math.min(this.failures, 20), connectRetryMax);
    this.failures++;
    const level = was ? "warn" : "debug";
    log[level]({ collector: name, why, retrySeconds: wait }, "BMP collector lost");
    if (!this.stopped) this.retryTimer = clock.setTimer(wait * 1000, () => this.dial());
  }

  /** Nothing of the connection's remains; its places are given up. */
  private forget(): void {
    if (this.monitor === undefined) return;
    if (this.monitor.readsLog) this.context.sources.detach(this);
    this.monitor = undefined;
    this.connection = undefined;
    this.statisticsTimer?.cancel();
    this.out.take();
    this.context.changed();
  }

  private armStatistics(): void {
    const { statisticsInterval } = this.settings;
    if (statisticsInterval === 0) return;
    this.statisticsTimer = this.context.sources.clock.setTimer(statisticsInterval * 1000, () => {
      this.armStatistics();
      this.reportStatistics();
    });
  }

  private reportStatistics(): void {
    const { monitor, connection } = this;
    if (monitor === undefined || connection === undefined || !this.isReady(connection)) return;
    const { sources } = this.context;
    for (const peer of monitor.peersUp) {
      const message = peerStatistics(sources, peer, this.settings.monitor);
      if (message !== undefined) this.out.push(message);
    }
    if (monitor.locRibStream !== undefined) {
      this.out.push(locRibStatistics(sources, monitor.locRibStream.peer));
    }
    this.write(connection);
  }
}

/** What a log entry may keep alive: itself, and the tombstone of a destination. */
const OCTETS_PER_ENTRY = 128;
