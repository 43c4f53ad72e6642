/**
 * The candidates for a MAC: one record for every route that carries it in a domain. A route with two
 * route targets is two candidates, one in each domain; the MAC-only route and each MAC+IP route of
 * one PE are candidates of the same entry.
 *
 * A record is in up to three lists: those of its route (single), of its entry (a ring whose head is
 * the winner) and of its IP binding (the same). The NLRI is read where the table keeps it; what
 * decides is kept here, as the FIB has read it, for the table may already be ahead.
 */
import type { RecordPool } from "../util/record-pool.js";
import { SharedTables } from "../util/shared-tables.js";
import type { RouteFacts } from "./route-facts.js";

const WIDTH = 11;
const DEST = 0;
const NEXT_OF_DEST = 1;
const ENTRY = 2;
const FACTS = 3;
/** The attachment of the domain to the route's segment, 0 without an ESI. */
const ATTACHMENT = 4;
/** Raw first label in bits 0-23, bit 24 says that there is a second one. */
const LABEL = 5;
const BINDING = 6;
/** Where a ring's pair of words is: next, then previous. */
const RING_OF_ENTRY = 7;
const RING_OF_BINDING = 9;

export const SECOND_LABEL = 1 << 24;

export class Candidates {
  readonly pool: RecordPool;
  readonly facts: RouteFacts;

  constructor(facts: RouteFacts, shared = new SharedTables()) {
    this.pool = shared.pool("candidates", WIDTH);
    this.facts = facts;
  }

  get count(): number {
    return this.pool.count;
  }

  /** A candidate of `dest` for `entry`; holds a reference to the facts. */
  add(dest: number, entry: number, next: number): number {
    const id = this.pool.take();
    const words = this.pool.words;
    words[id * WIDTH + DEST] = dest;
    words[id * WIDTH + ENTRY] = entry;
    words[id * WIDTH + NEXT_OF_DEST] = next;
    return id;
  }

  /** The record goes; its lists and references are the caller's to clear first. */
  drop(id: number): void {
    this.pool.give(id);
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

  entry(id: number): number {
    return this.pool.words[id * WIDTH + ENTRY]!;
  }

  factsOf(id: number): number {
    return this.pool.words[id * WIDTH + FACTS]!;
  }

  attachment(id: number): number {
    return this.pool.words[id * WIDTH + ATTACHMENT]!;
  }

  /** All 24 bits of the first label field. */
  label(id: number): number {
    return this.pool.words[id * WIDTH + LABEL]! & 0xffffff;
  }

  /** With `SECOND_LABEL`. */
  labelWord(id: number): number {
    return this.pool.words[id * WIDTH + LABEL]!;
  }

  binding(id: number): number {
    return this.pool.words[id * WIDTH + BINDING]!;
  }

  setBinding(id: number, binding: number): void {
    this.pool.words[id * WIDTH + BINDING] = binding;
  }

  setContent(id: number, facts: number, attachment: number, labelWord: number): void {
    const words = this.pool.words;
    const base = id * WIDTH;
    words[base + FACTS] = facts;
    words[base + ATTACHMENT] = attachment;
    words[base + LABEL] = labelWord;
  }

  hasContent(id: number, facts: number, attachment: number, labelWord: number): boolean {
    const words = this.pool.words;
    const base = id * WIDTH;
    return (
      words[base + FACTS] === facts &&
      words[base + ATTACHMENT] === attachment &&
      words[base + LABEL] === labelWord
    );
  }

  /** The two say the same of the MAC. */
  sameContent(a: number, b: number): boolean {
    const words = this.pool.words;
    const base = b * WIDTH;
    return this.hasContent(
      a,
      words[base + FACTS]!,
      words[base + ATTACHMENT]!,
      words[base + LABEL]!,
    );
  }

  /** The two say the same of where the MAC is. */
  sameWay(a: number, b: number): boolean {
    return (
      this.factsOf(a) === this.factsOf(b) &&
      this.attachment(a) === this.attachment(b) &&
      this.label(a) === this.label(b)
    );
  }

  pe(id: number): number {
    return this.facts.pe(this.factsOf(id));
  }
}

/** One kind of ring through the candidates. A ring has no record of its own: its owner keeps the head. */
export class CandidateRing {
  private readonly pool: RecordPool;
  private readonly next_: number;
  private readonly previous_: number;

  private constructor(candidates: Candidates, column: number) {
    this.pool = candidates.pool;
    this.next_ = column;
    this.previous_ = column + 1;
  }

  static ofEntries(candidates: Candidates): CandidateRing {
    return new CandidateRing(candidates, RING_OF_ENTRY);
  }

  static ofBindings(candidates: Candidates): CandidateRing {
    return new CandidateRing(candidates, RING_OF_BINDING);
  }

  next(id: number): number {
    return this.pool.follow(id, this.next_);
  }

  previous(id: number): number {
    return this.pool.words[id * WIDTH + this.previous_]!;
  }

  alone(id: number): void {
    const words = this.pool.words;
    words[id * WIDTH + this.next_] = id;
    words[id * WIDTH + this.previous_] = id;
  }

  /** Puts `id`, which is in no ring, behind `place`. */
  insertAfter(place: number, id: number): void {
    const words = this.pool.words;
    const next = words[place * WIDTH + this.next_]!;
    words[place * WIDTH + this.next_] = id;
    words[id * WIDTH + this.previous_] = place;
    words[id * WIDTH + this.next_] = next;
    words[next * WIDTH + this.previous_] = id;
  }

  insertLast(head: number, id: number): void {
    this.insertAfter(this.pool.words[head * WIDTH + this.previous_]!, id);
  }

  /** Takes it out and returns what followed it, 0 if it was alone. */
  remove(id: number): number {
    const words = this.pool.words;
    const next = words[id * WIDTH + this.next_]!;
    if (next === id) return 0;
    const previous = words[id * WIDTH + this.previous_]!;
    words[previous * WIDTH + this.next_] = next;
    words[next * WIDTH + this.previous_] = previous;
    return next;
  }
}
