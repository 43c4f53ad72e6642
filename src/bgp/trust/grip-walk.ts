/**
 * Trust in a peer has changed: the walk that brings what it sent in line. In slices that cost what those of
 * a lost peer do; memberships first, so that it is served by them when its turn comes.
 */
import { Family } from "../../fast-bgp-codec/family.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import type { Policies } from "../policies.js";
import type { ReflectedPeer } from "../reflected-peer.js";
import { HoldReason } from "../rib/hold.js";
import type { RouteTable } from "../rib/route-table.js";
import type { TrustGrip } from "./grip.js";

/** Routes looked at in one turn, and about how long that may take where rules are asked. */
const SLICE = 20_000;
const SLICE_MS = 10;
const STRETCH = 256;

/** Memberships first. */
const ORDER: readonly Family[] = [
  Family.RouteTarget,
  Family.Evpn,
  Family.Ipv4Vpn,
  Family.Ipv6Vpn,
  Family.Ipv4Unicast,
  Family.Ipv6Unicast,
];

export class GripWalk implements SlicedJob {
  private readonly table: RouteTable;
  private readonly policies: Policies;
  private readonly peer: ReflectedPeer;
  private readonly grip: TrustGrip;
  private readonly now: () => number;
  private readonly done: (routes: number) => void;
  private walk: ReturnType<RouteTable["walkSource"]> | undefined;
  private place = 0;
  private routes = 0;

  /**
   * The walk goes on when the session ends: its routes may be kept for the peer's return.
   * @param done also when the session has ended by then; not when its grip has changed again
   */
  constructor(
    table: RouteTable,
    policies: Policies,
    peer: ReflectedPeer,
    now: () => number,
    done: (routes: number) => void,
  ) {
    this.table = table;
    this.policies = policies;
    this.peer = peer;
    this.grip = peer.grip;
    this.now = now;
    this.done = done;
  }

  step(): boolean {
    const { peer, table } = this;
    // Holding costs a route what losing it does, and is to be over as soon; rules may cost much more.
    const until = peer.isHeld ? Infinity : this.now() + SLICE_MS;
    let left = SLICE;
    while (left > 0) {
      if (peer.grip !== this.grip) return this.end();
      for (let stretch = Math.min(left, STRETCH); stretch > 0; stretch--, left--) {
        const path = this.next();
        if (path === 0) {
          this.done(this.routes);
          return this.end();
        }
        this.routes++;
        if (table.pathHold(path) !== HoldReason.Limit) this.policies.reconsider(path);
      }
      if (this.now() >= until) break;
    }
    this.policies.engine.endBatch();
    return false;
  }

  /** 0 when there is none left. */
  private next(): number {
    const { table, peer } = this;
    for (; this.place < ORDER.length; this.place++) {
      this.walk ??= table.walkSource(peer.slot, ORDER[this.place]!);
      const path = table.stepWalk(this.walk);
      if (path !== 0) return path;
      table.endWalk(this.walk);
      this.walk = undefined;
    }
    return 0;
  }

  private end(): boolean {
    if (this.walk !== undefined) this.table.endWalk(this.walk);
    this.walk = undefined;
    this.policies.engine.endBatch();
    return true;
  }
}
