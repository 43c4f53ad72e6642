/**
 * Route-target constraint (RFC 4684): which sessions asked for which route targets. A membership NLRI
 * is a length in bits, an origin AS (4 octets) and a prefix of a route target; the origin AS plays no
 * role in matching. Lengths up to 32 ask for everything.
 *
 * A session that negotiated the family is sent a route only if one of the route's targets matches a
 * membership received from it; routes without any target go to those who asked for everything.
 */
import { readU8, toHex } from "../../util/bytes.js";
import { clearBit, hasBit, setBit } from "./slot-mask.js";

const ORIGIN_BITS = 32;
const FULL_BITS = 96;
const TARGET_BITS = FULL_BITS - ORIGIN_BITS;

/** Hex digits of the target's leading octets, and how many bits of them count. */
interface Pattern {
  readonly bits: number;
  readonly hex: string;
}

/** Who asked for one pattern, and by how many memberships (one per origin AS). */
interface Interest {
  readonly pattern: Pattern;
  mask: Int32Array;
  readonly counts: Map<number, number>;
}

/** What a membership speaks of. */
export interface AffectedTargets {
  /** All routes, those without any target among them. */
  readonly everything: boolean;
  /** Hex of the one target, where it is one. */
  readonly target: string | undefined;
  readonly includes: (target: string) => boolean;
}

export class RouteTargetFilter {
  /** Sessions that negotiated the family. */
  private constrained: Int32Array = new Int32Array(1);
  private anyone = 0;
  /** Whole targets by their hex. */
  private readonly exact = new Map<string, Interest>();
  /** Shorter prefixes, the empty one among them. */
  private readonly prefixes = new Map<string, Interest>();
  /** Counts up whenever an answer may have changed. */
  version = 1;

  /** No session is constrained: everything may be sent as it is. */
  get isIdle(): boolean {
    return this.anyone === 0;
  }

  addSlot(slot: number): void {
    this.constrained = wide(this.constrained, slot);
    setBit(this.constrained, slot);
    this.anyone++;
    this.version++;
  }

  removeSlot(slot: number): void {
    if (!this.has(slot)) return;
    clearBit(this.constrained, slot);
    this.anyone--;
    this.version++;
    for (const interests of [this.exact, this.prefixes]) {
      for (const [key, interest] of interests) {
        if (!interest.counts.delete(slot)) continue;
        clearBit(interest.mask, slot);
        if (interest.counts.size === 0) interests.delete(key);
      }
    }
  }

  has(slot: number): boolean {
    return slot >>> 5 < this.constrained.length && hasBit(this.constrained, 0, slot);
  }

  /**
   * A membership came (`change` 1) or went (-1).
   * @returns whose routes the slot's view of may have changed; undefined when nothing did
   */
  change(
    slot: number,
    bytes: Uint8Array,
    start: number,
    change: 1 | -1,
  ): AffectedTargets | undefined {
    if (!this.has(slot)) return undefined;
    const pattern = patternAt(bytes, start);
    const exact = pattern.bits === TARGET_BITS;
    const interests = exact ? this.exact : this.prefixes;
    const key = exact ? pattern.hex : `${pattern.bits}:${pattern.hex}`;
    const interest = interests.get(key) ?? {
      pattern,
      mask: new Int32Array(1),
      counts: new Map<number, number>(),
    };
    const before = interest.counts.get(slot) ?? 0;
    const after = Math.max(0, before + change);
    if (after > 0) interest.counts.set(slot, after);
    else interest.counts.delete(slot);
    if (interest.counts.size > 0) interests.set(key, interest);
    else interests.delete(key);
    if (before > 0 === after > 0) return undefined;
    interest.mask = wide(interest.mask, slot);
    if (after > 0) setBit(interest.mask, slot);
    else clearBit(interest.mask, slot);
    this.version++;
    return {
      everything: pattern.bits === 0,
      target: exact ? pattern.hex : undefined,
      includes: (target) => matches(pattern, target),
    };
  }

  /** Who may be sent routes with these targets: those who asked, and those who are not constrained. */
  allowed(targets: readonly string[], words: number): Int32Array {
    const mask = new Int32Array(words);
    for (let w = 0; w < words; w++) {
      let asked = ~(this.constrained[w] ?? 0);
      for (const target of targets) asked |= this.exact.get(target)?.mask[w] ?? 0;
      for (const { pattern, mask: askers } of this.prefixes.values()) {
        if (pattern.bits === 0 || targets.some((target) => matches(pattern, target))) {
          asked |= askers[w] ?? 0;
        }
      }
      mask[w] = asked;
    }
    return mask;
  }
}

/** What a membership NLRI at `start` asks for, its origin AS left aside. */
function patternAt(bytes: Uint8Array, start: number): Pattern {
  const length = Math.min(readU8(bytes, start), FULL_BITS);
  const bits = Math.max(0, length - ORIGIN_BITS);
  const from = start + 5;
  return { bits, hex: bits === 0 ? "" : toHex(bytes, from, from + Math.ceil(bits / 8)) };
}

function matches({ bits, hex }: Pattern, target: string): boolean {
  const digits = bits >>> 2;
  if (target.slice(0, digits) !== hex.slice(0, digits)) return false;
  const rest = bits & 3;
  if (rest === 0) return true;
  const differing = parseInt(target[digits]!, 16) ^ parseInt(hex[digits]!, 16);
  return differing >>> (4 - rest) === 0;
}

function wide(mask: Int32Array, slot: number): Int32Array<ArrayBuffer> {
  const words = (slot >>> 5) + 1;
  const wider = new Int32Array(Math.max(words, mask.length));
  wider.set(mask);
  return wider;
}
