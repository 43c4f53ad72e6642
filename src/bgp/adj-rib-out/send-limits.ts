/**
 * Sessions that are sent no more than so many routes of a family: what would be one more is withheld.
 * Costs nothing while nobody has such a limit. Which routes are withheld is a matter of their order; when
 * there is room again, a look at the whole table (`sync`) sends what is missing.
 */
import { FAMILIES, type Family } from "../../fast-bgp-codec/family.js";
import { clearBit, hasBit } from "../policy/slot-mask.js";
import type { RouteTable } from "../rib/route-table.js";
import { KindLimit, type RouteKind } from "./kind-limit.js";
import type { SentBits } from "./sent-bits.js";

interface SendLimit {
  readonly slot: number;
  /** Of the family; Infinity where only kinds of it are limited. */
  readonly maximum: number;
  readonly kinds: readonly KindLimit[];
  /** Routes the session has; of the batch at hand, too. */
  count: number;
  /** Times a route was withheld. */
  withheld: number;
  /** Something was, and has not been sent since. */
  isShort: boolean;
  /** Some kind has got room since. */
  hasRoom: boolean;
}

export class SendLimits {
  private readonly byFamily: SendLimit[][] = FAMILIES.map(() => []);
  private readonly table: RouteTable;
  private any = 0;
  private scratch = new Int32Array(1);

  constructor(table: RouteTable) {
    this.table = table;
  }

  get isIdle(): boolean {
    return this.any === 0;
  }

  /**
   * @param maximum undefined and no `kinds` take the limit away
   * @param kinds limits on parts of the family; with some of them, what was sent is counted at once
   * @returns whether routes may have been withheld until now
   */
  set(
    slot: number,
    family: Family,
    maximum: number | undefined,
    kinds: readonly RouteKind[],
    sent: SentBits,
  ): boolean {
    const limits = this.byFamily[family]!;
    const at = limits.findIndex((limit) => limit.slot === slot);
    const before = at < 0 ? undefined : limits[at];
    if (before !== undefined) limits.splice(at, 1);
    const limited = maximum !== undefined || kinds.length > 0;
    if (limited) {
      limits.push({
        slot,
        maximum: maximum ?? Infinity,
        kinds: kinds.map((kind) => this.countKind(slot, family, kind, sent)),
        count: 0,
        withheld: before?.withheld ?? 0,
        isShort: false,
        hasRoom: false,
      });
    }
    this.any += (limited ? 1 : 0) - (before === undefined ? 0 : 1);
    return before?.isShort === true;
  }

  /** Routes of a kind that the slot has been sent, counted now. Walks the table. */
  countKind(slot: number, family: Family, kind: RouteKind, sent: SentBits): KindLimit {
    const { table } = this;
    const counted = new KindLimit(table, kind);
    if (sent.count(slot, family) === 0) return counted;
    for (let dest = 1; dest < table.destinationLimit; dest++) {
      if (sent.has(slot, dest) && table.family(dest) === family) counted.sent(dest);
    }
    return counted;
  }

  /** The kinds of the slot's limit, as they were given. */
  kinds(slot: number, family: Family): readonly KindLimit[] {
    return this.byFamily[family]!.find((limit) => limit.slot === slot)?.kinds ?? [];
  }

  /** The session is gone. */
  remove(slot: number): void {
    if (this.isIdle) return;
    for (const limits of this.byFamily) {
      const at = limits.findIndex((limit) => limit.slot === slot);
      if (at < 0) continue;
      limits.splice(at, 1);
      this.any--;
    }
  }

  withheld(slot: number, family: Family): number {
    return this.byFamily[family]!.find((limit) => limit.slot === slot)?.withheld ?? 0;
  }

  /** A batch begins. */
  begin(sent: SentBits, words: number): void {
    if (this.scratch.length < words) this.scratch = new Int32Array(words);
    for (const { family } of FAMILIES) {
      for (const limit of this.byFamily[family]!) limit.count = sent.count(limit.slot, family);
    }
  }

  /**
   * The slots of `mask` without those that have enough and should get one more.
   * @param wanted who should have the destination, from `at` on
   * @returns `mask` itself, or words that hold until the next call
   */
  narrow(
    sent: SentBits,
    dest: number,
    family: Family,
    wanted: Int32Array | undefined,
    at: number,
    mask: Int32Array,
    words: number,
  ): Int32Array {
    let narrowed = mask;
    for (const limit of this.byFamily[family]!) {
      const { slot } = limit;
      if (!hasBit(mask, 0, slot)) continue;
      const wants = wanted !== undefined && hasBit(wanted, at, slot);
      const had = sent.has(slot, dest);
      if (!wants) {
        if (had) limit.count--;
        if (had) limit.hasRoom = true;
        for (const kind of limit.kinds) kind.withdrawn(dest);
        continue;
      }
      if (had || (limit.count < limit.maximum && !limit.kinds.some((kind) => kind.isFull(dest)))) {
        if (!had) limit.count++;
        // A route that it has may have moved to another VNI.
        for (const kind of limit.kinds) if (kind.sent(dest)) limit.hasRoom = true;
        continue;
      }
      limit.withheld++;
      limit.isShort = true;
      if (narrowed === mask) {
        narrowed = this.scratch;
        for (let w = 0; w < words; w++) narrowed[w] = mask[w]!;
      }
      clearBit(narrowed, slot);
    }
    return narrowed;
  }

  /** What a session with enough lacks is no fault: takes it out of `wanted`, for audits. */
  excuse(sent: SentBits, dest: number, family: Family, wanted: Int32Array): void {
    for (const { slot, isShort } of this.byFamily[family]!) {
      if (isShort && hasBit(wanted, 0, slot) && !sent.has(slot, dest)) clearBit(wanted, slot);
    }
  }

  /** Slots that have room for something that was withheld; each is named once. */
  takeRoom(sent: SentBits): number[] {
    const slots = new Set<number>();
    for (const { family } of FAMILIES) {
      for (const limit of this.byFamily[family]!) {
        if (!limit.isShort || sent.count(limit.slot, family) >= limit.maximum) continue;
        if (limit.kinds.length > 0 && !limit.hasRoom) continue;
        limit.isShort = false;
        limit.hasRoom = false;
        slots.add(limit.slot);
      }
    }
    return [...slots];
  }
}
