/**
 * What one collector is told, from its first message on: the peers that are up, a walk over the table
 * for each stream it asked for, End-of-RIB, and every change since. Owns nothing but places: one in
 * the event log, one in the change log (for the loc-RIB), one in the walk.
 *
 * Whatever is written says what is so when it is written. So the walk and the changes need no order
 * between them: a route that changes after it was walked past has an event, and one that is walked
 * past later than its event was read is said twice.
 *
 * - Adj-RIB-In: paths by their received set (pre-policy) and their effective one (post-policy; a held
 *   path is not in it).
 * - Adj-RIB-Out post-policy: the octets sent, as they were sent. Pre-policy: the loc-RIB's routes of
 *   the peer's families, before everything that decides what that peer gets (RFC 8671 section 3).
 * - Loc-RIB: the best path of each destination (RFC 9069).
 */
import { encodeEndOfRib } from "../../../fast-bgp-codec/end-of-rib.js";
import { FAMILIES, type Family } from "../../../fast-bgp-codec/family.js";
import { EventKind, EventReader, type EventLog } from "../event-log.js";
import type { BmpCollectorSettings } from "../settings.js";
import { UpdateWriter } from "../update-writer.js";
import { encodeLocRibUp, encodePeerDown, encodePeerUp, type Stamp } from "./message.js";
import { fabricatedOpen, locRibStream, type MonitoredPeer, type Stream } from "./monitored-peer.js";
import type { Output } from "./output.js";
import { RouteBatch, writeMonitoring } from "./route-batch.js";
import type { FeedSources } from "./sources.js";

/** Work done between two looks at clock and connection. */
const EVENTS = 1024;
const ENTRIES = 1024;
const DESTINATIONS = 512;

/** Path id of the one route a destination has in the loc-RIB, where the peer's streams have path ids. */
const ONE_PATH = 1;

/** Peers whose routes are walked, by slot. */
interface Walk {
  readonly peers: Map<number, MonitoredPeer>;
  readonly locRib: boolean;
  next: number;
  readonly end: number;
}

export class Monitor {
  /** Of the next change log entry to read. */
  position: number;
  readonly reader: EventReader<MonitoredPeer>;
  private readonly sources: FeedSources;
  private readonly out: Output;
  private readonly batch: RouteBatch;
  private readonly inPre: boolean;
  private readonly inPost: boolean;
  private readonly outPre: boolean;
  private readonly outPost: boolean;
  private readonly locRib: Stream | undefined;
  /** Those that this collector knows to be up, by slot. */
  private readonly peers = new Map<number, MonitoredPeer>();
  private walk: Walk | undefined;
  /** Peers that came up with routes while a walk was under way. */
  private waiting = new Map<number, MonitoredPeer>();

  /** Writes the first messages: everything that is up. */
  constructor(
    sources: FeedSources,
    events: EventLog<MonitoredPeer>,
    up: Iterable<MonitoredPeer>,
    settings: Pick<BmpCollectorSettings, "monitor" | "tableName">,
    out: Output,
  ) {
    const { monitor: ribs, tableName } = settings;
    this.sources = sources;
    this.out = out;
    this.reader = new EventReader(events);
    this.position = sources.table.log.tail;
    this.batch = new RouteBatch(sources.table, new UpdateWriter());
    this.inPre = ribs.includes("adj-rib-in-pre");
    this.inPost = ribs.includes("adj-rib-in-post");
    this.outPre = ribs.includes("adj-rib-out-pre");
    this.outPost = ribs.includes("adj-rib-out-post");
    if (ribs.includes("loc-rib")) this.locRib = locRibStream(sources.as, sources.routerId);
    for (const peer of up) this.announcePeer(peer);
    if (this.locRib !== undefined) this.announceLocRib(this.locRib, tableName);
    this.walk = this.newWalk(new Map(this.peers), this.locRib !== undefined);
  }

  /** Whether the change log must be kept from `position` on. */
  get readsLog(): boolean {
    return this.locRib !== undefined || this.outPre;
  }

  get peersUp(): Iterable<MonitoredPeer> {
    return this.peers.values();
  }

  get isWalking(): boolean {
    return this.walk !== undefined;
  }

  get locRibStream(): Stream | undefined {
    return this.locRib;
  }

  /** Writes a portion of what there is to say; false when there is nothing. */
  step(): boolean {
    const events = !this.reader.atEnd;
    if (events) this.readEvents();
    const entries = this.readsLog && this.position < this.sources.table.log.tail;
    if (entries) this.readLog();
    const walking = this.walk !== undefined;
    if (this.walk !== undefined) this.walkOn(this.walk);
    return events || entries || walking;
  }

  private readEvents(): void {
    const { reader } = this;
    for (let i = 0; i < EVENTS && reader.next(); i++) {
      switch (reader.kind) {
        case EventKind.Changed:
          this.changed(reader.slot, reader.dest, reader.pathId);
          break;
        case EventKind.Removed:
          this.removed();
          break;
        case EventKind.Sent: {
          const peer = this.peers.get(reader.slot);
          if (peer === undefined || !this.outPost) break;
          const { bytes, start, length } = reader;
          this.sentMessages(peer.outPost, bytes, start, start + length);
          break;
        }
        case EventKind.Up:
          this.flush(reader);
          this.cameUp(reader.object!);
          break;
        case EventKind.Down:
          this.flush(reader);
          this.wentDown(reader.object!);
          break;
        default:
          break;
      }
    }
    this.flush(reader);
  }

  private flush(stamp: Stamp): void {
    if (this.batch.size === 0) return;
    this.batch.flush(this.out, { seconds: stamp.seconds, micros: stamp.micros });
  }

  private changed(slot: number, dest: number, pathId: number): void {
    const { table } = this.sources;
    const peer = this.peers.get(slot);
    if (peer === undefined || !table.exists(dest)) return;
    const path = table.pathFrom(dest, slot, pathId);
    // Its removal has an event of its own.
    if (path !== 0) this.addPath(peer, path);
  }

  private addPath(peer: MonitoredPeer, path: number): void {
    const { table } = this.sources;
    if (this.inPre) this.batch.announce(peer.inPre, table.pathReceived(path), path);
    if (!this.inPost) return;
    const effective = table.pathAttr(path);
    if (effective !== 0) this.batch.announce(peer.inPost, effective, path);
    else this.batch.withdrawPath(peer.inPost, table.family(table.pathDest(path)), path);
  }

  private removed(): void {
    const { slot, family, bytes, start, length, pathId } = this.reader;
    const peer = this.peers.get(slot);
    if (peer === undefined) return;
    const nlri = { bytes, start, length, pathId };
    if (this.inPre) this.batch.withdraw(peer.inPre, family, nlri);
    if (this.inPost) this.batch.withdraw(peer.inPost, family, nlri);
  }

  /** Each in a Route Monitoring message of its own. */
  private sentMessages(stream: Stream, bytes: Uint8Array, from: number, end: number): void {
    const stamp = { seconds: this.reader.seconds, micros: this.reader.micros };
    for (let at = from; at < end;) {
      const length = (bytes[at + 16]! << 8) | bytes[at + 17]!;
      writeMonitoring(this.out, stream, stamp, bytes, at, length);
      at += length;
    }
  }

  private cameUp(peer: MonitoredPeer): void {
    this.announcePeer(peer);
    // Routes kept over a restart of the peer, and the loc-RIB as its pre-policy adj-RIB-out.
    const late = new Map([[peer.slot, peer]]);
    if (!this.outPre && !this.hasRoutes(peer)) this.endOfRibs({ peers: late, locRib: false });
    else if (this.walk === undefined) this.walk = this.newWalk(late, false);
    else this.waiting.set(peer.slot, peer);
  }

  private hasRoutes(peer: MonitoredPeer): boolean {
    const { sources } = this.sources.table;
    return FAMILIES.some(({ family }) => sources.count(peer.slot, family) > 0);
  }

  private wentDown(peer: MonitoredPeer): void {
    if (this.peers.get(peer.slot) !== peer) return;
    this.peers.delete(peer.slot);
    this.waiting.delete(peer.slot);
    this.walk?.peers.delete(peer.slot);
    const { reason, stamp } = peer.down!;
    this.out.push(encodePeerDown(peer.identity, stamp, reason));
  }

  private announcePeer(peer: MonitoredPeer): void {
    this.peers.set(peer.slot, peer);
    this.out.push(encodePeerUp(peer.identity, peer.since, peer.upBody));
  }

  private announceLocRib(stream: Stream, named: boolean): void {
    const { as, routerId } = this.sources;
    const all = FAMILIES.reduce((mask, { family }) => mask | (1 << family), 0);
    const open = fabricatedOpen(as, routerId, all);
    this.out.push(encodeLocRibUp(stream.peer, this.now(), open, named));
  }

  /** The newest state of destinations whose best path changed. */
  private readLog(): void {
    const { table } = this.sources;
    const { log } = table;
    const end = Math.min(log.tail, this.position + ENTRIES);
    for (; this.position < end; this.position++) {
      const dest = log.at(this.position);
      if (!table.isNewest(dest, this.position) || !table.exists(dest)) continue;
      this.best(dest);
    }
    // What has been read must not be changed without an entry of its own.
    table.furthestReader = Math.max(table.furthestReader, this.position);
    this.flush(this.now());
  }

  private best(dest: number): void {
    const { table } = this.sources;
    const family = table.family(dest);
    const path = table.bestPath(dest);
    if (this.locRib !== undefined) this.addBest(this.locRib, dest, family, path);
    if (!this.outPre) return;
    for (const peer of this.peers.values()) {
      if ((peer.families & (1 << family)) !== 0) this.addBest(peer.outPre, dest, family, path);
    }
  }

  private addBest(stream: Stream, dest: number, family: Family, path: number): void {
    const { table } = this.sources;
    if (path !== 0) return this.batch.announce(stream, table.pathAttr(path), path, ONE_PATH);
    this.batch.withdraw(stream, family, {
      bytes: table.nlriBytes,
      start: table.destNlri(dest),
      length: table.destNlriLength(dest),
      pathId: ONE_PATH,
    });
  }

  private newWalk(peers: Map<number, MonitoredPeer>, locRib: boolean): Walk {
    return { peers, locRib, next: 1, end: this.sources.table.destinationLimit };
  }

  private walkOn(walk: Walk): void {
    const { table } = this.sources;
    const stop = Math.min(walk.end, walk.next + DESTINATIONS);
    for (; walk.next < stop; walk.next++) {
      const dest = walk.next;
      if (table.exists(dest) && table.firstPath(dest) !== 0) this.walkOver(walk, dest);
    }
    if (this.batch.size > 0) this.batch.flush(this.out, undefined);
    if (walk.next < walk.end) return;
    this.endOfRibs(walk);
    const { waiting } = this;
    this.waiting = new Map();
    this.walk = waiting.size > 0 ? this.newWalk(waiting, false) : undefined;
  }

  private walkOver(walk: Walk, dest: number): void {
    const { table } = this.sources;
    if (this.inPre || this.inPost) {
      for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
        const peer = walk.peers.get(table.pathSlot(path));
        if (peer !== undefined) this.addPath(peer, path);
      }
    }
    const best = table.bestPath(dest);
    if (best === 0) return;
    const attr = table.pathAttr(best);
    if (walk.locRib && this.locRib !== undefined)
      this.batch.announce(this.locRib, attr, best, ONE_PATH);
    if (!this.outPre && !this.outPost) return;
    const bit = 1 << table.family(dest);
    for (const peer of walk.peers.values()) {
      if ((peer.families & bit) === 0) continue;
      if (this.outPre) this.batch.announce(peer.outPre, attr, best, ONE_PATH);
      if (!this.outPost) continue;
      for (const { path, pathId, set } of this.sources.sentRoutes(peer.slot, dest)) {
        this.batch.announceEncoded(peer.outPost, set, path, pathId);
      }
    }
  }

  /** The adj-RIB-out post-policy has those that its peer is sent. */
  private endOfRibs(walk: Pick<Walk, "peers" | "locRib">): void {
    const stamp = this.now();
    for (const peer of walk.peers.values()) {
      if (this.inPre) this.endOfRib(peer.inPre, peer.families, stamp);
      if (this.inPost) this.endOfRib(peer.inPost, peer.families, stamp);
      if (this.outPre) this.endOfRib(peer.outPre, peer.families, stamp);
      if (this.outPost) this.endOfRib(peer.outPost, peer.families, stamp);
    }
    if (!walk.locRib || this.locRib === undefined) return;
    const all = FAMILIES.reduce((mask, { family }) => mask | (1 << family), 0);
    this.endOfRib(this.locRib, all, stamp);
  }

  private endOfRib(stream: Stream, families: number, stamp: Stamp): void {
    for (const { family } of FAMILIES) {
      if ((families & (1 << family)) === 0) continue;
      const message = encodeEndOfRib(family);
      writeMonitoring(this.out, stream, stamp, message, 0, message.length);
    }
  }

  private now(): Stamp {
    const wall = this.sources.clock.wall();
    const seconds = Math.floor(wall / 1000);
    return { seconds, micros: Math.floor((wall - seconds * 1000) * 1000) };
  }
}
