/**
 * BMP (RFC 7854, 8671, 9069): tells collectors what the tables hold and how they change. Collects
 * events only while a collector is connected, and of messages sent only when one asked for them.
 */
import type { Family } from "../../../fast-bgp-codec/family.js";
import { MessageType } from "../../../fast-bgp-codec/iana.js";
import type { PathSink } from "../../rib/index.js";
import type { MessageTap, SessionDown, TappedSession } from "../../session/types.js";
import type { BmpCollectorView } from "../control.js";
import { EventKind, EventLog, MOST_SENT } from "../event-log.js";
import type { BmpCollectorSettings, BmpSettings } from "../settings.js";
import { Collector } from "./collector.js";
import type { Stamp } from "./message.js";
import { MonitoredPeer } from "./monitored-peer.js";
import type { FeedSources } from "./sources.js";

/** Longest stretch of writing between two turns of the event loop. */
const BUDGET_MS = 4;

export class BmpFeed implements MessageTap, PathSink {
  private settings: BmpSettings;
  private readonly sources: FeedSources;
  private readonly events: EventLog<MonitoredPeer>;
  /** By session id. */
  private readonly peers = new Map<number, MonitoredPeer>();
  private collectors: Collector[] = [];
  /** What makes changes of the table known here, and messages; false switches it off. */
  private readonly listen: (paths: boolean, messages: boolean) => void;
  private wantsPaths = false;
  private wantsSent = false;
  private anybody = false;
  private scheduled = false;
  private pumps = 0;

  constructor(
    settings: BmpSettings,
    sources: FeedSources,
    listen: (paths: boolean, messages: boolean) => void,
  ) {
    this.settings = settings;
    this.sources = sources;
    this.listen = listen;
    this.events = new EventLog(() => this.settings.backlogLimit);
    this.events.onOverflow = (kept) => this.dropBehind(kept);
  }

  start(): void {
    this.learnSessions();
    for (const settings of this.settings.collectors) this.add(settings);
  }

  stop(words: string): void {
    for (const collector of this.collectors.splice(0)) collector.stop(words);
  }

  /** What was done, a line each. A collector whose settings did not change keeps its connection. */
  apply(next: BmpSettings, renew = false): string[] {
    const before = this.settings;
    this.settings = next;
    this.learnSessions();
    const done: string[] = [];
    const renamed =
      renew || before.sysName !== next.sysName || before.sysDescription !== next.sysDescription;
    const kept = new Set<string>();
    for (const collector of [...this.collectors]) {
      const same = next.collectors.find((one) => equal(one, collector.settings));
      if (same !== undefined && !renamed) {
        kept.add(same.name);
        continue;
      }
      this.collectors = this.collectors.filter((one) => one !== collector);
      collector.stop("its configuration changed");
      done.push(`bmp collector ${collector.settings.name}: stopped`);
    }
    for (const settings of next.collectors) {
      if (kept.has(settings.name)) continue;
      this.add(settings);
      done.push(`bmp collector ${settings.name}: started`);
    }
    if (before.backlogLimit !== next.backlogLimit) {
      done.push(`bmp backlog-limit ${next.backlogLimit} octets`);
    }
    return done;
  }

  views(): BmpCollectorView[] {
    const views = new Map(this.collectors.map((one) => [one.settings.name, one.view()]));
    return this.settings.collectors.flatMap(({ name }) => views.get(name) ?? []);
  }

  get eventLogBytes(): number {
    return this.events.usedBytes;
  }

  // From sessions.

  received(session: TappedSession, bytes: Uint8Array, start: number, end: number): void {
    if (bytes[start + 18] !== MessageType.Notification) return;
    this.notified(session, bytes.slice(start, end), true);
  }

  sent(session: TappedSession, bytes: Uint8Array): void {
    const type = bytes[18];
    if (type === MessageType.Notification) this.notified(session, bytes, false);
    if (!this.wantsSent || type !== MessageType.Update) return;
    const peer = this.peers.get(session.id);
    if (peer === undefined) return;
    this.wake();
    let from = 0;
    let at = 0;
    while (at < bytes.length) {
      const length = (bytes[at + 16]! << 8) | bytes[at + 17]!;
      // A run of UPDATEs; anything else between them (BoRR) is left out.
      if (bytes[at + 18] !== MessageType.Update || at + length - from > MOST_SENT) {
        if (at > from) this.events.sent(peer.slot, bytes, from, at - from);
        from = bytes[at + 18] === MessageType.Update ? at : at + length;
      }
      at += length;
    }
    if (at > from) this.events.sent(peer.slot, bytes, from, at - from);
  }

  state(): void {}

  established(session: TappedSession): void {
    const slot = this.sources.slotOf(session.id);
    if (slot === undefined || session.agreed === undefined) return;
    const peer = new MonitoredPeer(slot, session, this.now());
    this.peers.set(session.id, peer);
    if (!this.anybody) return;
    this.wake();
    this.events.session(EventKind.Up, slot, peer);
  }

  ended(session: TappedSession, down: SessionDown): void {
    const peer = this.peers.get(session.id);
    if (peer === undefined) return;
    this.peers.delete(session.id);
    peer.end(down, this.now());
    if (!this.anybody) return;
    this.wake();
    this.events.session(EventKind.Down, peer.slot, peer);
  }

  private notified(session: TappedSession, bytes: Uint8Array, fromPeer: boolean): void {
    const peer = this.peers.get(session.id);
    if (peer !== undefined) peer.notification = { bytes, fromPeer };
  }

  // From the table.

  pathChanged(slot: number, dest: number, pathId: number): void {
    this.wake();
    this.events.changed(slot, dest, pathId);
  }

  pathRemoved(
    slot: number,
    family: Family,
    pathId: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    this.wake();
    this.events.removed(slot, family, pathId, bytes, start, length);
  }

  /** Those that are up already; without collectors nobody told of them. */
  private learnSessions(): void {
    if (this.settings.collectors.length === 0) return this.peers.clear();
    for (const session of this.sources.sessions()) {
      if (!this.peers.has(session.id)) this.established(session);
    }
  }

  private add(settings: BmpCollectorSettings): void {
    const collector = new Collector(settings, {
      sources: this.sources,
      events: this.events,
      settings: () => this.settings,
      up: () => this.peers.values(),
      wake: () => this.wake(),
      changed: () => this.collectorsChanged(),
    });
    this.collectors.push(collector);
    collector.start();
  }

  /** A collector connected or went: what is listened to follows. */
  private collectorsChanged(): void {
    const up = this.collectors.filter((collector) => collector.isUp);
    this.anybody = up.length > 0;
    this.wantsPaths = up.some((c) => c.wants("adj-rib-in-pre") || c.wants("adj-rib-in-post"));
    this.wantsSent = up.some((c) => c.wants("adj-rib-out-post"));
    this.listen(this.wantsPaths, this.anybody);
    if (!this.anybody) this.events.clear();
  }

  private wake(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.events.time(this.sources.clock.wall());
    this.sources.soon(this.pump);
  }

  private readonly pump = (): void => {
    this.scheduled = false;
    const until = this.sources.clock.now() + BUDGET_MS;
    let more = false;
    let least = this.events.tail;
    // Who is first this time is last the next time.
    const first = ++this.pumps % Math.max(1, this.collectors.length);
    for (const collector of [...this.collectors.slice(first), ...this.collectors.slice(0, first)]) {
      if (collector.pump(until)) more = true;
      least = Math.min(least, collector.eventPosition ?? least);
    }
    this.events.trim(least);
    if (more) this.wake();
  };

  private dropBehind(kept: number): void {
    for (const collector of this.collectors) {
      const { eventPosition } = collector;
      if (eventPosition !== undefined && eventPosition < kept) collector.overflow();
    }
  }

  private now(): Stamp {
    const wall = this.sources.clock.wall();
    const seconds = Math.floor(wall / 1000);
    return { seconds, micros: Math.floor((wall - seconds * 1000) * 1000) };
  }
}

function equal(a: BmpCollectorSettings, b: BmpCollectorSettings): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
