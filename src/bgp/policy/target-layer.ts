/**
 * One reason to keep routes from sessions, by route target: each session it concerns has prefixes of
 * route targets (a whole target is one of 64 bits), and a route passes if one of its targets begins
 * with one of them. Memberships are one such layer, configured lists and what was inferred are others.
 */
import { clearBit, hasBit, setBit } from "./slot-mask.js";

/** Bits of a whole route target. */
export const TARGET_BITS = 64;
/** In place of a number of bits: every route, those without a target too. */
export const EVERYTHING = -1;

/** Who asked for one target or prefix. There may be a million of them. */
interface Interest {
  /** The only one, while there is no mask. */
  readonly slot: number;
  mask: Int32Array | undefined;
  /** How often beside the first time (a membership per origin AS, for example). */
  more: Map<number, number> | undefined;
}

export class TargetLayer {
  /** Sessions that are held to what they asked for. */
  private constrained: Int32Array = new Int32Array(1);
  private anyone = 0;
  /**
   * By how many bits of the target count, and by those bits in hex. Few lengths are in use, so that an
   * answer takes one look for each, however much was asked for.
   */
  private readonly interests = new Map<number, Map<string, Interest>>();

  /** It concerns no session. */
  get isIdle(): boolean {
    return this.anyone === 0;
  }

  has(slot: number): boolean {
    return slot >>> 5 < this.constrained.length && hasBit(this.constrained, 0, slot);
  }

  addSlot(slot: number): void {
    if (this.has(slot)) return;
    this.constrained = wide(this.constrained, slot);
    setBit(this.constrained, slot);
    this.anyone++;
  }

  /** The slot is concerned no more. What it asked for stays until it is taken back, and counts if it is concerned again. */
  removeSlot(slot: number): boolean {
    if (!this.has(slot)) return false;
    clearBit(this.constrained, slot);
    this.anyone--;
    return true;
  }

  /**
   * The slot asks once more (`change` 1) or once less (-1) for targets that begin with the `bits` of `prefix`.
   * @returns whether it now asks and did not, or the other way round
   */
  change(slot: number, bits: number, prefix: string, change: 1 | -1): boolean {
    return change > 0 ? this.ask(slot, bits, prefix) : this.takeBack(slot, bits, prefix);
  }

  private ask(slot: number, bits: number, prefix: string): boolean {
    let ofLength = this.interests.get(bits);
    if (ofLength === undefined) this.interests.set(bits, (ofLength = new Map<string, Interest>()));
    const interest = ofLength.get(prefix);
    if (interest === undefined) {
      ofLength.set(prefix, { slot, mask: undefined, more: undefined });
      return true;
    }
    if (asks(interest, slot)) {
      const more = (interest.more ??= new Map<number, number>());
      more.set(slot, (more.get(slot) ?? 0) + 1);
      return false;
    }
    if (interest.mask === undefined) {
      interest.mask = wide(new Int32Array(1), interest.slot);
      setBit(interest.mask, interest.slot);
    }
    if (slot >>> 5 >= interest.mask.length) interest.mask = wide(interest.mask, slot);
    setBit(interest.mask, slot);
    return true;
  }

  private takeBack(slot: number, bits: number, prefix: string): boolean {
    const interest = this.interests.get(bits)?.get(prefix);
    if (interest === undefined || !asks(interest, slot)) return false;
    const more = interest.more?.get(slot) ?? 0;
    if (more > 1) interest.more?.set(slot, more - 1);
    else if (more === 1) interest.more?.delete(slot);
    if (more > 0) return false;
    const { mask } = interest;
    if (mask !== undefined) clearBit(mask, slot);
    if (mask === undefined || mask.every((word) => word === 0)) this.forget(bits, prefix);
    return true;
  }

  /** What the slot asks for: hex prefixes with their bits. Costs a look at every interest. */
  asked(slot: number): { readonly bits: number; readonly prefix: string }[] {
    const found: { bits: number; prefix: string }[] = [];
    for (const [bits, ofLength] of this.interests) {
      for (const [prefix, interest] of ofLength) {
        if (asks(interest, slot)) found.push({ bits, prefix });
      }
    }
    return found;
  }

  /** Takes out of `mask` the concerned sessions that asked for none of the targets. */
  narrow(mask: Int32Array, targets: readonly string[]): void {
    if (this.anyone === 0) return;
    const words = Math.min(mask.length, this.constrained.length);
    const asking = new Int32Array(words);
    for (const [bits, ofLength] of this.interests) {
      if (bits === EVERYTHING) addTo(asking, ofLength.get(""));
      else for (const target of targets) addTo(asking, ofLength.get(prefixOf(target, bits)));
    }
    for (let w = 0; w < words; w++) mask[w] = mask[w]! & (~this.constrained[w]! | asking[w]!);
  }

  private forget(bits: number, prefix: string): void {
    const ofLength = this.interests.get(bits);
    ofLength?.delete(prefix);
    if (ofLength?.size === 0) this.interests.delete(bits);
  }
}

/** The leading bits of a target as hex digits, the last one's other bits 0. */
export function prefixOf(target: string, bits: number): string {
  const digits = bits >>> 2;
  const rest = bits & 3;
  if (rest === 0) return target.slice(0, digits);
  const last = parseInt(target.charAt(digits), 16) & (0xf << (4 - rest));
  return target.slice(0, digits) + last.toString(16);
}

function asks({ slot: only, mask }: Interest, slot: number): boolean {
  if (mask === undefined) return slot === only;
  return slot >>> 5 < mask.length && hasBit(mask, 0, slot);
}

function addTo(mask: Int32Array, interest: Interest | undefined): void {
  if (interest === undefined) return;
  const { slot, mask: asking } = interest;
  if (asking === undefined) {
    if (slot >>> 5 < mask.length) setBit(mask, slot);
    return;
  }
  const words = Math.min(mask.length, asking.length);
  for (let w = 0; w < words; w++) mask[w] = mask[w]! | asking[w]!;
}

function wide(mask: Int32Array, slot: number): Int32Array<ArrayBuffer> {
  const words = (slot >>> 5) + 1;
  const wider = new Int32Array(Math.max(words, mask.length));
  wider.set(mask);
  return wider;
}
