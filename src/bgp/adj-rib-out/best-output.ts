/**
 * The ordinary output: each destination's best path, to everybody who may have it. One sent bit for
 * each destination and session makes sure that a withdrawal reaches exactly those who had the route.
 */
import { Family } from "../../fast-bgp-codec/family.js";
import type { ChangeLog } from "../rib/change-log.js";
import type { RouteTable } from "../rib/route-table.js";
import type { Cursor } from "./cursor.js";
import type { Delivery } from "./delivery.js";
import type { Grouping } from "./grouping.js";
import type { DumpMasks, Output } from "./output.js";
import { SendLimits } from "./send-limits.js";
import { SentBits } from "./sent-bits.js";

/** A batch ends behind the destination that brings its attribute sets to this many octets. */
const BATCH_OCTETS = 1 << 20;

export class BestOutput implements Output {
  readonly sent = new SentBits();
  /** Most routes of some sessions. */
  readonly limits: SendLimits;
  readonly log: ChangeLog;
  private readonly table: RouteTable;
  private readonly delivery: Delivery;
  private readonly grouping: Grouping;
  private union = new Int32Array(1);
  private again = new Int32Array(1);
  /** Most forms of a route in this batch. */
  private forms = 1;

  constructor(table: RouteTable, delivery: Delivery, grouping: Grouping) {
    this.table = table;
    this.limits = new SendLimits(table);
    this.log = table.log;
    this.delivery = delivery;
    this.grouping = grouping;
  }

  get isFull(): boolean {
    const { batch } = this.delivery;
    return batch.octets >= BATCH_OCTETS || !batch.hasRoom(this.forms, 1);
  }

  isNewest(dest: number, position: number): boolean {
    return this.table.isNewest(dest, position);
  }

  noteRead(position: number): void {
    this.table.furthestReader = Math.max(this.table.furthestReader, position);
  }

  begin(): void {
    const { batch } = this.delivery;
    this.delivery.begin();
    this.grouping.begin();
    this.sent.ensure(batch.words, this.table.destinationLimit);
    this.forms = this.grouping.mostOutcomes;
    if (!this.grouping.isPlain) batch.reserve(this.forms);
    if (!this.limits.isIdle) this.limits.begin(this.sent, batch.words);
    if (this.union.length >= batch.words) return;
    this.union = new Int32Array(batch.words);
    this.again = new Int32Array(batch.words);
  }

  forget(slot: number): void {
    this.sent.clearSlot(slot, this.table.destinationLimit);
  }

  deliver(group: readonly Cursor[]): void {
    this.delivery.deliver(group);
    if (!this.grouping.isPlain) this.grouping.stage.endBatch();
  }

  live(dest: number, members: Int32Array): void {
    const { table, sent, grouping } = this;
    const { batch } = this.delivery;
    const family = table.family(dest);
    const path = table.bestPath(dest);
    const words = batch.words;
    let group = -1;
    if (path !== 0) {
      if (grouping.isPlain) group = grouping.groupFor(dest, path, family);
      else {
        grouping.isLive = true;
        const outcomes = grouping.outcomesFor(dest, path, family);
        grouping.isLive = false;
        if (outcomes > 1) {
          this.liveOutcomes(dest, path, family, members);
          return;
        }
        if (outcomes === 1) group = grouping.groups[0]!;
      }
    }
    const want = group < 0 ? -1 : batch.mask[group]!;
    if (!this.limits.isIdle) {
      const wanted = want < 0 ? undefined : batch.masks;
      members = this.limits.narrow(sent, dest, family, wanted, want, members, words);
    }
    const gone = batch.takeMask();
    const masks = batch.masks;
    let anyWant = 0;
    let anyGone = 0;
    let partial = false;
    for (let w = 0; w < words; w++) {
      const readers = members[w]!;
      const wanted = want < 0 ? 0 : masks[want + w]!;
      const before = sent.read(w, dest);
      const after = (before & ~readers) | (wanted & readers);
      sent.write(w, dest, family, before, after);
      const lost = before & readers & ~wanted;
      masks[gone + w] = lost;
      anyGone |= lost;
      anyWant |= wanted & readers;
      if ((wanted & ~readers) !== 0) partial = true;
    }
    if (anyGone === 0) batch.dropMask(gone);
    else batch.withdraw(family, this.isEarly(dest, family), gone, dest);
    if (anyWant === 0) return;
    if (!partial) batch.announce(group, path);
    else batch.announce(grouping.restrict(group, members), path);
  }

  /** `live` for a path that goes out in several forms: those of `grouping.groups`. */
  private liveOutcomes(dest: number, path: number, family: Family, members: Int32Array): void {
    const { sent, grouping, union } = this;
    const { batch } = this.delivery;
    const gone = batch.takeMask();
    let anyGone = 0;
    this.unite(grouping.groups);
    if (!this.limits.isIdle) {
      members = this.limits.narrow(sent, dest, family, union, 0, members, batch.words);
    }
    for (let w = 0; w < batch.words; w++) {
      const readers = members[w]!;
      const wanted = union[w]!;
      const before = sent.read(w, dest);
      sent.write(w, dest, family, before, (before & ~readers) | (wanted & readers));
      const lost = before & readers & ~wanted;
      batch.masks[gone + w] = lost;
      anyGone |= lost;
    }
    if (anyGone === 0) batch.dropMask(gone);
    else batch.withdraw(family, this.isEarly(dest, family), gone, dest);
    for (const group of grouping.groups) {
      const at = batch.mask[group]!;
      let any = 0;
      for (let w = 0; w < batch.words; w++) any |= batch.masks[at + w]! & members[w]!;
      if (any !== 0) batch.announce(grouping.restrict(group, members), path);
    }
  }

  dumped(dest: number, family: Family, dump: DumpMasks): boolean {
    const path = this.table.bestPath(dest);
    if (path === 0) return false;
    const { sent, grouping, union } = this;
    let initial = dump.initial[family]!;
    let refresh = dump.refresh[family]!;
    let outcomes = 1;
    if (grouping.isPlain) grouping.setGroup(grouping.groupFor(dest, path, family));
    else outcomes = grouping.outcomesFor(dest, path, family);
    const { groups } = grouping;
    if (outcomes === 1 && this.limits.isIdle && dump.former.length === 0) {
      return this.dumpedAlike(groups[0]!, dest, path, family, initial, refresh);
    }
    const { batch } = this.delivery;
    this.unite(groups);
    if (!this.limits.isIdle) {
      initial = this.narrowed(dest, family, initial);
      refresh = this.narrowed(dest, family, refresh);
    }
    const gone = batch.takeMask();
    let anyGone = 0;
    for (let w = 0; w < batch.words; w++) {
      const before = sent.read(w, dest);
      const lost = before & (initial[w]! | refresh[w]!) & ~union[w]!;
      batch.masks[gone + w] = lost;
      anyGone |= lost;
      sent.write(w, dest, family, before, before & ~lost);
    }
    if (anyGone === 0) batch.dropMask(gone);
    else batch.withdraw(family, this.isEarly(dest, family), gone, dest);
    let added = anyGone !== 0;
    for (const group of groups) {
      if (this.dumpGroup(group, dest, path, family, initial, refresh, dump)) added = true;
    }
    return added;
  }

  /** `dumped` for the common case: one form of a path, no limits, nothing to compare with. */
  private dumpedAlike(
    group: number,
    dest: number,
    path: number,
    family: Family,
    initial: Int32Array,
    refresh: Int32Array,
  ): boolean {
    const { sent } = this;
    const { batch } = this.delivery;
    const { words } = batch;
    const want = batch.mask[group]!;
    const gone = batch.takeMask();
    let anyGone = 0;
    for (let w = 0; w < words; w++) {
      const lost = sent.read(w, dest) & (initial[w]! | refresh[w]!) & ~batch.masks[want + w]!;
      batch.masks[gone + w] = lost;
      anyGone |= lost;
    }
    if (anyGone === 0) batch.dropMask(gone);
    else batch.withdraw(family, this.isEarly(dest, family), gone, dest);
    const mask = batch.takeMask();
    const { masks } = batch;
    let any = 0;
    for (let w = 0; w < words; w++) {
      const before = sent.read(w, dest);
      const wanted = masks[want + w]!;
      const asked = initial[w]! | refresh[w]!;
      const bits = wanted & ((initial[w]! & ~before) | refresh[w]!);
      masks[mask + w] = bits;
      any |= bits;
      sent.write(w, dest, family, before, (before & ~(asked & ~wanted)) | bits);
    }
    if (any !== 0) batch.announce(batch.variantFor(group, mask), path);
    else batch.dropMask(mask);
    return any !== 0 || anyGone !== 0;
  }

  private dumpGroup(
    group: number,
    dest: number,
    path: number,
    family: Family,
    initial: Int32Array,
    refresh: Int32Array,
    dump: DumpMasks,
  ): boolean {
    const { sent, again } = this;
    const { batch } = this.delivery;
    const want = batch.mask[group]!;
    again.fill(0, 0, batch.words);
    for (const { policy, mask } of dump.former) {
      if (this.grouping.outcomeUnder(policy, dest, path) === batch.attr[group]) continue;
      for (let w = 0; w < batch.words; w++) again[w] = again[w]! | mask[w]!;
    }
    const mask = batch.takeMask();
    let any = 0;
    for (let w = 0; w < batch.words; w++) {
      const before = sent.read(w, dest);
      const missing = initial[w]! & (~before | again[w]!);
      const bits = batch.masks[want + w]! & (missing | refresh[w]!);
      batch.masks[mask + w] = bits;
      any |= bits;
      sent.write(w, dest, family, before, before | bits);
    }
    if (any === 0) {
      batch.dropMask(mask);
      return false;
    }
    batch.announce(batch.variantFor(group, mask), path);
    return true;
  }

  /**
   * Writes who should have the destination into `mask`; for audits.
   * @param fresh false: nothing else ran since the last call, so what was worked out holds still
   */
  wanted(dest: number, mask: Int32Array, fresh = true): void {
    const path = this.table.bestPath(dest);
    mask.fill(0);
    if (path === 0) return;
    const { grouping } = this;
    const { oversized } = grouping;
    // With policies a batch keeps the sets they made, and lets go of them below.
    if (fresh || this.isFull || !grouping.isPlain) this.begin();
    grouping.outcomesFor(dest, path, this.table.family(dest));
    this.unite(grouping.groups);
    for (let w = 0; w < mask.length; w++) mask[w] = this.union[w]!;
    if (!this.limits.isIdle) this.limits.excuse(this.sent, dest, this.table.family(dest), mask);
    grouping.stage.endBatch();
    // To look is not to withhold.
    grouping.oversized = oversized;
  }

  /** A copy of the mask without those who have enough routes; `union` says who should have this one. */
  private narrowed(dest: number, family: Family, mask: Int32Array): Int32Array {
    const { words } = this.delivery.batch;
    const { sent, union } = this;
    const narrowed = this.limits.narrow(sent, dest, family, union, 0, mask, words);
    return narrowed === mask ? mask : narrowed.slice();
  }

  /** All receivers of these groups, into `union`. */
  private unite(groups: readonly number[]): void {
    const { batch } = this.delivery;
    const { union } = this;
    union.fill(0, 0, batch.words);
    for (const group of groups) {
      const at = batch.mask[group]!;
      for (let w = 0; w < batch.words; w++) union[w] = union[w]! | batch.masks[at + w]!;
    }
  }

  /** Ethernet A-D routes are withdrawn before the rest (mass withdraw, RFC 7432 section 8.2). */
  private isEarly(dest: number, family: Family): boolean {
    return family === Family.Evpn && this.table.routeType(dest) === 1;
  }
}
