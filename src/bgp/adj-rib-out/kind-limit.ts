/**
 * How many routes of one kind a session has been sent: of an EVPN route type, of each VNI by itself. One
 * word for each destination says what it was counted as, so that it is counted once, and not by what
 * has become of it since. Only sessions with such a limit have one.
 */
import { FlatMemory } from "../../util/flat-memory.js";
import { vniOfPath } from "../rib/route-kind.js";
import type { RouteTable } from "../rib/route-table.js";

/** What of a family is counted, and how many of it are sent at most. */
export interface RouteKind {
  /** EVPN route type; undefined counts all together. */
  readonly routeType: number | undefined;
  /** Each VNI by itself. */
  readonly perVni: boolean;
  /** Infinity counts only. */
  readonly maximum: number;
}

export interface KindCount {
  readonly count: number;
  /** The fullest VNI where they are counted by themselves. */
  readonly vni: number | undefined;
}

/** Words: 0 not counted, else the VNI and this. */
const COUNTED = 1;

export class KindLimit {
  private readonly table: RouteTable;
  private readonly kind: RouteKind;
  private readonly marks = new FlatMemory();
  /** By VNI; all together under 0 where VNIs do not count. */
  private readonly counts = new Map<number, number>();
  /** Asked for every turn, of every session: found again only when a count changed. */
  private fullest: KindCount | undefined;

  constructor(table: RouteTable, kind: RouteKind) {
    this.table = table;
    this.kind = kind;
  }

  /** Whether the destination's best path would be one too many. */
  isFull(dest: number): boolean {
    if (this.kind.maximum === Infinity) return false;
    const bucket = this.bucketOf(dest);
    if (bucket < 0 || (this.marks.i32[dest] ?? 0) === bucket + COUNTED) return false;
    return (this.counts.get(bucket) ?? 0) >= this.kind.maximum;
  }

  /** The session has the destination, with its best path. Returns whether it was counted as another kind. */
  sent(dest: number): boolean {
    this.marks.ensure((dest + 1) * 4);
    const before = this.marks.i32[dest]!;
    const bucket = this.bucketOf(dest);
    const now = bucket < 0 ? 0 : bucket + COUNTED;
    if (now === before) return false;
    this.marks.i32[dest] = now;
    if (before !== 0) this.change(before - COUNTED, -1);
    if (now !== 0) this.change(bucket, 1);
    return before !== 0;
  }

  /** It has it no more. */
  withdrawn(dest: number): void {
    const before = this.marks.i32[dest] ?? 0;
    if (before === 0) return;
    this.marks.i32[dest] = 0;
    this.change(before - COUNTED, -1);
  }

  /** Routes counted; with `perVni` of the VNI that has most. */
  get most(): KindCount {
    return (this.fullest ??= this.findMost());
  }

  private findMost(): KindCount {
    let found: KindCount = { count: 0, vni: undefined };
    for (const [bucket, count] of this.counts) {
      if (count > found.count) found = { count, vni: this.kind.perVni ? bucket : undefined };
    }
    return found;
  }

  /** -1: not counted. */
  private bucketOf(dest: number): number {
    const { table, kind } = this;
    if (kind.routeType !== undefined && table.routeType(dest) !== kind.routeType) return -1;
    if (!kind.perVni) return 0;
    const path = table.bestPath(dest);
    return path === 0 ? -1 : vniOfPath(table, path);
  }

  private change(bucket: number, by: 1 | -1): void {
    this.fullest = undefined;
    const count = (this.counts.get(bucket) ?? 0) + by;
    if (count === 0) this.counts.delete(bucket);
    else this.counts.set(bucket, count);
  }
}
