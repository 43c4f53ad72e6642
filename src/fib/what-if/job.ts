/**
 * A what-if as long work in slices: the table is walked under a supposition, what differs goes into a fork
 * of the FIB, and the fork is compared with the FIB. The FIB, the table and what peers are sent are read only.
 *
 * 1. Every destination: what would be best. Routes of types 1, 3 and 4 go into the fork; MACs of routes that
 *    differ are marked.
 * 2. MACs on segments whose routes differ are marked, and those whose domains hang on type 3 routes that do.
 * 3. The routes of marked MACs go through the fork, so many at a time, and each MAC is compared.
 * 4. Segments whose routes differ: PEs, mode, forwarders.
 *
 * The answer is that of the same code that keeps the FIB. It is exact while the table rests; what changed
 * meanwhile is counted. Bounded: a fork of `PART` MAC/IP routes and the other types, rows of one page, a minute.
 */
import type { RouteTable } from "../../bgp/rib/index.js";
import { Family } from "../../fast-bgp-codec/index.js";
import { fromHex, readI32, readU16, toHex } from "../../util/bytes.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import { SECOND_LABEL } from "../candidates.js";
import type { Fib } from "../fib.js";
import { Comparison } from "./comparison.js";
import type { FibFork } from "./fork.js";
import { Forwarders } from "./forwarders.js";
import { MacMarks, partOf } from "./mac-marks.js";
import type { MacChange, MacChangeKind, MacCounts, WhatIfReport } from "./report.js";
import { finishReport } from "./summary.js";
import type { Supposed } from "./supposed.js";

export interface WhatIfJobOptions {
  readonly table: RouteTable;
  /** The FIB that answers now. */
  readonly live: Fib;
  readonly fork: FibFork;
  readonly supposed: Supposed;
  /** Rows to pass over, and to give. */
  readonly from: number;
  readonly most: number;
  /** Rows of this kind alone. */
  readonly kind: MacChangeKind | undefined;
  /** MAC/IP routes in the fork at once, 50,000 unless given. */
  readonly part?: number | undefined;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

const SLICE_MS = 2;
const LONGEST_MS = 60_000;
/** Longest wait for the FIB to have read what the table has. */
const CATCH_UP_MS = 5000;
/** MAC/IP routes in the fork at once. */
const PART = 50_000;
/** Steps between two looks at the clock. */
const STRETCH = 64;

const ETHERNET_AD = 1;
const MAC_IP = 2;
const INCLUSIVE = 3;
const ETHERNET_SEGMENT = 4;
/** Offsets in the NLRI. */
const ESI = 10;
const MAC = 25;

export class WhatIfJob implements SlicedJob {
  private readonly options: WhatIfJobOptions;
  private readonly finish: (report: WhatIfReport | undefined, error?: unknown) => void;
  private readonly started: number;
  private readonly work: Generator<void>;
  private readonly comparison: Comparison;
  private readonly forwarders: Forwarders;
  private readonly marks: MacMarks;
  /** ESIs in hex whose routes differ. */
  private readonly touched = new Set<string>();
  private readonly counts = {
    compared: 0,
    moved: 0,
    takenOver: 0,
    dark: 0,
    returning: 0,
    lit: 0,
    hops: 0,
    onOnePe: 0,
  } satisfies { -readonly [K in keyof MacCounts]: number };
  private readonly routes = { looked: 0, gone: 0, replaced: 0, changed: 0, fresh: 0 };
  private readonly rows: MacChange[] = [];
  private passed = 0;
  private more = false;
  private inclusives = false;
  private marked = 0;
  private readonly tail: number;
  private late = false;

  /** @param finish called once, with a report or with what was thrown */
  constructor(
    options: WhatIfJobOptions,
    finish: (report: WhatIfReport | undefined, error?: unknown) => void,
  ) {
    this.options = options;
    this.finish = finish;
    this.started = options.now();
    this.tail = options.table.log.tail;
    this.comparison = new Comparison(options.live, options.fork.fib);
    this.forwarders = new Forwarders(options.live, options.fork.fib);
    this.marks = new MacMarks(options.live.macs.entries.count);
    this.work = this.steps();
  }

  step(): boolean {
    const { now, supposed } = this.options;
    const until = now() + SLICE_MS;
    try {
      let done = false;
      do done = this.work.next().done === true;
      while (!done && now() < until);
      supposed.endSlice();
      if (!done) return false;
      supposed.close();
      this.finish(this.report());
    } catch (error) {
      supposed.close();
      this.finish(undefined, error);
    }
    return true;
  }

  private *steps(): Generator<void> {
    yield* this.catchUp();
    const { supposed, fork, table } = this.options;
    const limit = table.destinationLimit;
    fork.begin(limit);
    if (!supposed.isNothing) {
      yield* this.lookAtRoutes(limit);
      yield* this.markBySegment();
      yield* this.compareMacs(limit);
      for (const esi of this.touched) {
        if (this.isLate()) break;
        yield* this.forwarders.compare(fromHex(esi)!);
      }
    }
    while (!fork.empty(STRETCH)) yield;
  }

  private *catchUp(): Generator<void> {
    const { live, now } = this.options;
    while (!live.hasRead(this.tail) && now() - this.started < CATCH_UP_MS) yield;
  }

  private isLate(): boolean {
    if (this.options.now() - this.started > LONGEST_MS) this.late = true;
    return this.late;
  }

  private *lookAtRoutes(limit: number): Generator<void> {
    const { table, fork, supposed } = this.options;
    for (let dest = 1; dest < limit; dest++) {
      if (dest % STRETCH === 0) {
        yield;
        if (this.isLate()) return;
      }
      if (!table.exists(dest)) continue;
      this.routes.looked++;
      const best = table.bestPath(dest);
      supposed.look(dest, true);
      const { path, attr, changed } = supposed;
      if (changed) this.count(best, path);
      if (table.family(dest) !== Family.Evpn) continue;
      const type = table.routeType(dest);
      const beside = type === ETHERNET_AD || type === INCLUSIVE || type === ETHERNET_SEGMENT;
      if (beside && path !== 0) fork.keep(dest, type, path, attr);
      if (changed) this.touch(dest, type);
    }
  }

  private count(before: number, after: number): void {
    const { routes } = this;
    if (after === 0) routes.gone++;
    else if (before === 0) routes.fresh++;
    else if (before !== after) routes.replaced++;
    else routes.changed++;
  }

  private touch(dest: number, type: number): void {
    const { table } = this.options;
    const nlri = table.destNlri(dest);
    const bytes = table.nlriBytes;
    if (type === ETHERNET_AD || type === ETHERNET_SEGMENT) {
      this.touched.add(toHex(bytes, nlri + ESI, nlri + ESI + 10));
    } else if (type === INCLUSIVE) {
      this.inclusives = true;
    } else if (type === MAC_IP) {
      this.marks.mark(readU16(bytes, nlri + MAC), readI32(bytes, nlri + MAC + 2));
    }
  }

  private *markBySegment(): Generator<void> {
    if (this.touched.size === 0 && !this.inclusives) return;
    const { macs, tables } = this.options.live;
    const { entries, candidates, ofEntry } = macs;
    const wanted = new Set<number>();
    for (const esi of this.touched) wanted.add(tables.segments.find(fromHex(esi)!));
    for (let id = 1; id < entries.limit; id++) {
      if (id % STRETCH === 0) {
        yield;
        if (this.isLate()) return;
      }
      if (!entries.exists(id)) continue;
      const head = entries.head(id);
      let at = head;
      do {
        const attachment = candidates.attachment(at);
        const on = attachment !== 0 && wanted.has(tables.segments.segmentOf(attachment));
        const routed = this.inclusives && (candidates.labelWord(at) & SECOND_LABEL) !== 0;
        if (on || routed) this.marks.mark(entries.macHigh(id), entries.macLow(id));
        at = ofEntry.next(at);
      } while (at !== head);
    }
  }

  private *compareMacs(limit: number): Generator<void> {
    if (!this.marks.any) return;
    for (const dest of this.markedRoutes(limit, 0, 1)) {
      if (dest < 0) yield;
      else this.marked++;
    }
    const parts = Math.max(1, Math.ceil(this.marked / (this.options.part ?? PART)));
    const { fork, supposed } = this.options;
    for (let part = 0; part < parts && !this.isLate(); part++) {
      for (const dest of this.markedRoutes(limit, part, parts)) {
        if (dest < 0) {
          yield;
          continue;
        }
        supposed.look(dest, false);
        if (supposed.path !== 0) fork.hold(dest, supposed.path, supposed.attr);
      }
      fork.settle();
      yield* this.compareEntries(part, parts);
      while (!fork.clearMacs(STRETCH)) yield;
    }
  }

  /** MAC/IP routes of marked MACs in a part; now and then -1, for a pause. */
  private *markedRoutes(limit: number, part: number, parts: number): Generator<number> {
    const { table } = this.options;
    for (let dest = 1; dest < limit; dest++) {
      if (dest % STRETCH === 0) {
        yield -1;
        if (this.isLate()) return;
      }
      if (!table.exists(dest) || table.family(dest) !== Family.Evpn) continue;
      if (table.routeType(dest) !== MAC_IP) continue;
      const nlri = table.destNlri(dest);
      const high = readU16(table.nlriBytes, nlri + MAC);
      const low = readI32(table.nlriBytes, nlri + MAC + 2);
      if (this.marks.has(high, low) && partOf(high, low, parts) === part) yield dest;
    }
  }

  private *compareEntries(part: number, parts: number): Generator<void> {
    const { live, fork } = this.options;
    for (const [fib, other] of [
      [live, fork.fib],
      [fork.fib, live],
    ] as const) {
      const { entries } = fib.macs;
      for (let id = 1; id < entries.limit; id++) {
        if (id % STRETCH === 0) {
          yield;
          if (this.isLate()) return;
        }
        if (!entries.exists(id)) continue;
        const [high, low] = [entries.macHigh(id), entries.macLow(id)];
        if (!this.marks.has(high, low) || partOf(high, low, parts) !== part) continue;
        const twin = this.twin(fib, other, id);
        if (fib === live) this.compare(id, twin);
        else if (twin === 0) this.compare(0, id);
      }
    }
  }

  /** The same MAC in the same domain of the other FIB, 0 for none. */
  private twin(fib: Fib, other: Fib, id: number): number {
    const { entries } = fib.macs;
    const domain = other.tables.domains.findLike(fib.tables.domains, entries.domain(id));
    return domain === 0 ? 0 : other.macs.entries.find(domain, entries.mac(id), 0);
  }

  private compare(entry: number, other: number): void {
    const { comparison, counts, rows, options } = this;
    comparison.compare(entry, other);
    counts.compared++;
    const { kind } = comparison;
    if (comparison.onOnePe) counts.onOnePe++;
    if (kind === undefined) return;
    counts[kind]++;
    if (comparison.takenOver !== undefined) counts.takenOver++;
    if (comparison.returns) counts.returning++;
    if (options.kind !== undefined && options.kind !== kind) return;
    if (this.passed < options.from) this.passed++;
    else if (rows.length < options.most) rows.push(comparison.row());
    else this.more = true;
  }

  private report(): WhatIfReport {
    const { forwarders, counts, routes, rows, options } = this;
    return finishReport({
      routes,
      macs: counts,
      rows,
      next: this.more ? String(options.from + rows.length) : undefined,
      forwarders: forwarders.forwarders,
      forwardersChanged: forwarders.forwardersChanged,
      segments: forwarders.segments,
      segmentsChanged: forwarders.segmentsChanged,
      costs: options.supposed.costs(),
      meanwhile: options.table.log.tail - this.tail,
      complete: !this.late,
      notes: options.supposed.notes,
    });
  }
}
