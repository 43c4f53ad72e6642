/**
 * Counts what hangs on tunnels: routes and MACs of every next hop that one leads to. A walk over the table in
 * slices; held routes count, too, by what their peer said, unless it is not trusted.
 */
import { formatIp } from "../../fast-bgp-codec/values/ip.js";
import { Family } from "../../fast-bgp-codec/family.js";
import { formatMac } from "../../fast-bgp-codec/values/mac.js";
import { readU16, readU32 } from "../../util/bytes.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import { octetsOf } from "../policy/tunnel-gate.js";
import { HoldReason } from "../rib/hold.js";
import type { RouteTable } from "../rib/route-table.js";
import type { RiskyMac } from "./control.js";

const MAC_IP = 2;
const MAC_AT = 25;
/** Destinations between two looks at the clock, and about how long a slice may take. */
const STRETCH = 512;
const SLICE_MS = 2;
/** MACs told apart; beyond, routes are counted in their place. */
const MOST_MACS = 1_000_000;

export interface NextHopCount {
  routes: number;
  macs: number;
}

export interface TunnelCount {
  /** By address. */
  readonly nextHops: ReadonlyMap<string, NextHopCount>;
  readonly rows: readonly RiskyMac[];
}

export class TunnelCounter implements SlicedJob {
  private readonly table: RouteTable;
  private readonly wanted: (bytes: Uint8Array, at: number, octets: number) => boolean;
  private readonly most: number;
  private readonly now: () => number;
  private readonly done: (count: TunnelCount) => void;
  private readonly nextHops = new Map<string, NextHopCount>();
  private readonly rows: RiskyMac[] = [];
  private readonly macs = new Set<string>();
  /** By attribute set: whose it is, or undefined when nobody wants it. Sets do not change under a number in use. */
  private readonly bySet = new Map<number, string | undefined>();
  private next = 1;

  /** @param most rows of MACs that are wanted; `now` is monotonic milliseconds */
  constructor(
    table: RouteTable,
    wanted: (bytes: Uint8Array, at: number, octets: number) => boolean,
    most: number,
    now: () => number,
    done: (count: TunnelCount) => void,
  ) {
    this.table = table;
    this.wanted = wanted;
    this.most = most;
    this.now = now;
    this.done = done;
  }

  step(): boolean {
    const { table } = this;
    const until = this.now() + SLICE_MS;
    // A set's number may be another one's by the next turn.
    this.bySet.clear();
    do {
      const stop = Math.min(table.destinationLimit, this.next + STRETCH);
      for (; this.next < stop; this.next++) if (table.exists(this.next)) this.look(this.next);
    } while (this.next < table.destinationLimit && this.now() < until);
    if (this.next < table.destinationLimit) return false;
    this.done({ nextHops: this.nextHops, rows: this.rows });
    return true;
  }

  private look(dest: number): void {
    const { table } = this;
    if (table.family(dest) !== Family.Evpn) return;
    const isMac = table.routeType(dest) === MAC_IP;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      if (table.pathHold(path) === HoldReason.Trust) continue;
      const address = this.addressOf(table.pathReceived(path));
      if (address === undefined) continue;
      let count = this.nextHops.get(address);
      if (count === undefined) this.nextHops.set(address, (count = { routes: 0, macs: 0 }));
      count.routes++;
      if (isMac) this.countMac(count, address, table.pathNlri(path) + MAC_AT);
    }
  }

  private countMac(count: NextHopCount, address: string, at: number): void {
    const { nlriBytes } = this.table;
    if (this.macs.size < MOST_MACS) {
      const key = `${address} ${readU16(nlriBytes, at)} ${readU32(nlriBytes, at + 2)}`;
      if (this.macs.has(key)) return;
      this.macs.add(key);
    }
    count.macs++;
    if (this.rows.length < this.most) {
      this.rows.push({ mac: formatMac(nlriBytes, at), vtep: address });
    }
  }

  private addressOf(attr: number): string | undefined {
    if (this.bySet.has(attr)) return this.bySet.get(attr);
    const { attrs } = this.table;
    const octets = octetsOf(attrs, attr);
    const start = attrs.nextHopStart(attr);
    const wanted = octets !== 0 && this.wanted(attrs.bytes, start, octets);
    const address = wanted ? formatIp(attrs.bytes, start, octets) : undefined;
    this.bySet.set(attr, address);
    return address;
  }
}
