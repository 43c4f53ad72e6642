/**
 * MAC entries: one record of twelve words for each MAC in each domain. An entry lives while a route
 * carries its MAC; its ring of candidates begins with the winner. Records never move, so that a second
 * thread can read them. A MAC that goes and comes back within one turn, so that nobody could see it gone, keeps
 * its record: records' numbers are where lists go on.
 *
 * The index is by MAC alone, so that one probe answers where a MAC is whatever the domain. A MAC in many
 * domains (a default gateway's) would make that list as long as there are domains: it has
 * `MOST_TOGETHER` entries there, and the others apart, by domain and MAC; `spread` counts those.
 */
import { readI32, readU16, writeU16, writeU32 } from "../util/bytes.js";
import { finishHash, hashBytes, HASH_START } from "../util/hash.js";
import type { RecordTable } from "../util/record-table.js";
import { SharedTables } from "../util/shared-tables.js";
import type { BridgeDomains } from "./bridge-domain.js";

const WIDTH = 12;
const DOMAIN = 2;
/** First two octets of the MAC in bits 0-15, `EntryFlag` from bit 16. */
const MAC_HIGH = 3;
const MAC_LOW = 4;
const HEAD = 5;
const MOVES = 6;
/** Wall-clock seconds. */
const FIRST_SEEN = 7;
const LAST_CHANGE = 8;
const NEXT_OF_DOMAIN = 9;
const PREVIOUS_OF_DOMAIN = 10;
/** Record of the duplicate detection, 0 while it has nothing to remember. */
const WATCH = 11;

export const EntryFlag = {
  /** A candidate's sequence is near its wrap. */
  NearWrap: 1 << 16,
  /** Sequences have wrapped, and it was told. */
  Wrapped: 1 << 17,
  /** The head need not be the winner: the ring is to be arranged before anybody looks. */
  Unsettled: 1 << 18,
  /** A sticky route and one of another place claim the MAC, and it was told. */
  Conflict: 1 << 19,
  /** In the index by domain and MAC. */
  Apart: 1 << 20,
  /** It went in this turn, and may come back in it. */
  Going: 1 << 21,
} as const;

/** Where a MAC is, is what is asked most. */
const BUCKETS_EACH = 2;

/** Entries of one MAC in the index by MAC. */
const MOST_TOGETHER = 8;

/** Words of a MAC that has entries apart. */
const SPREAD_WIDTH = 5;
const SPREAD_HIGH = 2;
const SPREAD_LOW = 3;
const SPREAD_COUNT = 4;

export class MacEntries {
  private readonly table: RecordTable;
  private readonly spread: RecordTable;
  private readonly domains: BridgeDomains;
  private readonly scratch = new Uint8Array(6);
  /** Dropped in this turn; those that came back are among them. */
  private going: number[] = [];

  constructor(domains: BridgeDomains, shared = new SharedTables()) {
    this.table = shared.table("macs", WIDTH, BUCKETS_EACH);
    this.spread = shared.table("spread-macs", SPREAD_WIDTH);
    this.domains = domains;
  }

  get count(): number {
    return this.table.count;
  }

  /** Every id in use is below this. */
  get limit(): number {
    return this.table.limit;
  }

  /** The entry of the MAC at `at`, 0 if there is none. */
  find(domain: number, bytes: Uint8Array, at: number): number {
    const hash = hashMac(bytes, at);
    const high = readU16(bytes, at);
    const low = readI32(bytes, at + 2);
    let found = this.lookUp(hash, domain, high, low);
    if (found === 0 && this.spreadOf(hash, high, low) !== 0) {
      found = this.lookUp(hashApart(hash, domain), domain, high, low);
    }
    return found !== 0 && this.hasFlag(found, EntryFlag.Going) ? 0 : found;
  }

  /** Finds it, or makes it: without candidates, first seen now. */
  findOrCreate(domain: number, bytes: Uint8Array, at: number, nowSeconds: number): number {
    const { table } = this;
    const hash = hashMac(bytes, at);
    const high = readU16(bytes, at);
    const low = readI32(bytes, at + 2);
    let words = table.words;
    let together = 0;
    for (let id = table.head(hash); id !== 0; id = table.next(id)) {
      const base = id * WIDTH;
      if (words[base] !== hash || !isMac(words, base, high, low)) continue;
      if (words[base + DOMAIN] === domain) return this.comeBack(id, nowSeconds);
      together++;
    }
    const spread = this.spreadOf(hash, high, low);
    if (spread !== 0) {
      const found = this.lookUp(hashApart(hash, domain), domain, high, low);
      if (found !== 0) return this.comeBack(found, nowSeconds);
    }
    const isApart = together >= MOST_TOGETHER;
    if (isApart) this.countApart(spread, hash, high, low);
    const id = table.allocate(isApart ? hashApart(hash, domain) : hash);
    words = table.words;
    const base = id * WIDTH;
    const first = this.domains.firstEntry(domain);
    words[base + DOMAIN] = domain;
    words[base + MAC_HIGH] = isApart ? high | EntryFlag.Apart : high;
    words[base + MAC_LOW] = low;
    words[base + FIRST_SEEN] = nowSeconds;
    words[base + LAST_CHANGE] = nowSeconds;
    words[base + NEXT_OF_DOMAIN] = first;
    if (first !== 0) words[first * WIDTH + PREVIOUS_OF_DOMAIN] = id;
    this.domains.setFirstEntry(domain, id);
    this.domains.countMac(domain, 1);
    this.domains.retain(domain);
    return id;
  }

  /**
   * All entries of a MAC, whatever the domain, in no order. Undefined for a MAC that has too many to go
   * over: ask for each domain.
   */
  ofMac(bytes: Uint8Array, at: number): number[] | undefined {
    const { table } = this;
    const words = table.words;
    const hash = hashMac(bytes, at);
    const high = readU16(bytes, at);
    const low = readI32(bytes, at + 2);
    if (this.spreadOf(hash, high, low) !== 0) return undefined;
    const found: number[] = [];
    for (let id = table.head(hash); id !== 0; id = table.next(id)) {
      const base = id * WIDTH;
      if (words[base] === hash && isMac(words, base, high, low)) found.push(id);
    }
    return found;
  }

  /** The entry goes, at the latest with `settle`; its ring is empty. */
  drop(id: number): void {
    this.setFlag(id, EntryFlag.Going, true);
    this.going.push(id);
  }

  /** The turn ends: what went and is not back gives its record away. */
  settle(): void {
    const { going } = this;
    if (going.length === 0) return;
    this.going = [];
    for (const id of going) if (this.hasFlag(id, EntryFlag.Going)) this.release(id);
  }

  /** The entry as `findOrCreate` gives it: a new one, if it was on its way out. */
  private comeBack(id: number, nowSeconds: number): number {
    const words = this.table.words;
    const base = id * WIDTH;
    const high = words[base + MAC_HIGH]!;
    if ((high & EntryFlag.Going) === 0) return id;
    words[base + MAC_HIGH] = high & (0xffff | EntryFlag.Apart);
    words[base + MOVES] = 0;
    words[base + FIRST_SEEN] = nowSeconds;
    words[base + LAST_CHANGE] = nowSeconds;
    words[base + WATCH] = 0;
    return id;
  }

  private release(id: number): void {
    const words = this.table.words;
    const base = id * WIDTH;
    const domain = words[base + DOMAIN]!;
    const next = words[base + NEXT_OF_DOMAIN]!;
    const previous = words[base + PREVIOUS_OF_DOMAIN]!;
    if (previous === 0) this.domains.setFirstEntry(domain, next);
    else words[previous * WIDTH + NEXT_OF_DOMAIN] = next;
    if (next !== 0) words[next * WIDTH + PREVIOUS_OF_DOMAIN] = previous;
    if (this.hasFlag(id, EntryFlag.Apart)) this.uncountApart(this.macHigh(id), this.macLow(id));
    this.table.release(id);
    this.domains.countMac(domain, -1);
    this.domains.release(domain);
  }

  /** Whether the id is in use. */
  exists(id: number): boolean {
    return this.table.words[id * WIDTH + HEAD] !== 0;
  }

  domain(id: number): number {
    return this.table.words[id * WIDTH + DOMAIN]!;
  }

  /** The first two octets. */
  macHigh(id: number): number {
    return this.table.words[id * WIDTH + MAC_HIGH]! & 0xffff;
  }

  macLow(id: number): number {
    return this.table.words[id * WIDTH + MAC_LOW]!;
  }

  /** The winner, head of the ring of candidates. */
  head(id: number): number {
    return this.table.words[id * WIDTH + HEAD]!;
  }

  setHead(id: number, head: number): void {
    this.table.words[id * WIDTH + HEAD] = head;
  }

  hasFlag(id: number, flag: number): boolean {
    return (this.table.words[id * WIDTH + MAC_HIGH]! & flag) !== 0;
  }

  setFlag(id: number, flag: number, on: boolean): void {
    const words = this.table.words;
    const at = id * WIDTH + MAC_HIGH;
    words[at] = on ? words[at]! | flag : words[at]! & ~flag;
  }

  moves(id: number): number {
    return this.table.words[id * WIDTH + MOVES]! >>> 0;
  }

  setMoves(id: number, moves: number): void {
    this.table.words[id * WIDTH + MOVES] = moves;
  }

  countMove(id: number): number {
    const words = this.table.words;
    const moves = (words[id * WIDTH + MOVES]! + 1) >>> 0;
    words[id * WIDTH + MOVES] = moves;
    return moves;
  }

  /** Wall-clock seconds. */
  firstSeen(id: number): number {
    return this.table.words[id * WIDTH + FIRST_SEEN]! >>> 0;
  }

  /** Wall-clock seconds of the last change of the winner. */
  lastChange(id: number): number {
    return this.table.words[id * WIDTH + LAST_CHANGE]! >>> 0;
  }

  setLastChange(id: number, seconds: number): void {
    this.table.words[id * WIDTH + LAST_CHANGE] = seconds;
  }

  nextOfDomain(id: number): number {
    return this.table.follow(id, NEXT_OF_DOMAIN);
  }

  watch(id: number): number {
    return this.table.words[id * WIDTH + WATCH]!;
  }

  setWatch(id: number, watch: number): void {
    this.table.words[id * WIDTH + WATCH] = watch;
  }

  /** The MAC's octets; valid until the next call. */
  mac(id: number): Uint8Array {
    writeU16(this.scratch, 0, this.macHigh(id));
    writeU32(this.scratch, 2, this.macLow(id));
    return this.scratch;
  }

  private lookUp(hash: number, domain: number, high: number, low: number): number {
    const { table } = this;
    const words = table.words;
    for (let id = table.head(hash); id !== 0; id = table.next(id)) {
      const base = id * WIDTH;
      if (
        words[base] === hash &&
        words[base + DOMAIN] === domain &&
        isMac(words, base, high, low)
      ) {
        return id;
      }
    }
    return 0;
  }

  /** The record of a MAC that has entries apart, 0 if it has none. */
  private spreadOf(hash: number, high: number, low: number): number {
    const { spread } = this;
    if (spread.count === 0) return 0;
    const words = spread.words;
    for (let id = spread.head(hash); id !== 0; id = spread.next(id)) {
      const base = id * SPREAD_WIDTH;
      if (words[base + SPREAD_LOW] === low && words[base + SPREAD_HIGH] === high) return id;
    }
    return 0;
  }

  private countApart(known: number, hash: number, high: number, low: number): void {
    const id = known === 0 ? this.spread.allocate(hash) : known;
    const words = this.spread.words;
    const base = id * SPREAD_WIDTH;
    words[base + SPREAD_HIGH] = high;
    words[base + SPREAD_LOW] = low;
    words[base + SPREAD_COUNT] = words[base + SPREAD_COUNT]! + 1;
  }

  private uncountApart(high: number, low: number): void {
    writeU16(this.scratch, 0, high);
    writeU32(this.scratch, 2, low);
    const id = this.spreadOf(hashMac(this.scratch, 0), high, low);
    const words = this.spread.words;
    const left = words[id * SPREAD_WIDTH + SPREAD_COUNT]! - 1;
    words[id * SPREAD_WIDTH + SPREAD_COUNT] = left;
    if (left === 0) this.spread.release(id);
  }
}

function isMac(words: Int32Array, base: number, high: number, low: number): boolean {
  return words[base + MAC_LOW] === low && (words[base + MAC_HIGH]! & 0xffff) === high;
}

function hashMac(bytes: Uint8Array, at: number): number {
  return finishHash(hashBytes(HASH_START, bytes, at, 6));
}

/** @param hash of the MAC */
function hashApart(hash: number, domain: number): number {
  return finishHash(hash ^ Math.imul(domain, 0x9e3779b1));
}
