/**
 * A lane: the sessions that are served from one log by one output, each at its own place. A session
 * is in the ordinary lane with the families of which it takes the best path, and in that of ADD-PATH
 * with those of which it takes several.
 */
import type { Family } from "../../fast-bgp-codec/family.js";
import type { Clock } from "../../util/clock.js";
import type { ReflectorIdentity } from "../policy/export.js";
import { Reflection } from "../policy/reflection.js";
import type { RouteTargetFilter } from "../policy/route-target.js";
import type { ChangeLog } from "../rib/change-log.js";
import type { RouteTable } from "../rib/route-table.js";
import { Cursor } from "./cursor.js";
import { Delivery } from "./delivery.js";
import { DumpRunner } from "./dump-runner.js";
import { Grouping } from "./grouping.js";
import { LiveRun } from "./live-run.js";
import type { Output } from "./output.js";
import { TARGETED, type ReceiverOptions } from "./receiver.js";

/** Families held back: until interest is known, until our own restart is over, until the peer is trusted. */
export interface HeldBack {
  readonly awaiting: number;
  readonly deferred: number;
  readonly untrusted: number;
}

export class Lane<O extends Output> {
  readonly cursors = new Map<number, Cursor>();
  readonly reflection = new Reflection();
  readonly delivery: Delivery;
  readonly grouping: Grouping;
  readonly output: O;
  readonly live: LiveRun;
  readonly dumps: DumpRunner;

  constructor(
    table: RouteTable,
    identity: ReflectorIdentity,
    clock: Clock,
    targets: RouteTargetFilter,
    outputOf: (delivery: Delivery, grouping: Grouping) => O,
  ) {
    this.delivery = new Delivery(table, identity);
    this.grouping = new Grouping(table, this.reflection, targets, this.delivery);
    this.output = outputOf(this.delivery, this.grouping);
    this.live = new LiveRun(table, clock, this.output, this.cursors);
    this.dumps = new DumpRunner(table, this.output, this.cursors);
  }

  get log(): ChangeLog {
    return this.output.log;
  }

  /** A session takes these families here: first all there is, then changes. */
  add(options: ReceiverOptions, families: number, held: HeldBack): void {
    const { slot, outlet, extendedMessage, enhancedRefresh } = options;
    const awaiting = held.awaiting & families;
    const deferred = held.deferred & families;
    const untrusted = held.untrusted & families;
    const now = families & ~(awaiting | deferred | untrusted);
    this.reflection.add({ ...options, families: now });
    const { words } = this.reflection;
    this.delivery.add(slot, options.encoding, extendedMessage, words);
    this.live.widen(words);
    this.dumps.widen(words);
    const { tail } = this.log;
    const cursor = new Cursor(slot, outlet, families, extendedMessage, enhancedRefresh, tail);
    cursor.awaiting = awaiting;
    cursor.deferred = deferred;
    cursor.untrusted = untrusted;
    cursor.initialPending = now;
    cursor.greeting = options.greeting;
    this.dumps.startNext(cursor);
    this.cursors.set(slot, cursor);
    this.output.noteRead(tail);
  }

  remove(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined) return;
    this.dumps.forget(cursor);
    this.cursors.delete(slot);
    this.reflection.remove(slot);
    this.delivery.remove(slot);
    this.output.forget(slot);
  }

  /** What waited for the session's interest, or for the end of our restart, goes out. */
  release(slot: number, which: keyof HeldBack): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined || cursor[which] === 0) return;
    const { held } = cursor;
    cursor[which] = 0;
    const families = held & ~cursor.held;
    if (families === 0) return;
    this.reflection.addFamilies(slot, families);
    cursor.initialPending |= families;
    this.dumps.startNext(cursor);
  }

  /** From now on it is sent nothing new: `withdrawHeld` follows. `release` gives it all back. */
  hold(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined || cursor.untrusted === cursor.families) return;
    cursor.untrusted = cursor.families;
    this.reflection.removeFamilies(slot);
    this.dumps.dropAll(cursor);
  }

  /** What a held session has been sent is withdrawn. */
  withdrawHeld(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined || cursor.untrusted !== cursor.families) return;
    this.dumps.withdrawAll(cursor);
  }

  /** The session is looked at for the routes with these combinations of targets; for all with targets, when undefined. */
  lookAtTargets(slot: number, sets: Iterable<number> | undefined): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined || cursor.held !== 0) return;
    if (sets === undefined) cursor.syncPending |= cursor.families & TARGETED;
    else for (const set of sets) cursor.targetsPending.add(set);
    this.dumps.startNext(cursor);
  }

  /** Families once more, bracketed when both sides can. */
  refresh(slot: number, families: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined || (cursor.families & families) === 0) return;
    cursor.refreshPending |= cursor.families & families;
    this.dumps.startNext(cursor);
  }

  /** The session is sent the difference between what it has and what it should have. */
  sync(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined) return;
    cursor.syncPending |= cursor.families & ~cursor.held;
    this.dumps.startNext(cursor);
  }

  /** The receiver is another from now on; nothing is sent for that alone. */
  reconfigure(options: ReceiverOptions): void {
    const { slot } = options;
    const cursor = this.cursors.get(slot);
    if (cursor === undefined) return;
    this.reflection.remove(slot);
    this.reflection.add({ ...options, families: cursor.families & ~cursor.held });
    this.delivery.remove(slot);
    this.delivery.add(slot, options.encoding, options.extendedMessage, this.reflection.words);
  }

  /** Compares what the session gets with what it got under another export policy. */
  compare(slot: number, policy: number, done: () => void): void {
    const cursor = this.cursors.get(slot);
    if (cursor === undefined) done();
    else this.dumps.compare(cursor, policy, done);
  }

  unblock(slot: number): void {
    const cursor = this.cursors.get(slot);
    if (cursor !== undefined) cursor.blocked = false;
  }

  hasEndOfRib(slot: number, family: Family): boolean {
    return this.cursors.get(slot)?.hasEndOfRib(family) ?? false;
  }

  /** Log entries that the session has not read. */
  backlog(slot: number): number {
    const cursor = this.cursors.get(slot);
    return cursor === undefined ? 0 : this.log.tail - cursor.position;
  }

  /** The session furthest behind, undefined when nobody is behind. */
  hindmost(): Cursor | undefined {
    let worst: Cursor | undefined;
    for (const cursor of this.cursors.values()) {
      if (worst === undefined || cursor.position < worst.position) worst = cursor;
    }
    return worst === undefined || worst.position >= this.log.tail ? undefined : worst;
  }
}
