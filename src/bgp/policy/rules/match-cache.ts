/**
 * What a chain of rules found out about attribute sets, by their ids: which rules' conditions hold, and
 * what a rule's `set` block makes of a set. Direct-mapped tables of words outside any object: an
 * answer costs one look and allocates nothing; a collision costs working it out again.
 *
 * Entries hold no reference: the serial tells whether the set they speak of is still that set.
 */
import type { AttrStore } from "../../rib/attr-store.js";

const SIZE_MIN = 256;
/** Entries; beyond it ids share places. */
const SIZE_MAX = 65_536;

const ATTR = 0;
const SERIAL = 1;
/** Of `MatchCache`. */
export const PMSI = 2;
export const MASK = 3;
/** Of `RewriteCache`. */
const RULE = 2;
const RESULT = 3;
const RESULT_SERIAL = 4;
const REWRITE_WIDTH = 5;

/**
 * What all caches together may take beyond their least: with a policy of its own for every peer, or
 * thousands of rules, they would otherwise outgrow the table.
 */
export class CacheRoom {
  private words: number;

  /** @param words of four octets */
  constructor(words = ROOM) {
    this.words = words;
  }

  take(words: number): boolean {
    if (words > this.words) return false;
    this.words -= words;
    return true;
  }

  give(words: number): void {
    this.words += words;
  }
}

/** 64 MiB. */
const ROOM = 16 * 1024 * 1024;

class AttrCache {
  words: Int32Array;
  protected readonly attrs: AttrStore;
  protected readonly width: number;
  protected size = SIZE_MIN;
  private readonly room: CacheRoom;

  constructor(attrs: AttrStore, width: number, room: CacheRoom) {
    this.attrs = attrs;
    this.width = width;
    this.room = room;
    this.words = new Int32Array(SIZE_MIN * width);
  }

  close(): void {
    this.room.give((this.size - SIZE_MIN) * this.width);
    this.size = SIZE_MIN;
    this.words = new Int32Array(SIZE_MIN * this.width);
  }

  /** Follows the store in size, as far as there is room; what was known is worked out again. */
  protected grow(): void {
    if (this.size >= SIZE_MAX || this.attrs.limit <= this.size) return;
    let size = this.size;
    while (size < SIZE_MAX && size < this.attrs.limit) size *= 4;
    while (size > this.size && !this.room.take((size - this.size) * this.width)) size /= 4;
    if (size === this.size) return;
    this.size = size;
    this.words = new Int32Array(size * this.width);
  }
}

export class MatchCache extends AttrCache {
  /** @param maskWords words of 32 rules */
  constructor(attrs: AttrStore, maskWords: number, room: CacheRoom) {
    super(attrs, MASK + maskWords, room);
  }

  /** Offset in `words` of what is known of the set; -1 for nothing. */
  find(attr: number): number {
    const base = (attr & (this.size - 1)) * this.width;
    const { words } = this;
    return words[base + ATTR] === attr && words[base + SERIAL] === this.attrs.serial(attr)
      ? base
      : -1;
  }

  /** An entry for the set, its mask 0; its offset. */
  take(attr: number): number {
    this.grow();
    const base = (attr & (this.size - 1)) * this.width;
    const { words } = this;
    words.fill(0, base, base + this.width);
    words[base + ATTR] = attr;
    words[base + SERIAL] = this.attrs.serial(attr);
    return base;
  }
}

export class RewriteCache extends AttrCache {
  constructor(attrs: AttrStore, room: CacheRoom) {
    super(attrs, REWRITE_WIDTH, room);
  }

  /** What the rule made of the set; 0 when that is not known, or is no more. */
  find(attr: number, rule: number): number {
    const { attrs, words } = this;
    const base = this.baseOf(attr, rule);
    if (
      words[base + ATTR] !== attr ||
      words[base + RULE] !== rule ||
      words[base + SERIAL] !== attrs.serial(attr)
    ) {
      return 0;
    }
    const result = words[base + RESULT]!;
    const alive = attrs.references(result) > 0;
    return alive && attrs.serial(result) === words[base + RESULT_SERIAL] ? result : 0;
  }

  store(attr: number, rule: number, result: number): void {
    this.grow();
    const { attrs, words } = this;
    const base = this.baseOf(attr, rule);
    words[base + ATTR] = attr;
    words[base + SERIAL] = attrs.serial(attr);
    words[base + RULE] = rule;
    words[base + RESULT] = result;
    words[base + RESULT_SERIAL] = attrs.serial(result);
  }

  private baseOf(attr: number, rule: number): number {
    return ((attr + Math.imul(rule, 0x9e3779b1)) & (this.size - 1)) * this.width;
  }
}
