/** Keys by the peers they are good for: the one for the address alone, else the most particular that covers it. */
import { lengthOfMask, parseRange, rangesOverlap, type AddressRange } from "../../model/index.js";
import type { GatheredKey } from "./assembly.js";

export class KeyRing {
  private readonly exact = new Map<string, GatheredKey>();
  private readonly wide: {
    readonly key: GatheredKey;
    readonly length: number;
    readonly range: AddressRange;
  }[] = [];

  constructor(keys: readonly GatheredKey[]) {
    for (const key of keys) {
      const length = lengthOfMask(key.mask) ?? 32;
      const range = parseRange(`${key.peer}/${length}`);
      if (length === 32) this.exact.set(key.peer, key);
      else if (range !== undefined) this.wide.push({ key, length, range });
    }
    this.wide.sort((a, b) => b.length - a.length);
  }

  of(peer: string): GatheredKey | undefined {
    const exact = this.exact.get(peer);
    const range = exact === undefined ? parseRange(peer) : undefined;
    if (range === undefined) return exact;
    return this.wide.find((one) => rangesOverlap(one.range, range))?.key;
  }
}
