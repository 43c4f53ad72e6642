/**
 * Many octet patterns of one length, asked at once: patterns with the same mask share a hash table,
 * so that an answer takes one look for each mask, however many patterns there are.
 */
import { fromHex, readU32, readU8 } from "../../../util/bytes.js";
import type { OctetPattern } from "./settings.js";

interface MaskTable {
  readonly mask: Uint8Array;
  /** Octets of all patterns, masked, one behind the other. */
  readonly values: Uint8Array;
  /** Open addressing: index of the pattern plus 1, 0 for none. */
  readonly slots: Int32Array;
}

/** One pattern of 4 to 8 octets: two words that may overlap, each with its mask. */
interface OnePattern {
  readonly mask0: number;
  readonly value0: number;
  readonly mask1: number;
  readonly value1: number;
  /** Where the second word begins. */
  readonly second: number;
}

/** So many patterns of one mask are compared one by one: a hash costs as much as some octets each. */
const FEW = 4;

export class OctetSet {
  private readonly tables: readonly MaskTable[];
  private readonly width: number;
  /** All there is, if it is one pattern that two words hold: the usual case. */
  private readonly one: OnePattern | undefined;

  /** @param width octets of every pattern */
  constructor(patterns: readonly OctetPattern[], width: number) {
    this.width = width;
    const byMask = new Map<string, Set<string>>();
    for (const { value, mask } of patterns) {
      let values = byMask.get(mask);
      if (values === undefined) byMask.set(mask, (values = new Set<string>()));
      values.add(value);
    }
    this.tables = [...byMask].map(([mask, values]) => tableOf(mask, [...values], width));
    this.one = onePattern(this.tables, width);
  }

  /** Whether one of the patterns fits the octets at `at`. */
  has(bytes: Uint8Array, at: number): boolean {
    const { one } = this;
    if (one !== undefined) {
      return (
        (readU32(bytes, at) & one.mask0) === one.value0 &&
        (readU32(bytes, at + one.second) & one.mask1) === one.value1
      );
    }
    for (let i = 0; i < this.tables.length; i++) {
      if (this.hasIn(this.tables[i]!, bytes, at)) return true;
    }
    return false;
  }

  /** Whether one of the patterns fits one of the records of `width` octets in `bytes[start, end)`. */
  hasAny(bytes: Uint8Array, start: number, end: number): boolean {
    for (let at = start; at + this.width <= end; at += this.width) {
      if (this.has(bytes, at)) return true;
    }
    return false;
  }

  private hasIn(table: MaskTable, bytes: Uint8Array, at: number): boolean {
    const { mask, values, slots } = table;
    const { width } = this;
    if (values.length <= FEW * width) return fitsOne(table, bytes, at, width);
    const last = slots.length - 1;
    let place = hashOf(bytes, at, mask, width) & last;
    for (;;) {
      const index = slots[place]! - 1;
      if (index < 0) return false;
      const base = index * width;
      let i = 0;
      while (i < width && values[base + i] === (readU8(bytes, at + i) & mask[i]!)) i++;
      if (i === width) return true;
      place = (place + 1) & last;
    }
  }
}

function onePattern(tables: readonly MaskTable[], width: number): OnePattern | undefined {
  const [table] = tables;
  if (table === undefined || tables.length > 1 || table.values.length > width) return undefined;
  if (width < 4 || width > 8) return undefined;
  const { mask, values } = table;
  const second = width - 4;
  const [mask0, mask1] = [readU32(mask, 0) | 0, readU32(mask, second) | 0];
  const [value0, value1] = [readU32(values, 0) & mask0, readU32(values, second) & mask1];
  return { mask0, value0, mask1, value1, second };
}

function fitsOne(table: MaskTable, bytes: Uint8Array, at: number, width: number): boolean {
  const { mask, values } = table;
  for (let base = 0; base < values.length; base += width) {
    let i = 0;
    while (i < width && values[base + i] === (readU8(bytes, at + i) & mask[i]!)) i++;
    if (i === width) return true;
  }
  return false;
}

function tableOf(maskText: string, texts: readonly string[], width: number): MaskTable {
  const mask = octetsOf(maskText, width);
  const values = new Uint8Array(texts.length * width);
  let size = 4;
  while (size < texts.length * 2) size *= 2;
  const slots = new Int32Array(size);
  for (const [index, text] of texts.entries()) {
    const value = octetsOf(text, width);
    for (let i = 0; i < width; i++) values[index * width + i] = value[i]! & mask[i]!;
    let place = hashOf(values, index * width, mask, width) & (size - 1);
    while (slots[place] !== 0) place = (place + 1) & (size - 1);
    slots[place] = index + 1;
  }
  return { mask, values, slots };
}

function hashOf(bytes: Uint8Array, at: number, mask: Uint8Array, width: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < width; i++) {
    hash = Math.imul(hash ^ (readU8(bytes, at + i) & mask[i]!), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}

function octetsOf(hex: string, width: number): Uint8Array {
  const octets = fromHex(hex);
  if (octets?.length !== width) throw new RangeError(`"${hex}" is not ${width} octets in hex`);
  return octets;
}
