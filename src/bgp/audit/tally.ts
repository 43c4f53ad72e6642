/**
 * What a walk over the table counts: references, routes by source, routes sent. While the table moves
 * under the walk these numbers are hints of where to look, not findings (`recount.ts`).
 */
import { FAMILIES } from "../../fast-bgp-codec/family.js";
import type { RouteTable } from "../rib/index.js";
import { BitCounts } from "./bit-counts.js";

export class Tally {
  destinations = 0;
  tombstones = 0;
  paths = 0;
  held = 0;
  /** By attribute set. */
  readonly references: Int32Array;
  /** By `slot * FAMILIES.length + family`. */
  readonly routes: Int32Array;
  /** Stale routes, by the same. */
  readonly stale: Int32Array;
  private readonly sentCounts: (BitCounts | undefined)[] = [];

  /** Room for what there is now; what comes later counts nowhere, and so is looked at again. */
  constructor(table: RouteTable) {
    this.references = new Int32Array(table.attrs.limit);
    this.routes = new Int32Array(table.sources.limit * FAMILIES.length);
    this.stale = new Int32Array(this.routes.length);
  }

  path(table: RouteTable, path: number): void {
    const { references, routes } = this;
    this.paths++;
    const received = table.pathReceived(path);
    const effective = table.pathAttr(path);
    if (received < references.length) references[received] = references[received]! + 1;
    if (effective === 0) this.held++;
    else if (effective < references.length) references[effective] = references[effective]! + 1;
    const row = table.pathSlot(path) * FAMILIES.length + table.family(table.pathDest(path));
    if (row >= routes.length) return;
    routes[row] = routes[row]! + 1;
    if (table.isStale(path)) this.stale[row] = this.stale[row]! + 1;
  }

  /** The sent bits of one destination for 32 slots. */
  sent(word: number, family: number, bits: number): void {
    if (bits === 0) return;
    const index = word * FAMILIES.length + family;
    (this.sentCounts[index] ??= new BitCounts()).add(bits);
  }

  sentTo(slot: number, family: number): number {
    const counts = this.sentCounts[(slot >>> 5) * FAMILIES.length + family];
    return counts === undefined ? 0 : counts.count(slot & 31);
  }
}
