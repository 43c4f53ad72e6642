/**
 * Sessions that take several paths of a destination, and are sent no more than so many paths of a family:
 * `send-limits.ts` for ADD-PATH. Costs nothing while nobody has such a limit. Of a destination the
 * better paths come first; which destinations lack paths is a matter of their order.
 */
import { FAMILIES, type Family } from "../../fast-bgp-codec/family.js";
import { countBits, type AddPathSent } from "./add-path-sent.js";

interface Quota {
  readonly slot: number;
  readonly family: Family;
  readonly maximum: number;
  /** Times a path was withheld. */
  withheld: number;
  /** Something was, and has not been sent since. */
  isShort: boolean;
}

export class PathQuotas {
  private readonly quotas = new Map<number, Quota>();

  get isIdle(): boolean {
    return this.quotas.size === 0;
  }

  /** @param maximum undefined takes the quota away; returns whether paths may have been withheld until now */
  set(slot: number, family: Family, maximum: number | undefined): boolean {
    const key = keyOf(slot, family);
    const before = this.quotas.get(key);
    if (maximum === undefined) this.quotas.delete(key);
    else {
      const withheld = before?.withheld ?? 0;
      this.quotas.set(key, { slot, family, maximum, withheld, isShort: false });
    }
    return before?.isShort === true;
  }

  /** The session is gone. */
  remove(slot: number): void {
    if (this.isIdle) return;
    for (const { family } of FAMILIES) this.quotas.delete(keyOf(slot, family));
  }

  withheld(slot: number, family: Family): number {
    return this.quotas.get(keyOf(slot, family))?.withheld ?? 0;
  }

  /**
   * Whether the slot may have one more path of the destination, beside `chosen` that were found for it.
   * What it has now of the destination is counted out: it is given anew.
   */
  allows(sent: AddPathSent, slot: number, dest: number, family: Family, chosen: number): boolean {
    const quota = this.quotas.get(keyOf(slot, family));
    if (quota === undefined) return true;
    const others = sent.count(slot, family) - countBits(sent.numbers(slot, dest));
    if (others + chosen < quota.maximum) return true;
    quota.withheld++;
    quota.isShort = true;
    return false;
  }

  /** Whether the slot lacks paths that it would have without its quota. */
  isShort(slot: number, family: Family): boolean {
    return this.quotas.get(keyOf(slot, family))?.isShort === true;
  }

  /** Slots that have room for something that was withheld; each is named once. */
  takeRoom(count: (slot: number, family: Family) => number): number[] {
    const slots = new Set<number>();
    for (const quota of this.quotas.values()) {
      if (!quota.isShort || count(quota.slot, quota.family) >= quota.maximum) continue;
      quota.isShort = false;
      slots.add(quota.slot);
    }
    return [...slots];
  }
}

function keyOf(slot: number, family: Family): number {
  return slot * FAMILIES.length + family;
}
