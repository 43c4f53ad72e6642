/**
 * What is remembered of MACs that moved, that went lately, or that are duplicates: a record each, in flat
 * memory, found by domain and MAC, so that it outlives the MAC's entry. Records never move.
 *
 * A *place* is a PE's address and, of a multihomed MAC, its segment: PEs of one segment are one place.
 */
import { formatEsi, formatIp } from "../../fast-bgp-codec/index.js";
import { readI32, readU16, writeU16, writeU32 } from "../../util/bytes.js";
import { finishHash, hashBytes, HASH_START } from "../../util/hash.js";
import type { RecordTable } from "../../util/record-table.js";
import { SharedTables } from "../../util/shared-tables.js";
import type { EthernetSegments } from "../ethernet-segment.js";
import type { RemotePes } from "../remote-pes.js";
import type { Action, State, Subject } from "./machine.js";

const WIDTH = 47;
/** Words of the domain's key, its tag, and the MAC. */
const KEY = 2;
const ENTRY = 7;
/** `State` in bits 0-7, `Flag` above, action by hand in bits 16-23. */
const STATE = 8;
const SINCE = 9;
const LAST = 10;
const MOVES = 11;
const ATTEMPTS = 12;
const TURNED = 13;
const ABSENT_SINCE = 14;
/** Seconds until release, of a quarantine by hand. */
const RELEASE = 15;
/** Moves that the entry counted when it went. */
const TOTAL = 16;
/** Neighbours in the list of those that are gone; in no list, both are the record itself. */
const PREVIOUS = 17;
const NEXT = 18;
/** Octets of the address, four words of it, three words of the ESI. */
const PLACE_WORDS = 8;
const ESI = 5;
export const Place = {
  /** Where the MAC is, or was when it went. */
  Last: 19,
  /** Where it was before the window began. */
  Home: 27,
  /** Where it counts under an effect. */
  Kept: 35,
} as const;
export type Place = (typeof Place)[keyof typeof Place];

/** High words of `SINCE`, `LAST`, `TURNED` and `ABSENT_SINCE`: 32 bits are milliseconds of seven weeks. */
const SINCE_HIGH = 43;
const LAST_HIGH = 44;
const TURNED_HIGH = 45;
const ABSENT_SINCE_HIGH = 46;
const HIGH = 0x1_0000_0000;

const Flag = { Alarmed: 1 << 8, Absent: 1 << 9, ByHand: 1 << 10, InUse: 1 << 11 } as const;
const ACTION = 16;

/** A place in the layout of the records. */
export type PlaceWords = Int32Array;

/** A domain and a MAC. */
export interface WatchKey {
  readonly k0: number;
  readonly k1: number;
  readonly tag: number;
  readonly high: number;
  readonly low: number;
}

export interface PlaceView {
  readonly pe: string;
  readonly esi: string | undefined;
}

export class WatchRecords {
  readonly table: RecordTable;
  private readonly pes: RemotePes;
  /** First and last of those that are gone, oldest first; 0 = none. */
  private firstGone = 0;
  private lastGone = 0;
  /** Records of MACs that are gone and have no effect. */
  goneCount = 0;
  private readonly scratch = new Uint8Array(28);

  /** @param pes where `internPe` looks for addresses */
  constructor(pes: RemotePes, shared = new SharedTables()) {
    this.table = shared.table("watch", WIDTH);
    this.pes = pes;
  }

  get count(): number {
    return this.table.count;
  }

  get limit(): number {
    return this.table.limit;
  }

  /** The record of a domain's MAC, 0 for none. */
  find({ k0, k1, tag, high, low }: WatchKey): number {
    const hash = this.hashOf(k0, k1, tag, high, low);
    const { words } = this.table;
    for (let id = this.table.head(hash); id !== 0; id = words[id * WIDTH + 1]!) {
      const base = id * WIDTH + KEY;
      if (
        words[id * WIDTH] === hash &&
        words[base] === k0 &&
        words[base + 1] === k1 &&
        words[base + 2] === (tag | 0) &&
        words[base + 3] === high &&
        words[base + 4] === low
      ) {
        return id;
      }
    }
    return 0;
  }

  /** A fresh record: there must be none. */
  make({ k0, k1, tag, high, low }: WatchKey): number {
    const id = this.table.allocate(this.hashOf(k0, k1, tag, high, low));
    const { words } = this.table;
    const base = id * WIDTH;
    words[base + KEY] = k0;
    words[base + KEY + 1] = k1;
    words[base + KEY + 2] = tag | 0;
    words[base + KEY + 3] = high;
    words[base + KEY + 4] = low;
    words[base + STATE] = Flag.InUse;
    words[base + PREVIOUS] = id;
    words[base + NEXT] = id;
    return id;
  }

  drop(id: number): void {
    this.leaveGone(id);
    this.table.release(id);
  }

  exists(id: number): boolean {
    return (this.table.words[id * WIDTH + STATE]! & Flag.InUse) !== 0;
  }

  key(id: number): WatchKey {
    const { words } = this.table;
    const base = id * WIDTH + KEY;
    return {
      k0: words[base]!,
      k1: words[base + 1]!,
      tag: words[base + 2]! >>> 0,
      high: words[base + 3]!,
      low: words[base + 4]!,
    };
  }

  /** The MAC's entry, 0 while it has none. */
  entry(id: number): number {
    return this.table.words[id * WIDTH + ENTRY]!;
  }

  setEntry(id: number, entry: number): void {
    this.table.words[id * WIDTH + ENTRY] = entry;
  }

  state(id: number): State {
    return (this.table.words[id * WIDTH + STATE]! & 0xff) as State;
  }

  isAlarmed(id: number): boolean {
    return (this.table.words[id * WIDTH + STATE]! & Flag.Alarmed) !== 0;
  }

  isByHand(id: number): boolean {
    return (this.table.words[id * WIDTH + STATE]! & Flag.ByHand) !== 0;
  }

  /** The action that was asked for by hand. */
  action(id: number): Action {
    return ((this.table.words[id * WIDTH + STATE]! >>> ACTION) & 0xff) as Action;
  }

  release(id: number): number {
    return this.table.words[id * WIDTH + RELEASE]!;
  }

  setByHand(id: number, action: Action, releaseSeconds: number): void {
    const { words } = this.table;
    const at = id * WIDTH + STATE;
    words[at] = (words[at]! & 0xffff) | Flag.ByHand | (action << ACTION);
    words[id * WIDTH + RELEASE] = releaseSeconds;
  }

  clearByHand(id: number): void {
    const { words } = this.table;
    words[id * WIDTH + STATE] = words[id * WIDTH + STATE]! & 0xffff & ~Flag.ByHand;
  }

  total(id: number): number {
    return this.table.words[id * WIDTH + TOTAL]!;
  }

  setTotal(id: number, moves: number): void {
    this.table.words[id * WIDTH + TOTAL] = moves;
  }

  load(id: number, into: Subject): void {
    const { words } = this.table;
    const base = id * WIDTH;
    const state = words[base + STATE]!;
    into.state = (state & 0xff) as State;
    into.alarmed = (state & Flag.Alarmed) !== 0;
    into.absent = (state & Flag.Absent) !== 0;
    into.since = timeAt(words, base + SINCE, base + SINCE_HIGH);
    into.last = timeAt(words, base + LAST, base + LAST_HIGH);
    into.moves = words[base + MOVES]!;
    into.attempts = words[base + ATTEMPTS]!;
    into.turned = timeAt(words, base + TURNED, base + TURNED_HIGH);
    into.absentSince = timeAt(words, base + ABSENT_SINCE, base + ABSENT_SINCE_HIGH);
  }

  save(id: number, from: Subject): void {
    const { words } = this.table;
    const base = id * WIDTH;
    const kept = words[base + STATE]! & ~(0xff | Flag.Alarmed | Flag.Absent);
    words[base + STATE] =
      kept | from.state | (from.alarmed ? Flag.Alarmed : 0) | (from.absent ? Flag.Absent : 0);
    setTime(words, base + SINCE, base + SINCE_HIGH, from.since);
    setTime(words, base + LAST, base + LAST_HIGH, from.last);
    words[base + MOVES] = from.moves;
    words[base + ATTEMPTS] = from.attempts;
    setTime(words, base + TURNED, base + TURNED_HIGH, from.turned);
    setTime(words, base + ABSENT_SINCE, base + ABSENT_SINCE_HIGH, from.absentSince);
  }

  // Places

  setPlace(id: number, place: Place, words: PlaceWords): void {
    this.table.words.set(words, id * WIDTH + place);
  }

  copyPlace(id: number, from: Place, to: Place): void {
    const base = id * WIDTH;
    this.table.words.copyWithin(base + to, base + from, base + from + PLACE_WORDS);
  }

  /** Whether the two are one place; also when the record has none. */
  isPlace(id: number, place: Place, other: PlaceWords): boolean {
    const { words } = this.table;
    const base = id * WIDTH + place;
    if (words[base] === 0) return true;
    if (this.hasSegment(base) && equalWords(words, base + ESI, other, ESI, 3)) return true;
    return equalWords(words, base, other, 0, ESI);
  }

  hasPlace(id: number, place: Place): boolean {
    return this.table.words[id * WIDTH + place] !== 0;
  }

  /** The id of the place's PE, with a reference for the caller. */
  internPe(id: number, place: Place): number {
    return this.pes.intern(this.scratch, 0, this.writeAddress(id, place));
  }

  /** Undefined when there is none. */
  place(id: number, place: Place): PlaceView | undefined {
    const base = id * WIDTH + place;
    const { words } = this.table;
    return words[base] === 0 ? undefined : placeText(words.subarray(base, base + PLACE_WORDS));
  }

  // The list of those that are gone

  /** Puts the record at the end of the list. */
  enterGone(id: number): void {
    this.leaveGone(id);
    const { words } = this.table;
    words[id * WIDTH + PREVIOUS] = this.lastGone;
    words[id * WIDTH + NEXT] = 0;
    if (this.lastGone === 0) this.firstGone = id;
    else words[this.lastGone * WIDTH + NEXT] = id;
    this.lastGone = id;
    this.goneCount++;
  }

  leaveGone(id: number): void {
    const { words } = this.table;
    const previous = words[id * WIDTH + PREVIOUS]!;
    const next = words[id * WIDTH + NEXT]!;
    if (next === id) return;
    if (previous === 0) this.firstGone = next;
    else words[previous * WIDTH + NEXT] = next;
    if (next === 0) this.lastGone = previous;
    else words[next * WIDTH + PREVIOUS] = previous;
    words[id * WIDTH + PREVIOUS] = id;
    words[id * WIDTH + NEXT] = id;
    this.goneCount--;
  }

  isGone(id: number): boolean {
    return this.table.words[id * WIDTH + NEXT] !== id;
  }

  /** The one that went first, 0 for none. */
  get oldestGone(): number {
    return this.firstGone;
  }

  private hasSegment(base: number): boolean {
    const { words } = this.table;
    return words[base + ESI] !== 0 || words[base + ESI + 1] !== 0 || words[base + ESI + 2] !== 0;
  }

  /** Into the scratch; octets of the address. */
  private writeAddress(id: number, place: Place): number {
    const { words } = this.table;
    const base = id * WIDTH + place;
    for (let i = 0; i < 4; i++) writeU32(this.scratch, 4 * i, words[base + 1 + i]!);
    return words[base]!;
  }

  private hashOf(k0: number, k1: number, tag: number, high: number, low: number): number {
    const { scratch } = this;
    writeU32(scratch, 0, k0);
    writeU32(scratch, 4, k1);
    writeU32(scratch, 8, tag);
    writeU32(scratch, 12, high);
    writeU32(scratch, 16, low);
    return finishHash(hashBytes(HASH_START, scratch, 0, 20));
  }
}

export function newPlace(): PlaceWords {
  return new Int32Array(PLACE_WORDS);
}

/** @param segment 0 = none */
export function fillPlace(
  words: PlaceWords,
  pes: RemotePes,
  pe: number,
  segments: EthernetSegments,
  segment: number,
): void {
  words[0] = pes.addressLength(pe);
  for (let i = 0; i < 4; i++) words[1 + i] = pes.addressWord(pe, i);
  for (let i = 0; i < 3; i++) words[ESI + i] = segment === 0 ? 0 : segments.esiWord(segment, i);
}

/** The same with the ESI's ten octets in a route. */
export function fillRoutePlace(
  words: PlaceWords,
  pes: RemotePes,
  pe: number,
  bytes: Uint8Array,
  esi: number,
): void {
  words[0] = pes.addressLength(pe);
  for (let i = 0; i < 4; i++) words[1 + i] = pes.addressWord(pe, i);
  words[ESI] = readI32(bytes, esi);
  words[ESI + 1] = readI32(bytes, esi + 4);
  words[ESI + 2] = readU16(bytes, esi + 8);
}

/** Of an address in octets, without a segment. */
export function fillAddress(words: PlaceWords, address: Uint8Array): void {
  words.fill(0);
  words[0] = address.length;
  for (let i = 0; i < address.length; i += 4) words[1 + (i >> 2)] = readI32(address, i);
}

/** Adds the ESI, ten octets. */
export function fillSegment(words: PlaceWords, esi: Uint8Array): void {
  words[ESI] = readI32(esi, 0);
  words[ESI + 1] = readI32(esi, 4);
  words[ESI + 2] = readU16(esi, 8);
}

export function placeText(words: PlaceWords): PlaceView {
  const bytes = new Uint8Array(26);
  for (let i = 0; i < 4; i++) writeU32(bytes, 4 * i, words[1 + i]!);
  for (let i = 0; i < 2; i++) writeU32(bytes, 16 + 4 * i, words[ESI + i]!);
  writeU16(bytes, 24, words[ESI + 2]!);
  const hasSegment = words[ESI] !== 0 || words[ESI + 1] !== 0 || words[ESI + 2] !== 0;
  return {
    pe: formatIp(bytes, 0, words[0]!),
    esi: hasSegment ? formatEsi(bytes, 16) : undefined,
  };
}

/** Below 0 when `a` has the lower address; IPv4 is lower than IPv6. */
export function compareAddresses(a: PlaceWords, b: PlaceWords): number {
  for (let i = 0; i < ESI; i++) {
    const [x, y] = [a[i]! >>> 0, b[i]! >>> 0];
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

function timeAt(words: Int32Array, low: number, high: number): number {
  return words[high]! * HIGH + (words[low]! >>> 0);
}

function setTime(words: Int32Array, low: number, high: number, time: number): void {
  words[low] = time | 0;
  words[high] = Math.floor(time / HIGH);
}

function equalWords(
  a: Int32Array,
  atA: number,
  b: Int32Array,
  atB: number,
  count: number,
): boolean {
  for (let i = 0; i < count; i++) if (a[atA + i] !== b[atB + i]) return false;
  return true;
}
