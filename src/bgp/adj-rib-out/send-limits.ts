/**
 * Sessions that are sent no more than so many routes of a family: what would be one more is withheld.
 * Costs nothing while nobody has such a limit. Which routes are withheld is a matter of their order; when
 * there is room again, a look at the whole table (`sync`) sends what is missing.
 */
import { FAMILIES, type Family } from "../../fast-bgp-codec/family.js";
import { clearBit, hasBit } from "../policy/slot-mask.js";
import type { SentBits } from "./sent-bits.js";

interface SendLimit {
  readonly slot: number;
  readonly maximum: number;
  /** Routes the session has; of the batch at hand, too. */
  count: number;
  /** Times a route was withheld. */
  withheld: number;
  /** Something was, and has not been sent since. */
  isShort: boolean;
}

export class SendLimits {
  private readonly byFamily: SendLimit[][] = FAMILIES.map(() => []);
  private any = 0;
  private scratch = new Int32Array(1);

  get isIdle(): boolean {
    return this.any === 0;
  }

  /** @param maximum undefined takes the limit away; returns whether routes may have been withheld until now */
  set(slot: number, family: Family, maximum: number | undefined): boolean {
    const limits = this.byFamily[family]!;
    const at = limits.findIndex((limit) => limit.slot === slot);
    const before = at < 0 ? undefined : limits[at];
    if (before !== undefined) limits.splice(at, 1);
    if (maximum !== undefined) {
      const withheld = before?.withheld ?? 0;
      limits.push({ slot, maximum, count: 0, withheld, isShort: false });
    }
    this.any += (maximum === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    return before?.isShort === true;
  }

  /** The session is gone. */
  remove(slot: number): void {
    if (this.isIdle) return;
    for (const { family } of FAMILIES) this.set(slot, family, undefined);
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
      if (had && !wants) limit.count--;
      if (had || !wants) continue;
      if (limit.count < limit.maximum) {
        limit.count++;
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
        limit.isShort = false;
        slots.add(limit.slot);
      }
    }
    return [...slots];
  }
}
