/**
 * The FIB's door in a thread that does not write it. MACs, addresses, domains and the summary are read in
 * shared memory and cost the other thread nothing; segments and explanations need the routes, and are asked
 * of that thread, as is every piece that it keeps disturbing.
 *
 * A list is read in pieces of some rows, each of which is true of one time; a page goes on where the last
 * piece ended, by a record's number, so an entry that is there throughout appears exactly once.
 */
import { setTimeout as wait } from "node:timers/promises";
import { TORN } from "../util/shared-tables.js";
import { nextTurn } from "../util/turn-end.js";
import type { FibControl, SegmentQuery } from "./control.js";
import { FibReader, NotShared, type FibHandles } from "./fib-reader.js";
import {
  boundedLimit,
  type FibLookups,
  type FibPage,
  type FibSummary,
  type MacQuery,
  type PageQuery,
} from "./lookups.js";
import type { DomainView, MacView } from "./view.js";

/** Attempts at one piece … */
const ATTEMPTS = 25;
/** … the first of them at once, then one a turn of the event loop, then one a millisecond. */
const AT_ONCE = 3;
const A_TURN = 6;
/** Rows of a piece: fewer after it was disturbed, more again when it was not. */
const MOST_ROWS = 64;
/** Pieces of one page: a filter that matches little gives short pages, as in `pages.ts`. */
const MOST_PIECES = 64;
/** Rows asked for of the other thread at a time. */
const ASKED_ROWS = 50;
/** Time without a turn for others. */
const SLICE_MS = 5;

/** Numbers of what happened, for whoever shows them. */
export interface ReadCounts {
  /** Pieces read in shared memory. */
  read(): void;
  /** Attempts that met the writer at work. */
  retried(): void;
  /** Pieces asked of the writing thread, for being disturbed over and over, or needing routes. */
  fellBack(): void;
}

export class SharedFibControl implements FibControl {
  private readonly reader: FibReader;
  private readonly other: FibControl;
  private readonly counts: ReadCounts;
  private rows = MOST_ROWS / 2;

  /** @param other asks the thread that writes */
  constructor(handles: FibHandles, other: FibControl, counts: ReadCounts) {
    this.reader = new FibReader(handles);
    this.other = other;
    this.counts = counts;
  }

  summary(): Promise<FibSummary> {
    return this.read(
      (lookups) => lookups.summary(),
      () => this.other.summary(),
    );
  }

  macs(query: MacQuery): Promise<FibPage<MacView>> {
    return this.page<MacView>(
      query,
      (lookups, piece) => lookups.macs(query, piece),
      (piece) => this.other.macs({ ...query, ...piece }),
    );
  }

  domains(query: PageQuery): Promise<FibPage<DomainView>> {
    return this.page<DomainView>(
      query,
      (lookups, piece) => lookups.domains(piece),
      (piece) => this.other.domains(piece),
    );
  }

  segments(query: SegmentQuery): ReturnType<FibControl["segments"]> {
    return this.other.segments(query);
  }

  events(): ReturnType<FibControl["events"]> {
    return this.other.events();
  }

  explain(mac: string, domain?: string): ReturnType<FibControl["explain"]> {
    return this.other.explain(mac, domain);
  }

  /** A list that ends in its first piece, as that of one MAC does, takes no turn; undefined where it does not. */
  private glance<T>(
    query: PageQuery,
    look: (lookups: FibLookups, piece: PageQuery) => FibPage<T>,
  ): FibPage<T> | undefined {
    const { cursor, limit } = query;
    const piece = { cursor, limit: Math.min(boundedLimit(limit), this.rows) };
    try {
      const found = this.reader.attempt((lookups) => look(lookups, piece));
      if (found === TORN || found.next !== undefined) return undefined;
      this.counts.read();
      return found;
    } catch (error) {
      if (error instanceof NotShared) return undefined;
      throw error;
    }
  }

  private page<T>(
    query: PageQuery,
    look: (lookups: FibLookups, piece: PageQuery) => FibPage<T>,
    ask: (piece: PageQuery) => Promise<FibPage<T>>,
  ): Promise<FibPage<T>> {
    let glanced: FibPage<T> | undefined;
    try {
      glanced = this.glance(query, look);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    return glanced === undefined ? this.pieces(query, look, ask) : Promise.resolve(glanced);
  }

  private async pieces<T>(
    query: PageQuery,
    look: (lookups: FibLookups, piece: PageQuery) => FibPage<T>,
    ask: (piece: PageQuery) => Promise<FibPage<T>>,
  ): Promise<FibPage<T>> {
    const most = boundedLimit(query.limit);
    const rows: T[] = [];
    let { cursor } = query;
    let until = performance.now() + SLICE_MS;
    for (let pieces = 0; pieces < MOST_PIECES; pieces++) {
      const left = most - rows.length;
      const piece = await this.read(
        (lookups) => look(lookups, { cursor, limit: Math.min(left, this.rows) }),
        () => ask({ cursor, limit: Math.min(left, ASKED_ROWS) }),
      );
      // One domain's rows stay together, so a piece may be longer than was asked for.
      for (const row of piece.rows) rows.push(row);
      cursor = piece.next;
      if (cursor === undefined || rows.length >= most) break;
      if (performance.now() < until) continue;
      await nextTurn();
      until = performance.now() + SLICE_MS;
    }
    return { rows, next: cursor };
  }

  private async read<T>(look: (lookups: FibLookups) => T, ask: () => Promise<T>): Promise<T> {
    try {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const found = this.reader.attempt(look);
        if (found !== TORN) {
          this.counts.read();
          if (attempt === 1) this.rows = Math.min(MOST_ROWS, this.rows + 1);
          return found;
        }
        this.counts.retried();
        this.rows = Math.max(1, this.rows >> 1);
        if (attempt < AT_ONCE) continue;
        this.reader.wantPause();
        await (attempt < A_TURN ? nextTurn() : wait(1));
      }
    } catch (error) {
      if (!(error instanceof NotShared)) throw error;
    }
    this.counts.fellBack();
    return ask();
  }
}
