/**
 * PEs that the fabric hangs on: MACs that one PE alone announces, by PE. One walk over the entries, in
 * slices; what exactly a PE's failure would do is the business of a what-if.
 */
import type { SlicedJob } from "../../util/sliced-work.js";
import type { Fib } from "../fib.js";
import { MOST_SHOWN } from "./report.js";

export interface SinglePoint {
  readonly pe: string;
  /** MACs of all domains that no other PE announces. */
  readonly macs: number;
  /** Of these on a segment that other PEs have: back when one of them learns the MAC. */
  readonly returning: number;
}

export interface SinglePointReport {
  /** MACs of all domains. */
  readonly looked: number;
  /** Of these, announced by several PEs. */
  readonly shared: number;
  /** At most `MOST_SHOWN`, those with the most MACs first. */
  readonly pes: readonly SinglePoint[];
  readonly pesCut: boolean;
}

const SLICE_MS = 2;
const STRETCH = 256;

export class SinglePoints implements SlicedJob {
  private readonly fib: Fib;
  private readonly now: () => number;
  private readonly finish: (report: SinglePointReport) => void;
  /** By address: a PE's number may be another's in the next slice. */
  private readonly points = new Map<string, { macs: number; returning: number }>();
  private readonly names = new Map<number, string>();
  private entry = 1;
  private looked = 0;
  private shared = 0;

  /** @param now monotonic milliseconds */
  constructor(fib: Fib, now: () => number, finish: (report: SinglePointReport) => void) {
    this.fib = fib;
    this.now = now;
    this.finish = finish;
  }

  step(): boolean {
    const { entries } = this.fib.macs;
    const until = this.now() + SLICE_MS;
    this.names.clear();
    for (; this.entry < entries.limit; this.entry++) {
      if (this.entry % STRETCH === 0 && this.now() >= until) {
        this.look(this.entry++);
        return false;
      }
      this.look(this.entry);
    }
    const rows = [...this.points]
      .map(([pe, counts]) => ({ pe, ...counts }))
      .sort((a, b) => b.macs - a.macs || (a.pe < b.pe ? -1 : 1));
    this.finish({
      looked: this.looked,
      shared: this.shared,
      pes: rows.slice(0, MOST_SHOWN),
      pesCut: rows.length > MOST_SHOWN,
    });
    return true;
  }

  private look(entry: number): void {
    const { entries, candidates, ofEntry } = this.fib.macs;
    if (!entries.exists(entry)) return;
    this.looked++;
    const head = entries.head(entry);
    const pe = candidates.pe(head);
    for (let at = ofEntry.next(head); at !== head; at = ofEntry.next(at)) {
      if (candidates.pe(at) === pe) continue;
      this.shared++;
      return;
    }
    const name = this.nameOf(pe);
    let point = this.points.get(name);
    if (point === undefined) {
      point = { macs: 0, returning: 0 };
      this.points.set(name, point);
    }
    point.macs++;
    if (this.hasOthers(candidates.attachment(head), pe)) point.returning++;
  }

  /** Whether another PE has a per-ES route for the segment. */
  private hasOthers(attachment: number, pe: number): boolean {
    if (attachment === 0) return false;
    const { segments } = this.fib.tables;
    const first = segments.firstPlace(segments.segmentOf(attachment));
    for (let place = first; place !== 0; place = segments.nextPlace(place)) {
      if (segments.placePe(place) !== pe && segments.perEsRoutes(place) > 0) return true;
    }
    return false;
  }

  private nameOf(pe: number): string {
    let name = this.names.get(pe);
    if (name === undefined) {
      name = this.fib.tables.pes.address(pe);
      this.names.set(pe, name);
    }
    return name;
  }
}
