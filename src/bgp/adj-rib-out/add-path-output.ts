/**
 * The output for sessions that take several paths (RFC 7911): of each destination the best `limit`
 * paths that the session may have, in the order in which they would be best. Eligible is what
 * reflection, route targets and export policy leave; never a path of the session itself.
 *
 * Of a changed destination only the paths that changed go out again; a withdrawal names its path id.
 * At most 32 paths of a destination are offered to anybody (`path-numbers.ts`).
 */
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import { clearBit, hasBit, setBit } from "../policy/slot-mask.js";
import type { ChangeLog } from "../rib/change-log.js";
import type { PathChanges } from "../rib/path-changes.js";
import type { RouteTable } from "../rib/route-table.js";
import { AddPathSent } from "./add-path-sent.js";
import type { Cursor } from "./cursor.js";
import type { Delivery } from "./delivery.js";
import type { Grouping } from "./grouping.js";
import type { DumpMasks, FormerPolicy, Output } from "./output.js";
import { MOST_PATHS, numberPaths } from "./path-numbers.js";
import type { PathQuotas } from "./path-quotas.js";
import type { AddPathLimit } from "./receiver.js";

/** A batch ends behind the destination that brings its attribute sets to this many octets. */
const BATCH_OCTETS = 1 << 20;
/** Or to so many comparisons, the square of each destination's paths: some 10 ms, whether anything is sent or not. */
const BATCH_WORK = 10_000;
const NOBODY = new Int32Array(0);

export class AddPathOutput implements Output {
  readonly sent = new AddPathSent();
  readonly log: ChangeLog;
  private readonly quotas: PathQuotas;
  private readonly table: RouteTable;
  private readonly changes: PathChanges;
  private readonly delivery: Delivery;
  private readonly grouping: Grouping;
  /** Paths of a destination at most, by slot, then by family. */
  private readonly limits: number[][] = [];
  private readonly ranked: number[] = [];
  /** What each slot is to have of the destination under way, and how many that are. */
  private wanted = new Int32Array(32);
  private chosen = new Int32Array(32);
  /** To look at what should be is not to withhold. */
  private looking = false;
  /** Of the batch at hand, for `BATCH_WORK`. */
  private work = 0;
  private members: Int32Array = new Int32Array(1);
  private full = new Int32Array(1);
  private need = new Int32Array(1);
  /** Slots to withdraw each number from. */
  private readonly gone: Int32Array[] = [];

  constructor(
    table: RouteTable,
    changes: PathChanges,
    delivery: Delivery,
    grouping: Grouping,
    quotas: PathQuotas,
  ) {
    this.quotas = quotas;
    this.table = table;
    this.changes = changes;
    this.log = changes.log;
    this.delivery = delivery;
    this.grouping = grouping;
  }

  add(slot: number, limits: readonly AddPathLimit[]): void {
    this.sent.add(slot);
    this.setLimits(slot, limits);
  }

  /** Holds for what is served from now on; the session is sent the difference by a sync. */
  setLimits(slot: number, limits: readonly AddPathLimit[]): void {
    const most = (this.limits[slot] = FAMILIES.map(() => 1));
    for (const { family, limit } of limits) most[family] = limit;
  }

  forget(slot: number): void {
    this.sent.remove(slot, this.table.destinationLimit);
  }

  get isFull(): boolean {
    const { batch } = this.delivery;
    return (
      batch.octets >= BATCH_OCTETS ||
      this.work >= BATCH_WORK ||
      !batch.hasRoom(this.mostForms, MOST_PATHS)
    );
  }

  isNewest(dest: number, position: number): boolean {
    return this.changes.isNewest(dest, position);
  }

  noteRead(position: number): void {
    this.changes.furthestReader = Math.max(this.changes.furthestReader, position);
  }

  begin(): void {
    const { batch } = this.delivery;
    this.delivery.begin(true);
    this.work = 0;
    this.grouping.begin();
    batch.reserve(this.mostForms);
    this.sent.ensure(this.table.destinationLimit);
    this.widen(batch.words);
  }

  deliver(group: readonly Cursor[]): void {
    this.delivery.deliver(group);
    if (!this.grouping.isPlain) this.grouping.stage.endBatch();
  }

  live(dest: number, members: Int32Array): void {
    this.serve(dest, this.table.family(dest), members, NOBODY, NO_FORMER);
  }

  dumped(dest: number, family: Family, dump: DumpMasks): boolean {
    const { members } = this;
    const initial = dump.initial[family]!;
    const refresh = dump.refresh[family]!;
    let any = 0;
    for (let w = 0; w < members.length; w++) {
      members[w] = initial[w]! | refresh[w]!;
      any |= members[w]!;
    }
    return any !== 0 && this.serve(dest, family, members, refresh, dump.former);
  }

  /** Paths with their numbers that the slot should have of a destination, quotas aside; for audits and views. */
  expected(dest: number, slot: number): number {
    const members = new Int32Array(this.grouping.reflection.words);
    setBit(members, slot);
    const { oversized } = this.grouping;
    this.begin();
    numberPaths(this.table, this.changes, dest, this.ranked);
    this.clearChoice(members);
    this.looking = true;
    for (const path of this.ranked) this.choose(dest, path, this.table.family(dest), members);
    this.looking = false;
    this.grouping.stage.endBatch();
    this.grouping.oversized = oversized;
    return this.wanted[slot]!;
  }

  /** Sessions that have read everything and have not the paths that they should have; for audits. */
  faults(dest: number, cursors: Iterable<Cursor>): string[] {
    const faults: string[] = [];
    for (const cursor of cursors) {
      const has = this.sent.numbers(cursor.slot, dest);
      if (!this.table.exists(dest)) {
        if (has !== 0) faults.push(`slot ${cursor.slot} has paths of ${dest}, which is free`);
        continue;
      }
      if (!cursor.isSettled(this.log.tail)) continue;
      const wanted = this.expected(dest, cursor.slot);
      // What a session with enough lacks is no fault.
      const short = this.quotas.isShort(cursor.slot, this.table.family(dest));
      if (has !== wanted && !(short && (has & ~wanted) === 0)) {
        const numbers = `${has.toString(16)} and not ${wanted.toString(16)}`;
        faults.push(`slot ${cursor.slot} has the paths ${numbers} (bits) of destination ${dest}`);
      }
    }
    return faults;
  }

  /** The paths that the slot has been sent of a destination, best first. */
  pathsSent(slot: number, dest: number): number[] {
    const numbers = this.sent.numbers(slot, dest);
    if (numbers === 0) return [];
    const ranked: number[] = [];
    this.table.rank(dest, MOST_PATHS, ranked);
    return ranked.filter((path) => {
      const number = this.changes.number(path);
      return number !== 0 && (numbers & (1 << (number - 1))) !== 0;
    });
  }

  /** The path id under which a path goes out, 0 for none. */
  numberOf(path: number): number {
    return this.changes.number(path);
  }

  private get mostForms(): number {
    return MOST_PATHS * this.grouping.mostOutcomes;
  }

  /** Makes the members' view of a destination what it should be; whether something is sent. */
  private serve(
    dest: number,
    family: Family,
    members: Int32Array,
    refresh: Int32Array,
    former: readonly FormerPolicy[],
  ): boolean {
    numberPaths(this.table, this.changes, dest, this.ranked);
    this.work += 1 + this.ranked.length * this.ranked.length;
    this.clearChoice(members);
    let any = false;
    for (const path of this.ranked) {
      this.choose(dest, path, family, members);
      if (this.announce(dest, path, refresh, former)) any = true;
    }
    return this.settle(dest, family, members) || any;
  }

  private clearChoice(members: Int32Array): void {
    this.full.fill(0);
    eachSlot(members, (slot) => {
      this.wanted[slot] = 0;
      this.chosen[slot] = 0;
    });
  }

  /** Gives the path to the members that may have it and are not full: `need` is who they are. */
  private choose(dest: number, path: number, family: Family, members: Int32Array): void {
    const { grouping, need, full } = this;
    const { batch } = this.delivery;
    const { groups } = grouping;
    if (grouping.isPlain) {
      grouping.setGroup(grouping.groupFor(dest, path, family));
    } else {
      grouping.outcomesFor(dest, path, family);
    }
    need.fill(0);
    for (const group of groups) {
      const at = batch.mask[group]!;
      for (let w = 0; w < batch.words; w++) {
        need[w] = need[w]! | (batch.masks[at + w]! & members[w]! & ~full[w]!);
      }
    }
    const bit = 1 << (this.changes.number(path) - 1);
    if (!this.quotas.isIdle) this.withhold(dest, family);
    eachSlot(need, (slot) => {
      this.wanted[slot] = this.wanted[slot]! | bit;
      this.chosen[slot]!++;
      if (this.chosen[slot]! >= (this.limits[slot]?.[family] ?? 1)) setBit(full, slot);
    });
  }

  /** Takes those out of `need` who have all the paths of the family that they may have. */
  private withhold(dest: number, family: Family): void {
    if (this.looking) return;
    const { need, full, chosen, quotas, sent } = this;
    eachSlot(need, (slot) => {
      if (quotas.allows(sent, slot, dest, family, chosen[slot]!)) return;
      clearBit(need, slot);
      setBit(full, slot);
    });
  }

  /** Announces the path to those of `need` who have not got it as it is. */
  private announce(
    dest: number,
    path: number,
    refresh: Int32Array,
    former: readonly FormerPolicy[],
  ): boolean {
    const { need, sent, changes, grouping } = this;
    const { batch } = this.delivery;
    const number = changes.number(path);
    const version = changes.version(path);
    const bit = 1 << (number - 1);
    let announced = false;
    for (const group of grouping.groups) {
      const at = batch.mask[group]!;
      const set = batch.attr[group]!;
      const mask = batch.takeMask();
      let any = 0;
      for (let w = 0; w < batch.words; w++) {
        let left = need[w]! & batch.masks[at + w]!;
        const everything = refresh[w] ?? 0;
        for (let bits = left & ~everything; bits !== 0; bits &= bits - 1) {
          const flag = bits & -bits;
          const slot = w * 32 + 31 - Math.clz32(flag);
          const has = (sent.numbers(slot, dest) & bit) !== 0;
          if (!has || ((version - sent.generation(slot, dest)) | 0) > 0) continue;
          if (this.changedBy(former, slot, dest, path, set)) continue;
          left &= ~flag;
        }
        batch.masks[mask + w] = left;
        any |= left;
      }
      if (any === 0) {
        batch.dropMask(mask);
        continue;
      }
      batch.announce(batch.variantFor(group, mask), path, number);
      announced = true;
    }
    return announced;
  }

  /** Whether the slot was served under an export policy that made something else of the path. */
  private changedBy(
    former: readonly FormerPolicy[],
    slot: number,
    dest: number,
    path: number,
    set: number,
  ): boolean {
    return former.some(
      ({ policy, mask }) =>
        hasBit(mask, 0, slot) && this.grouping.outcomeUnder(policy, dest, path) !== set,
    );
  }

  /** Withdraws what the members have and should not, and notes what they have now. */
  private settle(dest: number, family: Family, members: Int32Array): boolean {
    const { sent, wanted, gone } = this;
    const { batch } = this.delivery;
    const generation = this.changes.generation(dest);
    let lost = 0;
    eachSlot(members, (slot) => {
      const before = sent.numbers(slot, dest);
      const extra = before & ~wanted[slot]!;
      for (let bits = extra & ~lost; bits !== 0; bits &= bits - 1) {
        this.goneMask(31 - Math.clz32(bits & -bits)).fill(0);
      }
      lost |= extra;
      for (let bits = extra; bits !== 0; bits &= bits - 1) {
        setBit(gone[31 - Math.clz32(bits & -bits)]!, slot);
      }
      sent.write(slot, dest, family, wanted[slot]!, generation);
    });
    const early = family === Family.Evpn && this.table.routeType(dest) === 1;
    for (let bits = lost; bits !== 0; bits &= bits - 1) {
      const index = 31 - Math.clz32(bits & -bits);
      const mask = batch.takeMask();
      for (let w = 0; w < batch.words; w++) batch.masks[mask + w] = gone[index]![w]!;
      batch.withdraw(family, early, mask, dest, index + 1);
    }
    return lost !== 0;
  }

  private goneMask(index: number): Int32Array {
    let mask = this.gone[index];
    if (mask === undefined || mask.length < this.need.length) {
      mask = this.gone[index] = new Int32Array(this.need.length);
    }
    return mask;
  }

  private widen(words: number): void {
    if (this.need.length >= words) return;
    this.members = new Int32Array(words);
    this.full = new Int32Array(words);
    this.need = new Int32Array(words);
    this.wanted = new Int32Array(words * 32);
    this.chosen = new Int32Array(words * 32);
  }
}

const NO_FORMER: readonly FormerPolicy[] = [];

function eachSlot(mask: Int32Array, visit: (slot: number) => void): void {
  for (let w = 0; w < mask.length; w++) {
    for (let bits = mask[w]!; bits !== 0; bits &= bits - 1) {
      visit(w * 32 + 31 - Math.clz32(bits & -bits));
    }
  }
}
