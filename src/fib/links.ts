/**
 * Routes other than MAC/IP, as the FIB holds them: one record for every place such a route counts at.
 * A per-ES A-D route counts at its PE's place in the segment, a per-EVI A-D route at the attachment of
 * each domain to the segment, an Ethernet segment route at the segment, an inclusive multicast route at
 * each domain.
 */
import type { RecordPool } from "../util/record-pool.js";
import { SharedTables } from "../util/shared-tables.js";

const WIDTH = 8;
const DEST = 0;
const NEXT_OF_DEST = 1;
const KIND = 2;
const OWNER = 3;
const NEXT = 4;
const PREVIOUS = 5;
const FACTS = 6;
const LABEL = 7;

export const LinkKind = { PerEs: 1, PerEvi: 2, EthernetSegment: 3, Inclusive: 4 } as const;
export type LinkKind = (typeof LinkKind)[keyof typeof LinkKind];

export class Links {
  private readonly pool: RecordPool;

  constructor(shared = new SharedTables()) {
    this.pool = shared.pool("links", WIDTH);
  }

  get count(): number {
    return this.pool.count;
  }

  /** A record in front of the owner's list, which begins with `first`. */
  add(dest: number, nextOfDest: number, kind: LinkKind, owner: number, first: number): number {
    const id = this.pool.take();
    const words = this.pool.words;
    const base = id * WIDTH;
    words[base + DEST] = dest;
    words[base + NEXT_OF_DEST] = nextOfDest;
    words[base + KIND] = kind;
    words[base + OWNER] = owner;
    words[base + NEXT] = first;
    if (first !== 0) words[first * WIDTH + PREVIOUS] = id;
    return id;
  }

  /** Takes the record out of the owner's list, which began with `first`, and frees it. Returns the new first. */
  remove(id: number, first: number): number {
    const words = this.pool.words;
    const next = words[id * WIDTH + NEXT]!;
    const previous = words[id * WIDTH + PREVIOUS]!;
    if (previous !== 0) words[previous * WIDTH + NEXT] = next;
    if (next !== 0) words[next * WIDTH + PREVIOUS] = previous;
    this.pool.give(id);
    return id === first ? next : first;
  }

  setContent(id: number, facts: number, label: number): void {
    const words = this.pool.words;
    words[id * WIDTH + FACTS] = facts;
    words[id * WIDTH + LABEL] = label;
  }

  dest(id: number): number {
    return this.pool.words[id * WIDTH + DEST]!;
  }

  nextOfDest(id: number): number {
    return this.pool.words[id * WIDTH + NEXT_OF_DEST]!;
  }

  setNextOfDest(id: number, next: number): void {
    this.pool.words[id * WIDTH + NEXT_OF_DEST] = next;
  }

  kind(id: number): LinkKind {
    return this.pool.words[id * WIDTH + KIND]! as LinkKind;
  }

  owner(id: number): number {
    return this.pool.words[id * WIDTH + OWNER]!;
  }

  next(id: number): number {
    return this.pool.follow(id, NEXT);
  }

  factsOf(id: number): number {
    return this.pool.words[id * WIDTH + FACTS]!;
  }

  /** Raw 24 bits: of the route, or of the PMSI tunnel of an inclusive route. */
  label(id: number): number {
    return this.pool.words[id * WIDTH + LABEL]! & 0xffffff;
  }
}
