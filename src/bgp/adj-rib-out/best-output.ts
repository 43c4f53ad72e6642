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
import { SentBits } from "./sent-bits.js";

/** A batch ends behind the destination that brings its attribute sets to this many octets. */
const BATCH_OCTETS = 1 << 20;

export class BestOutput implements Output {
  readonly sent = new SentBits();
  readonly log: ChangeLog;
  private readonly table: RouteTable;
  private readonly delivery: Delivery;
  private readonly grouping: Grouping;

  constructor(table: RouteTable, delivery: Delivery, grouping: Grouping) {
    this.table = table;
    this.log = table.log;
    this.delivery = delivery;
    this.grouping = grouping;
  }

  get isFull(): boolean {
    return this.delivery.batch.octets >= BATCH_OCTETS;
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
  }

  deliver(group: readonly Cursor[]): void {
    this.delivery.deliver(group);
  }

  live(dest: number, members: Int32Array): void {
    const { table, sent } = this;
    const { batch } = this.delivery;
    const family = table.family(dest);
    const path = table.bestPath(dest);
    const words = batch.words;
    const group = path === 0 ? -1 : this.grouping.groupFor(dest, path, family);
    const want = group < 0 ? -1 : batch.mask[group]!;
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
    if (!partial) batch.announce(group, dest);
    else batch.announce(this.grouping.restrict(group, members), dest);
  }

  dumped(dest: number, family: Family, dump: DumpMasks): boolean {
    const path = this.table.bestPath(dest);
    if (path === 0) return false;
    const { sent } = this;
    const { batch } = this.delivery;
    const initial = dump.initial[family]!;
    const refresh = dump.refresh[family]!;
    const group = this.grouping.groupFor(dest, path, family);
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

  /** Ethernet A-D routes are withdrawn before the rest (mass withdraw, RFC 7432 section 8.2). */
  private isEarly(dest: number, family: Family): boolean {
    return family === Family.Evpn && this.table.routeType(dest) === 1;
  }
}
