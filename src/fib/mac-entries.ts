/**
 * MAC entries: one record of twelve words for each MAC in each domain. An entry lives while a route
 * carries its MAC; its ring of candidates begins with the winner. Records never move, so that a second
 * thread can read them.
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
} as const;

export class MacEntries {
  private readonly table: RecordTable;
  private readonly domains: BridgeDomains;
  private readonly scratch = new Uint8Array(6);

  constructor(domains: BridgeDomains, shared = new SharedTables()) {
    this.table = shared.table("macs", WIDTH);
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
    return this.lookUp(domain, bytes, at, hashMac(domain, bytes, at));
  }

  /** Finds it, or makes it: without candidates, first seen now. */
  findOrCreate(domain: number, bytes: Uint8Array, at: number, nowSeconds: number): number {
    const hash = hashMac(domain, bytes, at);
    const found = this.lookUp(domain, bytes, at, hash);
    if (found !== 0) return found;
    const id = this.table.allocate(hash);
    const words = this.table.words;
    const base = id * WIDTH;
    const first = this.domains.firstEntry(domain);
    words[base + DOMAIN] = domain;
    words[base + MAC_HIGH] = readU16(bytes, at);
    words[base + MAC_LOW] = readI32(bytes, at + 2);
    words[base + FIRST_SEEN] = nowSeconds;
    words[base + LAST_CHANGE] = nowSeconds;
    words[base + NEXT_OF_DOMAIN] = first;
    if (first !== 0) words[first * WIDTH + PREVIOUS_OF_DOMAIN] = id;
    this.domains.setFirstEntry(domain, id);
    this.domains.countMac(domain, 1);
    this.domains.retain(domain);
    return id;
  }

  /** The entry goes; its ring is empty. */
  drop(id: number): void {
    const words = this.table.words;
    const base = id * WIDTH;
    const domain = words[base + DOMAIN]!;
    const next = words[base + NEXT_OF_DOMAIN]!;
    const previous = words[base + PREVIOUS_OF_DOMAIN]!;
    if (previous === 0) this.domains.setFirstEntry(domain, next);
    else words[previous * WIDTH + NEXT_OF_DOMAIN] = next;
    if (next !== 0) words[next * WIDTH + PREVIOUS_OF_DOMAIN] = previous;
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

  private lookUp(domain: number, bytes: Uint8Array, at: number, hash: number): number {
    const { table } = this;
    const words = table.words;
    const high = readU16(bytes, at);
    const low = readI32(bytes, at + 2);
    for (let id = table.head(hash); id !== 0; id = table.next(id)) {
      const base = id * WIDTH;
      if (
        words[base] === hash &&
        words[base + DOMAIN] === domain &&
        words[base + MAC_LOW] === low &&
        (words[base + MAC_HIGH]! & 0xffff) === high
      ) {
        return id;
      }
    }
    return 0;
  }

  /** The MAC's octets; valid until the next call. */
  mac(id: number): Uint8Array {
    writeU16(this.scratch, 0, this.macHigh(id));
    writeU32(this.scratch, 2, this.macLow(id));
    return this.scratch;
  }
}

function hashMac(domain: number, bytes: Uint8Array, at: number): number {
  return finishHash(hashBytes(HASH_START ^ Math.imul(domain, 0x9e3779b1), bytes, at, 6));
}
