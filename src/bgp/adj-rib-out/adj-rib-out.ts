/**
 * Sending: sessions read the loc-RIB's change log, each from its own position, those at the same
 * position together. A batch of changes becomes groups, groups become messages, messages go to
 * whoever should have them; the sent bits make sure that a withdrawal reaches exactly those who had
 * the route. Nothing is queued per session.
 *
 * - A session that does not drain is passed over; later it reads on from where it stood and gets only
 *   the newest state of each destination. Sessions behind are served first, up to where the next ones
 *   stand, so that they meet and share messages again.
 * - A dump (new session, route refresh) walks the destinations beside the live cursor: live first.
 *   End-of-RIB follows when all that was there at the start has been sent.
 * - Log entries that every cursor has passed are dropped, and tombstones with them.
 * - A destination that changes faster than a slow session reads would always be ahead of it: an entry
 *   that has waited PROMOTE_AFTER_MS is served although a newer one exists.
 */
import { encodeEndOfRib } from "../../fast-bgp-codec/end-of-rib.js";
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import { encodeRouteRefresh } from "../../fast-bgp-codec/route-refresh.js";
import type { Clock } from "../../util/clock.js";
import type { Encoding, ReflectorIdentity } from "../policy/export.js";
import { Reflection, type Receiver } from "../policy/reflection.js";
import { RouteTargetFilter } from "../policy/route-target.js";
import { clearBit, hasBit, setBit } from "../policy/slot-mask.js";
import type { RouteTable } from "../rib/route-table.js";
import { BATCH, Batch } from "./batch.js";
import { Cursor, DumpKind, DumpStage, type Dump, type Outlet } from "./cursor.js";
import { EXTENDED_MESSAGE, ORDINARY_MESSAGE, Packer } from "./packer.js";
import { Segments } from "./segments.js";
import { SentBits } from "./sent-bits.js";

const PROMOTE_AFTER_MS = 1000;
/** A batch ends behind the destination that brings its attribute sets to this many octets. */
const BATCH_OCTETS = 1 << 20;
/** Log entries released between two looks at the clock. */
const RELEASE_STRETCH = 32_768;
/** Destinations looked at in one stretch of a dump. */
const DUMP_STRETCH = 16384;
/**
 * Attribute sets above this are checked route by route against the message size: 260 octets for an
 * NLRI, 128 for what reflection adds, and for a 2-octet speaker AS4_PATH beside AS_PATH makes ten
 * octets of six at worst.
 */
const SURELY_FITS = Math.floor(((ORDINARY_MESSAGE - 260 - 128) * 6) / 10);
const BORR = 1;
const EORR = 2;

export interface ReceiverOptions extends Receiver {
  readonly outlet: Outlet;
  readonly encoding: Encoding;
  readonly extendedMessage: boolean;
  readonly enhancedRefresh: boolean;
  /** A message that goes out before anything else. */
  readonly greeting: Uint8Array | undefined;
}

/** Families whose routes carry route targets (RFC 4684). */
const TARGETED = 1 << Family.Evpn;

/** A route's attributes as one receiver gets them. */
export interface EncodedRoute {
  readonly attributes: Uint8Array;
  readonly nextHop: Uint8Array;
  /** AS numbers have 4 octets. */
  readonly as4: boolean;
}

/** Somebody else who reads the log: its entries stay until it has passed them. */
export interface LogReader {
  /** Of the next entry to read. */
  readonly position: number;
  /** Reads on, for about `budgetMs`; whether something is left. Called once a turn, after sending. */
  read(budgetMs: number): boolean;
}

export class AdjRibOut {
  readonly sent = new SentBits();
  /** Routes not sent because they fit no message to that session. */
  oversized = 0;
  /** The log has entries that all have read. */
  isReleasing = false;
  private readonly table: RouteTable;
  private readonly clock: Clock;
  private readonly reflection = new Reflection();
  private readonly targets = new RouteTargetFilter();
  /** Receivers by combination of route targets, as long as neither memberships nor combinations change. */
  private readonly allowed = new Map<number, Int32Array>();
  private allowedVersion = 0;
  private allowedGeneration = 0;
  private readonly packer: Packer;
  private readonly batch = new Batch();
  private readonly segments = new Segments(this.batch);
  private readonly cursors = new Map<number, Cursor>();
  private readonly readers = new Set<LogReader>();
  private readonly encodings: Encoding[] = [];
  private readonly encodingMasks: Int32Array[] = [];
  /** Slots that take messages beyond 4,096 octets. */
  private extended = new Int32Array(1);
  private readonly group: Cursor[] = [];
  private groupMask = new Int32Array(1);
  private initialMasks: Int32Array[] = [];
  private refreshMasks: Int32Array[] = [];
  private readonly slices: Uint8Array[] = [];
  /** Octets around the NLRI by encoding, for the large set that was looked at last in this batch. */
  private readonly overheads: number[] = [];
  private sizedAttr = 0;
  private sizedSlot = 0;

  constructor(table: RouteTable, identity: ReflectorIdentity, clock: Clock) {
    this.table = table;
    this.clock = clock;
    this.packer = new Packer(table, identity);
  }

  /**
   * A session came up: it gets the table, then End-of-RIB, and changes from now on. One that
   * negotiated route-target membership gets families with route targets after `release`.
   */
  add(options: ReceiverOptions): void {
    const { slot, families } = options;
    const constrained = (families & (1 << Family.RouteTarget)) !== 0;
    const held = constrained ? families & TARGETED : 0;
    this.reflection.add({ ...options, families: families & ~held });
    if (constrained) this.targets.addSlot(slot);
    this.widen();
    const encoding = this.encodingIndex(options.encoding);
    setBit(this.encodingMasks[encoding]!, slot);
    if (options.extendedMessage) setBit(this.extended, slot);
    const { outlet, extendedMessage, enhancedRefresh } = options;
    const { tail } = this.table.log;
    const cursor = new Cursor(slot, outlet, families, extendedMessage, enhancedRefresh, tail);
    cursor.held = held;
    cursor.greeting = options.greeting;
    cursor.initialPending = families & ~held;
    this.startNext(cursor);
    this.cursors.set(slot, cursor);
    this.table.furthestReader = tail;
  }

  /** The session has said what it wants, or has had its time: what was held back goes out. */
  release(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined || cursor.held === 0) return;
    this.reflection.addFamilies(slot, cursor.held);
    cursor.initialPending |= cursor.held;
    cursor.held = 0;
    this.startNext(cursor);
  }

  /** A membership of the slot came or went: the routes of its targets are looked at for that session. */
  membership(slot: number, bytes: Uint8Array, start: number, change: 1 | -1): void {
    const affected = this.targets.change(slot, bytes, start, change);
    const cursor = this.cursors.get(slot);
    if (affected === undefined || cursor === undefined || cursor.held !== 0) return;
    const sets = this.table.attrs.targetSets;
    if (affected.target === undefined) cursor.syncPending |= cursor.families & TARGETED;
    else for (const set of sets.having(affected.target)) cursor.targetsPending.add(set);
    this.startNext(cursor);
  }

  /** The session is gone; what it was sent is forgotten. */
  remove(slot: number): void {
    this.cursors.delete(slot);
    this.reflection.remove(slot);
    this.targets.removeSlot(slot);
    for (const mask of this.encodingMasks) clearBit(mask, slot);
    clearBit(this.extended, slot);
    this.sent.clearSlot(slot, this.table.destinationLimit);
  }

  /** The whole family once more, bracketed when both sides can (RFC 2918, RFC 7313). */
  refresh(slot: number, family: Family): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined || (cursor.families & (1 << family)) === 0) return;
    cursor.refreshPending |= 1 << family;
    this.startNext(cursor);
  }

  /** What should go to the session may have changed everywhere: it is sent the difference. */
  sync(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined) return;
    cursor.syncPending |= cursor.families & ~cursor.held;
    this.startNext(cursor);
  }

  /**
   * The receiver is another from now on: what it should have, or in which form. It keeps its place and
   * is sent the difference; with `resend`, everything once more.
   */
  reconfigure(options: ReceiverOptions, resend: boolean): void {
    const { slot } = options;
    const cursor = this.cursors.get(slot);
    if (cursor === undefined) return;
    this.reflection.remove(slot);
    this.reflection.add({ ...options, families: cursor.families & ~cursor.held });
    for (const mask of this.encodingMasks) clearBit(mask, slot);
    setBit(this.encodingMasks[this.encodingIndex(options.encoding)]!, slot);
    this.sync(slot);
    if (!resend) return;
    cursor.refreshPending |= cursor.families;
    this.startNext(cursor);
  }

  /** The session drained: it can take output, even if a KEEPALIVE lifts it over the low mark before its turn. */
  unblock(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor !== undefined) cursor.blocked = false;
  }

  attachReader(reader: LogReader): void {
    this.readers.add(reader);
    this.table.furthestReader = Math.max(this.table.furthestReader, reader.position);
  }

  /** What it has not read, it will not. */
  detachReader(reader: LogReader): void {
    this.readers.delete(reader);
  }

  /** Lets the other readers read; whether something is left. */
  runReaders(budgetMs: number): boolean {
    let more = false;
    for (const reader of this.readers) {
      if (reader.read(budgetMs)) more = true;
      this.table.furthestReader = Math.max(this.table.furthestReader, reader.position);
    }
    return more;
  }

  cursor(slot: number): Cursor | undefined {
    return this.cursors.get(slot);
  }

  /** Log entries the session has not read. */
  backlog(slot: number): number {
    const cursor = this.cursors.get(slot);
    return cursor === undefined ? 0 : this.table.log.tail - cursor.position;
  }

  /** The session furthest behind, if what it has not read is older than `patienceMs`: for whoever must close one. */
  worstLaggard(patienceMs: number): number | undefined {
    const { log } = this.table;
    let worst: Cursor | undefined;
    for (const cursor of this.cursors.values()) {
      if (worst === undefined || cursor.position < worst.position) worst = cursor;
    }
    if (worst === undefined || worst.position >= log.tail) return undefined;
    const waiting = this.clock.now() - log.timeOf(worst.position);
    return waiting >= patienceMs ? worst.slot : undefined;
  }

  /**
   * Sends what there is to send, for about `budgetMs`.
   * @returns whether something is left that could be sent now, or released
   */
  run(budgetMs: number): boolean {
    const until = this.clock.now() + budgetMs;
    let dumped = false;
    let more = true;
    let front = true;
    while (more) {
      if (!this.runLive(front)) {
        more = this.runDump(true);
        dumped = true;
      }
      front = !front;
      if (this.clock.now() >= until) {
        // Endless change must not keep a new session from its table.
        if (!dumped) this.runDump(false);
        break;
      }
    }
    this.dropRead(until);
    return more || this.isReleasing;
  }

  /**
   * Serves the hindmost sessions that can take something; false when there are none.
   * @param front rather serves the foremost, when the others are more than a batch behind them: who
   *   wakes up with a long backlog shares the time with those who have none
   */
  private runLive(front: boolean): boolean {
    const { log } = this.table;
    const { group } = this;
    group.length = 0;
    let from = log.tail;
    let to = log.tail;
    let foremost = 0;
    for (const cursor of this.cursors.values()) {
      if (cursor.position >= log.tail || !cursor.isReady()) continue;
      foremost = Math.max(foremost, cursor.position);
      if (cursor.position < from) {
        to = Math.min(to, from);
        from = cursor.position;
        group.length = 0;
        group.push(cursor);
      } else if (cursor.position === from) {
        group.push(cursor);
      } else {
        to = Math.min(to, cursor.position);
      }
    }
    if (group.length === 0) return false;
    if (front && foremost - from > BATCH) {
      from = foremost;
      to = log.tail;
      group.length = 0;
      for (const cursor of this.cursors.values()) {
        if (cursor.position === from && cursor.isReady()) group.push(cursor);
      }
    }
    this.serve(from, Math.min(to, from + BATCH));
    return true;
  }

  /** Gives the group the entries from `from` up to `to`, or to where the batch is full. */
  private serve(from: number, to: number): void {
    const { table, group, batch } = this;
    const { log } = table;
    this.maskGroup();
    this.beginBatch();
    const promote = this.clock.now() - PROMOTE_AFTER_MS;
    let promoted = group.some((cursor) => cursor.promoted.size > 0);
    let position = from;
    for (; position < to && batch.octets < BATCH_OCTETS; position++) {
      const dest = log.at(position);
      if (table.isNewest(dest, position)) {
        if (!table.exists(dest)) continue;
        if (promoted) this.addUnlessPromoted(dest, position, false);
        else this.addLive(dest);
      } else if (log.timeOf(position) < promote && table.exists(dest)) {
        this.addUnlessPromoted(dest, position, true);
        promoted = true;
      }
    }
    this.deliver();
    for (const cursor of group) cursor.advanceTo(position);
    table.furthestReader = Math.max(table.furthestReader, position);
  }

  /**
   * Serves an entry to those of the group who were not sent the destination's state in place of an
   * older one. An outdated entry gives the present state now, and their newer one has nothing new.
   */
  private addUnlessPromoted(dest: number, position: number, outdated: boolean): void {
    const { tail } = this.table.log;
    const served = this.group.filter((cursor) => (cursor.promoted.get(dest) ?? 0) <= position);
    if (served.length === 0) return;
    this.groupMask.fill(0);
    for (const cursor of served) setBit(this.groupMask, cursor.slot);
    this.addLive(dest);
    this.maskGroup();
    if (!outdated) return;
    for (const cursor of served) {
      cursor.promoted.set(dest, tail);
      cursor.promotedUntil = tail;
    }
    // The unread entry counts as read: what changes from now on needs one of its own.
    this.table.furthestReader = tail;
  }

  /** One changed destination: announce to whom wants it, withdraw from whom had it and should no longer. */
  private addLive(dest: number): void {
    const { table, batch, sent } = this;
    const family = table.family(dest);
    const path = table.bestPath(dest);
    const words = batch.words;
    const group = path === 0 ? -1 : this.groupFor(dest, path, family);
    const want = group < 0 ? -1 : batch.mask[group]!;
    const gone = batch.takeMask();
    const masks = batch.masks;
    let anyWant = 0;
    let anyGone = 0;
    let partial = false;
    for (let w = 0; w < words; w++) {
      const members = this.groupMask[w]!;
      const wanted = want < 0 ? 0 : masks[want + w]!;
      const before = sent.read(w, dest);
      const after = (before & ~members) | (wanted & members);
      sent.write(w, dest, family, before, after);
      const lost = before & members & ~wanted;
      masks[gone + w] = lost;
      anyGone |= lost;
      anyWant |= wanted & members;
      if ((wanted & ~members) !== 0) partial = true;
    }
    if (anyGone === 0) batch.dropMask(gone);
    else batch.withdraw(family, this.isEarly(dest, family), gone, dest);
    if (anyWant === 0) return;
    if (!partial) batch.announce(group, dest);
    else batch.announce(this.restrict(group, this.groupMask), dest);
  }

  /** The variant of a group for those of its receivers that are in `members`. */
  private restrict(group: number, members: Int32Array): number {
    const { batch } = this;
    const mask = batch.takeMask();
    const want = batch.mask[group]!;
    for (let w = 0; w < batch.words; w++) {
      batch.masks[mask + w] = batch.masks[want + w]! & members[w]!;
    }
    return batch.variantFor(group, mask);
  }

  /** The group of a destination's best path, with its receivers worked out. */
  private groupFor(dest: number, path: number, family: Family): number {
    const { table, batch } = this;
    const attr = table.pathAttr(path);
    const slot = table.pathSlot(path);
    const type = table.routeType(dest);
    let group = batch.findGroup(attr, slot, type);
    if (group < 0) {
      const mask = batch.takeMask();
      this.reflection.wanted(
        batch.masks,
        mask,
        slot,
        table.sources.kind[slot]!,
        family,
        type,
        table.attrs.flags(attr),
        family === Family.Ipv4Unicast && table.attrs.nextHopLength(attr) !== 4,
      );
      if (!this.targets.isIdle && (TARGETED & (1 << family)) !== 0) {
        this.narrow(mask, table.attrs.targets(attr));
      }
      group = batch.addGroup(attr, slot, type, mask);
      const octets = table.attrs.attributesEnd(attr) - table.attrs.attributesStart(attr);
      batch.octets += octets;
      if (octets > SURELY_FITS) batch.large[group] = 1;
    }
    return batch.large[group] === 1 ? this.fitting(group, path, attr, slot) : group;
  }

  /** Leaves those of the receivers at `mask` who may have routes with this combination of targets. */
  private narrow(mask: number, set: number): void {
    const { batch, targets } = this;
    const sets = this.table.attrs.targetSets;
    if (targets.version !== this.allowedVersion || sets.generation !== this.allowedGeneration) {
      this.allowed.clear();
      this.allowedVersion = targets.version;
      this.allowedGeneration = sets.generation;
    }
    let allowed = this.allowed.get(set);
    if (allowed === undefined || allowed.length < batch.words) {
      allowed = targets.allowed(set === 0 ? [] : sets.targets(set), batch.words);
      this.allowed.set(set, allowed);
    }
    for (let w = 0; w < batch.words; w++) {
      batch.masks[mask + w] = batch.masks[mask + w]! & allowed[w]!;
    }
  }

  /** For a set near or above the message size: only those receivers whose message can hold the route. */
  private fitting(group: number, path: number, attr: number, slot: number): number {
    const { batch } = this;
    const mask = batch.takeMask();
    const want = batch.mask[group]!;
    const { masks } = batch;
    for (let w = 0; w < batch.words; w++) masks[mask + w] = masks[want + w]!;
    if (attr !== this.sizedAttr || slot !== this.sizedSlot) this.measure(attr, slot);
    for (let i = 0; i < this.encodings.length; i++) {
      const size = this.overheads[i]! + this.table.pathNlriLength(path);
      if (size <= ORDINARY_MESSAGE) continue;
      const receivers = this.encodingMasks[i]!;
      for (let w = 0; w < batch.words; w++) {
        const lost = receivers[w]! & (size > EXTENDED_MESSAGE ? -1 : ~this.extended[w]!);
        if ((masks[mask + w]! & lost) !== 0) this.oversized++;
        masks[mask + w] = masks[mask + w]! & ~lost;
      }
    }
    return batch.variantFor(group, mask);
  }

  private measure(attr: number, slot: number): void {
    this.sizedAttr = attr;
    this.sizedSlot = slot;
    for (let i = 0; i < this.encodings.length; i++) {
      this.overheads[i] = this.packer.overhead(attr, slot, this.encodings[i]!);
    }
  }

  private isEarly(dest: number, family: Family): boolean {
    return family === Family.Evpn && this.table.routeType(dest) === 1;
  }

  /** @param liveFirst leaves out sessions that have not read the log to its end */
  private runDump(liveFirst: boolean): boolean {
    const group = this.hindmostDumps(liveFirst);
    const first = group[0];
    if (first === undefined) return false;
    const { stage } = first.dump!;
    if (stage === DumpStage.Begin || stage === DumpStage.End) {
      for (const cursor of group) this.bracket(cursor, cursor.dump!);
      return true;
    }
    const { table, batch } = this;
    this.beginBatch();
    for (let f = 0; f < FAMILIES.length; f++) {
      this.initialMasks[f]!.fill(0);
      this.refreshMasks[f]!.fill(0);
    }
    let end = Infinity;
    for (const cursor of group) {
      const dump = cursor.dump!;
      end = Math.min(end, dump.end);
      for (let f = 0; f < FAMILIES.length; f++) {
        if ((dump.families & (1 << f)) === 0) continue;
        const refresh = dump.kind === DumpKind.Refresh;
        setBit(refresh ? this.refreshMasks[f]! : this.initialMasks[f]!, cursor.slot);
      }
    }
    const { destinations } = first.dump!;
    let next = first.dump!.next;
    const stop = Math.min(end, next + DUMP_STRETCH);
    for (let added = 0; next < stop && added < BATCH && batch.octets < BATCH_OCTETS; next++) {
      const dest = destinations === undefined ? next : destinations[next]!;
      if (!table.exists(dest) || table.bestPath(dest) === 0) continue;
      const family = table.family(dest);
      if (destinations === undefined && stage !== this.stageOf(dest, family)) continue;
      if (this.addDumped(dest, family)) added++;
    }
    this.group.length = 0;
    this.group.push(...group);
    if (!batch.isEmpty) this.deliver();
    for (const cursor of group) this.advanceDump(cursor, next);
    return true;
  }

  /** Unblocked sessions with a dump at the same, least advanced place. */
  private hindmostDumps(liveFirst: boolean): Cursor[] {
    let group: Cursor[] = [];
    let place = Infinity;
    for (const cursor of this.cursors.values()) {
      const { dump } = cursor;
      if (dump === undefined || (liveFirst && cursor.position < this.table.log.tail)) continue;
      if (!cursor.isReady()) continue;
      const at = dump.stage * 2 ** 32 + dump.next;
      if (at < place) {
        place = at;
        group = [];
      }
      // Sessions that look at different destinations take turns.
      if (at === place && (group[0]?.dump ?? dump).destinations === dump.destinations) {
        group.push(cursor);
      }
    }
    return group;
  }

  private stageOf(dest: number, family: Family): DumpStage {
    if (family !== Family.Evpn) return DumpStage.Rest;
    const type = this.table.routeType(dest);
    return type === 1 || type === 3 || type === 4 ? DumpStage.Early : DumpStage.Rest;
  }

  private addDumped(dest: number, family: Family): boolean {
    const { batch, sent } = this;
    const initial = this.initialMasks[family]!;
    const refresh = this.refreshMasks[family]!;
    const group = this.groupFor(dest, this.table.bestPath(dest), family);
    const want = batch.mask[group]!;
    const gone = batch.takeMask();
    let anyGone = 0;
    for (let w = 0; w < batch.words; w++) {
      const before = sent.read(w, dest);
      const lost = before & (initial[w]! | refresh[w]!) & ~batch.masks[want + w]!;
      batch.masks[gone + w] = lost;
      anyGone |= lost;
      sent.write(w, dest, family, before, before & ~lost);
    }
    if (anyGone === 0) batch.dropMask(gone);
    else batch.withdraw(family, this.isEarly(dest, family), gone, dest);
    const mask = batch.takeMask();
    let any = 0;
    for (let w = 0; w < batch.words; w++) {
      const before = sent.read(w, dest);
      const bits = batch.masks[want + w]! & ((initial[w]! & ~before) | refresh[w]!);
      batch.masks[mask + w] = bits;
      any |= bits;
      sent.write(w, dest, family, before, before | bits);
    }
    if (any === 0) {
      batch.dropMask(mask);
      return anyGone !== 0;
    }
    batch.announce(batch.variantFor(group, mask), dest);
    return true;
  }

  private advanceDump(cursor: Cursor, next: number): void {
    const dump = cursor.dump!;
    dump.next = next;
    if (next < dump.end) return;
    dump.stage = dump.stage === DumpStage.Early ? DumpStage.Rest : DumpStage.End;
    dump.next = 1;
  }

  /** What stands before and behind a dump: BoRR and EoRR of a refresh, End-of-RIB of the first table. */
  private bracket(cursor: Cursor, dump: Dump): void {
    const { slices } = this;
    slices.length = 0;
    const ending = dump.stage === DumpStage.End;
    for (const { family, afi, safi } of FAMILIES) {
      const bit = 1 << family;
      if ((dump.families & bit) === 0) continue;
      if ((dump.bracketed & bit) !== 0) {
        slices.push(encodeRouteRefresh(afi, safi, ending ? EORR : BORR));
      } else if (ending && dump.kind === DumpKind.Initial) {
        cursor.endOfRibSent |= bit;
        slices.push(encodeEndOfRib(family));
      }
    }
    const membership = (dump.families & (1 << Family.RouteTarget)) !== 0;
    if (!ending && membership && cursor.greeting !== undefined) slices.push(cursor.greeting);
    if (slices.length > 0) cursor.outlet.sendMany(slices, slices.length);
    if (ending) {
      cursor.dump = undefined;
      this.startNext(cursor);
    } else {
      // What is newer than this reaches the session through the log.
      dump.end = this.table.destinationLimit;
      dump.stage = DumpStage.Early;
    }
  }

  /** Begins what is due next, unless a dump is under way: first tables before looks before refreshes. */
  private startNext(cursor: Cursor): void {
    if (cursor.dump !== undefined) return;
    if (cursor.initialPending !== 0) {
      cursor.dump = newDump(DumpKind.Initial, cursor.initialPending, 0);
      cursor.initialPending = 0;
    } else if (cursor.syncPending !== 0) {
      cursor.dump = newDump(DumpKind.Sync, cursor.syncPending, 0);
      cursor.syncPending = 0;
    } else if (cursor.targetsPending.size > 0) {
      const destinations = this.destinationsOf(cursor.targetsPending);
      cursor.targetsPending.clear();
      const dump = newDump(DumpKind.Sync, cursor.families & TARGETED, 0, destinations);
      cursor.dump = { ...dump, stage: DumpStage.Rest, next: 0, end: destinations.length };
    } else if ((cursor.refreshPending & ~cursor.held) !== 0) {
      // No BoRR before the family's End-of-RIB (RFC 7313 section 4).
      const families = cursor.refreshPending & ~cursor.held;
      cursor.dump = newDump(DumpKind.Refresh, families, cursor.enhancedRefresh ? families : 0);
      cursor.refreshPending &= cursor.held;
    }
  }

  /** Destinations of all paths with one of these combinations of route targets. */
  private destinationsOf(sets: ReadonlySet<number>): Int32Array {
    const { table } = this;
    const { targetSets } = table.attrs;
    const found: number[] = [];
    for (const set of sets) {
      let path = targetSets.firstPath(set);
      for (; path !== 0; path = table.nextPathOfTargets(path)) found.push(table.pathDest(path));
    }
    return Int32Array.from(found);
  }

  private beginBatch(): void {
    this.batch.clear(this.reflection.words);
    this.segments.clear();
    this.sizedAttr = 0;
    this.sent.ensure(this.reflection.words, this.table.destinationLimit);
  }

  private maskGroup(): void {
    this.groupMask.fill(0);
    for (const cursor of this.group) setBit(this.groupMask, cursor.slot);
  }

  /** Builds the batch's messages and hands each session of the group its slices. */
  private deliver(): void {
    const { batch, segments, slices } = this;
    if (batch.isEmpty) return;
    this.packer.pack(batch, this.encodings, this.encodingMasks, this.extended, segments);
    for (const cursor of this.group) {
      slices.length = 0;
      const messages = segments.collect(cursor.slot, slices);
      if (messages > 0) cursor.outlet.sendMany(slices, messages);
    }
  }

  /** Drops what all have read from the log: at least a stretch, and more until the time given. */
  private dropRead(until: number): void {
    const { log } = this.table;
    let least = log.tail;
    let furthest = this.cursors.size === 0 && this.readers.size === 0 ? log.tail : 0;
    for (const { position, promotedUntil } of this.cursors.values()) {
      least = Math.min(least, position);
      furthest = Math.max(furthest, position, promotedUntil);
    }
    for (const { position } of this.readers) {
      least = Math.min(least, position);
      furthest = Math.max(furthest, position);
    }
    do {
      if (least > log.head) this.table.releaseUpTo(Math.min(least, log.head + RELEASE_STRETCH));
    } while (least > log.head && this.clock.now() < until);
    this.isReleasing = least > log.head;
    this.table.furthestReader = Math.max(furthest, log.head);
  }

  private encodingIndex(wanted: Encoding): number {
    const index = this.encodings.findIndex(
      (encoding) =>
        encoding.ebgp === wanted.ebgp &&
        encoding.as4 === wanted.as4 &&
        Buffer.compare(encoding.nextHopSelf ?? NO_BYTES, wanted.nextHopSelf ?? NO_BYTES) === 0,
    );
    if (index >= 0) return index;
    this.encodings.push(wanted);
    this.encodingMasks.push(new Int32Array(this.reflection.words));
    return this.encodings.length - 1;
  }

  /** Masks of our own as wide as the slots want. */
  private widen(): void {
    const { words } = this.reflection;
    if (this.groupMask.length >= words && this.initialMasks.length > 0) return;
    const wide = (mask: Int32Array): Int32Array<ArrayBuffer> => {
      const wider = new Int32Array(words);
      wider.set(mask);
      return wider;
    };
    this.groupMask = wide(this.groupMask);
    this.extended = wide(this.extended);
    for (let i = 0; i < this.encodingMasks.length; i++) {
      this.encodingMasks[i] = wide(this.encodingMasks[i]!);
    }
    this.initialMasks = FAMILIES.map(() => new Int32Array(words));
    this.refreshMasks = FAMILIES.map(() => new Int32Array(words));
  }

  /** Whether the slot was sent the destination; for views. */
  hasSent(slot: number, dest: number): boolean {
    return this.sent.has(slot, dest);
  }

  /** How a path's attributes look to this slot, MP_REACH_NLRI aside; for views. */
  encode(slot: number, path: number): EncodedRoute {
    const index = this.encodingMasks.findIndex((mask) => hasBit(mask, 0, slot));
    const encoding = this.encodings[Math.max(0, index)]!;
    const attr = this.table.pathAttr(path);
    const attributes = this.packer.attributesFor(attr, this.table.pathSlot(path), encoding);
    const self = this.packer.nextHopFor(attr, encoding);
    return { attributes, nextHop: self, as4: encoding.as4 };
  }

  /** Slots, in words of 32. */
  get words(): number {
    return this.reflection.words;
  }

  /** Writes who should have the destination into `mask`, which has `words` words; for audits. */
  wanted(dest: number, mask: Int32Array): void {
    const path = this.table.bestPath(dest);
    mask.fill(0);
    if (path === 0) return;
    const { oversized, batch } = this;
    this.beginBatch();
    const want = batch.mask[this.groupFor(dest, path, this.table.family(dest))]!;
    for (let w = 0; w < batch.words; w++) mask[w] = batch.masks[want + w]!;
    // To look is not to withhold.
    this.oversized = oversized;
  }
}

const NO_BYTES = new Uint8Array(0);

function newDump(
  kind: DumpKind,
  families: number,
  bracketed: number,
  destinations?: Int32Array,
): Dump {
  return { families, kind, bracketed, destinations, stage: DumpStage.Begin, next: 1, end: 1 };
}
