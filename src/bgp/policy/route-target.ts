/**
 * Route-target constraint (RFC 4684): which sessions asked for which route targets. A membership NLRI
 * is a length in bits, an origin AS (4 octets) and a prefix of a route target; the origin AS plays no
 * role in matching. Length 0, the default, asks for everything; length 32 for every route with a target.
 *
 * A session that negotiated the family is sent a route only if one of the route's targets matches a
 * membership received from it; routes without any target go to those with the default alone.
 */
import { readU8, toHex } from "../../util/bytes.js";
import { clearBit, hasBit, setBit } from "./slot-mask.js";

const ORIGIN_BITS = 32;
const FULL_BITS = 96;
const TARGET_BITS = FULL_BITS - ORIGIN_BITS;
/** Stands for the default membership, of length 0. */
const EVERYTHING = -1;

/** Who asked for one target or prefix, and by how many memberships (one per origin AS). */
interface Interest {
  mask: Int32Array;
  readonly counts: Map<number, number>;
}

/** What a membership speaks of. */
export interface AffectedTargets {
  /** Hex of the one target; undefined for a prefix: perhaps of all, and of routes without any. */
  readonly target: string | undefined;
}

export class RouteTargetFilter {
  /** Sessions that negotiated the family. */
  private constrained: Int32Array = new Int32Array(1);
  private anyone = 0;
  /**
   * By how many bits of the target count, and by those bits in hex. Few lengths are in use, so that an
   * answer takes one look for each, however many memberships there are.
   */
  private readonly interests = new Map<number, Map<string, Interest>>();
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
    for (const [bits, ofLength] of this.interests) {
      for (const [prefix, interest] of ofLength) {
        if (!interest.counts.delete(slot)) continue;
        clearBit(interest.mask, slot);
        if (interest.counts.size === 0) this.forget(bits, prefix);
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
    const bits = bitsAt(bytes, start);
    const prefix = prefixAt(bytes, start, bits);
    const interest = this.interestIn(bits, prefix);
    const before = interest.counts.get(slot) ?? 0;
    const after = Math.max(0, before + change);
    if (after > 0) interest.counts.set(slot, after);
    else interest.counts.delete(slot);
    if (interest.counts.size === 0) this.forget(bits, prefix);
    if (before > 0 === after > 0) return undefined;
    interest.mask = wide(interest.mask, slot);
    if (after > 0) setBit(interest.mask, slot);
    else clearBit(interest.mask, slot);
    this.version++;
    return { target: bits === TARGET_BITS ? prefix : undefined };
  }

  /** Who may be sent routes with these targets: those who asked, and those who are not constrained. */
  allowed(targets: readonly string[], words: number): Int32Array {
    const mask = new Int32Array(words);
    for (let w = 0; w < words; w++) mask[w] = ~(this.constrained[w] ?? 0);
    for (const [bits, ofLength] of this.interests) {
      if (bits === EVERYTHING) addTo(mask, ofLength.get(""));
      else for (const target of targets) addTo(mask, ofLength.get(prefixOf(target, bits)));
    }
    return mask;
  }

  private interestIn(bits: number, prefix: string): Interest {
    let ofLength = this.interests.get(bits);
    if (ofLength === undefined) this.interests.set(bits, (ofLength = new Map<string, Interest>()));
    let interest = ofLength.get(prefix);
    if (interest === undefined) {
      interest = { mask: new Int32Array(1), counts: new Map<number, number>() };
      ofLength.set(prefix, interest);
    }
    return interest;
  }

  private forget(bits: number, prefix: string): void {
    const ofLength = this.interests.get(bits);
    ofLength?.delete(prefix);
    if (ofLength?.size === 0) this.interests.delete(bits);
  }
}

/** How many bits of the target the membership NLRI at `start` names, its origin AS left aside; EVERYTHING for the default. */
function bitsAt(bytes: Uint8Array, start: number): number {
  const length = readU8(bytes, start);
  return length === 0 ? EVERYTHING : Math.max(0, Math.min(length, FULL_BITS) - ORIGIN_BITS);
}

function prefixAt(bytes: Uint8Array, start: number, bits: number): string {
  const from = start + 5;
  return bits <= 0 ? "" : prefixOf(toHex(bytes, from, from + Math.ceil(bits / 8)), bits);
}

/** The leading bits of a target as hex digits, the last one's other bits 0. */
function prefixOf(target: string, bits: number): string {
  const digits = bits >>> 2;
  const rest = bits & 3;
  if (rest === 0) return target.slice(0, digits);
  const last = parseInt(target.charAt(digits), 16) & (0xf << (4 - rest));
  return target.slice(0, digits) + last.toString(16);
}

function addTo(mask: Int32Array, interest: Interest | undefined): void {
  if (interest === undefined) return;
  const words = Math.min(mask.length, interest.mask.length);
  for (let w = 0; w < words; w++) mask[w] = mask[w]! | interest.mask[w]!;
}

function wide(mask: Int32Array, slot: number): Int32Array<ArrayBuffer> {
  const words = (slot >>> 5) + 1;
  const wider = new Int32Array(Math.max(words, mask.length));
  wider.set(mask);
  return wider;
}
