/**
 * Sending: sessions read the loc-RIB's change log, each from its own position. A batch of changes
 * becomes groups, groups become messages, messages go to whoever should have them. Nothing is queued
 * per session.
 *
 * `live-run.ts` serves the log, `dump-runner.ts` whole tables beside it; `best-output.ts` turns a
 * destination into announcements and withdrawals, `grouping.ts` says who gets them, `delivery.ts` has
 * the messages built. Log entries that every reader has passed are dropped here, and tombstones with
 * them.
 */
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import type { Clock } from "../../util/clock.js";
import type { ReflectorIdentity } from "../policy/export.js";
import { Reflection } from "../policy/reflection.js";
import { RouteTargetFilter, type TargetRule } from "../policy/route-target.js";
import type { RouteTable } from "../rib/route-table.js";
import { BestOutput } from "./best-output.js";
import { Cursor } from "./cursor.js";
import { Delivery } from "./delivery.js";
import { DumpRunner } from "./dump-runner.js";
import type { ExportStage } from "./export-stage.js";
import { Grouping } from "./grouping.js";
import { LiveRun } from "./live-run.js";
import { TARGETED, type EncodedRoute, type LogReader, type ReceiverOptions } from "./receiver.js";
import type { SentBits } from "./sent-bits.js";

export type { EncodedRoute, LogReader, ReceiverOptions } from "./receiver.js";

/** Log entries released between two looks at the clock. */
const RELEASE_STRETCH = 32_768;

export class AdjRibOut {
  /** The log has entries that all have read. */
  isReleasing = false;
  private readonly table: RouteTable;
  private readonly clock: Clock;
  private readonly reflection = new Reflection();
  /** Who may have which route targets; for views. Changes go through here. */
  readonly targets = new RouteTargetFilter();
  private readonly delivery: Delivery;
  private readonly grouping: Grouping;
  private readonly output: BestOutput;
  private readonly cursors = new Map<number, Cursor>();
  private readonly live: LiveRun;
  private readonly dumps: DumpRunner;
  private readonly readers = new Set<LogReader>();

  constructor(table: RouteTable, identity: ReflectorIdentity, clock: Clock) {
    this.table = table;
    this.clock = clock;
    this.delivery = new Delivery(table, identity);
    this.grouping = new Grouping(table, this.reflection, this.targets, this.delivery);
    this.output = new BestOutput(table, this.delivery, this.grouping);
    this.live = new LiveRun(table, clock, this.output, this.cursors);
    this.dumps = new DumpRunner(table, this.output, this.cursors);
  }

  get sent(): SentBits {
    return this.output.sent;
  }

  /** Routes not sent because they fit no message to that session. */
  get oversized(): number {
    return this.grouping.oversized;
  }

  /** Slots, in words of 32. */
  get words(): number {
    return this.reflection.words;
  }

  /**
   * A session came up: it gets the table, then End-of-RIB, and changes from now on. One that
   * negotiated route-target membership gets families with route targets after `release`.
   */
  add(options: ReceiverOptions): void {
    const { slot, families, outlet, extendedMessage, enhancedRefresh } = options;
    const constrained = (families & (1 << Family.RouteTarget)) !== 0;
    const awaiting = constrained || options.awaitsInterest === true ? families & TARGETED : 0;
    const deferred = options.deferred === true ? families & ~(1 << Family.RouteTarget) : 0;
    const held = awaiting | deferred;
    this.reflection.add({ ...options, families: families & ~held });
    if (constrained) this.resumeMemberships(slot);
    this.delivery.add(slot, options.encoding, extendedMessage, this.words);
    this.live.widen(this.words);
    this.dumps.widen(this.words);
    const { tail } = this.table.log;
    const cursor = new Cursor(slot, outlet, families, extendedMessage, enhancedRefresh, tail);
    cursor.awaiting = awaiting;
    cursor.deferred = deferred;
    cursor.greeting = options.greeting;
    cursor.initialPending = families & ~held;
    this.dumps.startNext(cursor);
    this.cursors.set(slot, cursor);
    this.table.furthestReader = tail;
  }

  /** The session has said what it wants, or has had its time: what was held back goes out. */
  release(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined || cursor.awaiting === 0) return;
    const { held } = cursor;
    cursor.awaiting = 0;
    this.letGo(cursor, held);
  }

  /** We know again what we knew before our restart. */
  releaseDeferred(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined || cursor.deferred === 0) return;
    const { held } = cursor;
    cursor.deferred = 0;
    this.letGo(cursor, held);
  }

  /** @param before what was held: families that no longer are go out */
  private letGo(cursor: Cursor, before: number): void {
    const families = before & ~cursor.held;
    if (families === 0) return;
    this.reflection.addFamilies(cursor.slot, families);
    cursor.initialPending |= families;
    this.dumps.startNext(cursor);
  }

  /** A session with memberships: those kept from the one before it (graceful restart) count on. */
  private resumeMemberships(slot: number): void {
    const { table, targets } = this;
    targets.addSlot(slot);
    let path = table.sources.firstPath[slot * FAMILIES.length + Family.RouteTarget]!;
    for (; path !== 0; path = table.nextPathOfSource(path)) {
      if (table.pathAttr(path) === 0) continue;
      targets.change(slot, table.nlriBytes, table.pathNlri(path), 1);
    }
  }

  /** Holds the session to these targets (hex) from now on; undefined lifts the rule. Costs the routes of what changed. */
  setTargets(slot: number, rule: TargetRule, targets: ReadonlySet<string> | undefined): void {
    const change = this.targets.setRule(slot, rule, targets);
    const cursor = this.cursors.get(slot);
    if (change === undefined || cursor === undefined || cursor.held !== 0) return;
    const sets = this.table.attrs.targetSets;
    if (change === "all") cursor.syncPending |= cursor.families & TARGETED;
    else {
      for (const target of change)
        for (const set of sets.having(target)) cursor.targetsPending.add(set);
    }
    this.dumps.startNext(cursor);
  }

  /** A membership of the slot came or went: the routes of its targets are looked at for that session. */
  membership(slot: number, bytes: Uint8Array, start: number, change: 1 | -1): void {
    const affected = this.targets.change(slot, bytes, start, change);
    const cursor = this.cursors.get(slot);
    if (affected === undefined || cursor === undefined || cursor.held !== 0) return;
    const sets = this.table.attrs.targetSets;
    if (affected.target === undefined) cursor.syncPending |= cursor.families & TARGETED;
    else for (const set of sets.having(affected.target)) cursor.targetsPending.add(set);
    this.dumps.startNext(cursor);
  }

  /** The session is gone; what it was sent is forgotten. */
  remove(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor !== undefined) this.dumps.forget(cursor);
    this.cursors.delete(slot);
    this.reflection.remove(slot);
    this.targets.removeSlot(slot);
    this.delivery.remove(slot);
    this.sent.clearSlot(slot, this.table.destinationLimit);
  }

  /** The whole family once more, bracketed when both sides can (RFC 2918, RFC 7313). */
  refresh(slot: number, family: Family): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined || (cursor.families & (1 << family)) === 0) return;
    cursor.refreshPending |= 1 << family;
    this.dumps.startNext(cursor);
  }

  /** What should go to the session may have changed everywhere: it is sent the difference. */
  sync(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined) return;
    cursor.syncPending |= cursor.families & ~cursor.held;
    this.dumps.startNext(cursor);
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
    this.delivery.remove(slot);
    this.delivery.add(slot, options.encoding, options.extendedMessage, this.words);
    this.sync(slot);
    if (!resend) return;
    cursor.refreshPending |= cursor.families;
    this.dumps.startNext(cursor);
  }

  /** Export policy from now on. Sessions whose policy changed need `syncExport`. */
  setExport(stage: ExportStage): void {
    this.grouping.stage = stage;
  }

  /**
   * The slot has another export policy: it is sent what that makes different, and nothing else.
   * @param former the policy until now, `NO_POLICY` for none; it must go on giving answers until `done`
   * @param done called once, at once if the session is gone
   */
  syncExport(slot: number, former: number, done: () => void): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined) done();
    else this.dumps.compare(cursor, former, done);
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
      if (!this.live.run(front)) {
        more = this.dumps.run(true);
        dumped = true;
      }
      front = !front;
      if (this.clock.now() >= until) {
        // Endless change must not keep a new session from its table.
        if (!dumped) this.dumps.run(false);
        break;
      }
    }
    this.dropRead(until);
    return more || this.isReleasing;
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

  /** Whether the slot was sent the destination; for views. */
  hasSent(slot: number, dest: number): boolean {
    return this.sent.has(slot, dest);
  }

  /** How a path's attributes look to this slot, MP_REACH_NLRI aside; for views. */
  encode(slot: number, path: number): EncodedRoute {
    const { table, grouping } = this;
    const policy = grouping.policyOf(slot);
    const attr = grouping.outcomeUnder(policy, table.pathDest(path), path);
    // Its rules may have changed since: then it is about to be withdrawn, and shown as it stands here.
    const shown = attr === 0 ? table.pathAttr(path) : attr;
    const encoded = this.delivery.encode(slot, shown, table.pathSlot(path));
    grouping.stage.endBatch();
    return encoded;
  }

  /** Writes who should have the destination into `mask`, which has `words` words; for audits. */
  wanted(dest: number, mask: Int32Array, fresh = true): void {
    this.output.wanted(dest, mask, fresh);
  }
}
