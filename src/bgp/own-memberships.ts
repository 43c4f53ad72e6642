/**
 * The memberships that evpnd announces in its own name (RFC 4684 section 3.1), to other reflectors and eBGP
 * peers with the family: what it wants for peers that have no memberships of their own. Those that
 * have are in the table, and reflected from there.
 *
 * A peer without the family, without a list and without inference wants everything, and so does whoever
 * reads the table beside the sessions (the MAC FIB): then it is the default membership. A list or an
 * inferred interest becomes a membership for each target; a list that takes all Ethernet segments
 * becomes one for each segment that a client has. Whole targets only: GoBGP drops the family when it reads a
 * membership for a prefix.
 *
 * They are ordinary routes of a source of our own, so that best path and sending do the rest. What nobody wants any more is withdrawn after a while:
 * a client that comes back at once must not cost the other side its table.
 */
import { Family } from "../fast-bgp-codec/family.js";
import { NlriScan, scanNlri } from "../fast-bgp-codec/nlri-scan.js";
import { writeU32 } from "../util/bytes.js";
import type { Clock, TimerHandle } from "../util/clock.js";
import type { AdjRibOut } from "./adj-rib-out/adj-rib-out.js";
import { TARGETED } from "./adj-rib-out/receiver.js";
import { ES_IMPORT, takesAllSegments, TargetRule } from "./policy/route-target.js";
import type { ReflectorIdentity } from "./policy/export.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import { HoldReason } from "./rib/hold.js";
import { SourceKind } from "./rib/sources.js";
import type { RouteTable } from "./rib/route-table.js";

/** Between two looks for new Ethernet segments, while somebody wants all of them. */
const SEGMENTS_MS = 2_000;
/** How long a membership stays when nobody wants it any more. */
const LINGER_MS = 60_000;
const DEFAULT = "00";
/** ORIGIN IGP, empty AS_PATH, LOCAL_PREF 100, in canonical form. */
const ATTRIBUTES = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 5, 4, 0, 0, 0, 100];
const MEMBERSHIPS = 1 << Family.RouteTarget;
const NEXT_HOP = 4;

export interface OwnMembershipsHost {
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  readonly identity: ReflectorIdentity;
  livePeers(): Iterable<ReflectedPeer>;
  /** There is something to send. */
  wake(): void;
}

export class OwnMemberships {
  private readonly host: OwnMembershipsHost;
  private readonly clock: Clock;
  /** Of our own source; -1 before the first membership. */
  private slot = -1;
  /** NLRI in hex; the value is when nobody wanted it first, 0 = wanted. */
  private readonly announced = new Map<string, number>();
  private readonly scan = new NlriScan();
  private timer: TimerHandle | undefined;
  private linger: TimerHandle | undefined;
  private segments: TimerHandle | undefined;
  private wantsSegments = false;

  constructor(host: OwnMembershipsHost, clock: Clock) {
    this.host = host;
    this.clock = clock;
  }

  /** Slots that are ours, for audits. */
  get slots(): readonly number[] {
    return this.slot < 0 ? [] : [this.slot];
  }

  /** Sessions or what they want changed: looked at once this turn is over. */
  touch(): void {
    this.timer ??= this.clock.setTimer(0, () => {
      this.timer = undefined;
      this.renew();
    });
  }

  private renew(): void {
    const wanted = this.isHeard() ? this.wanted() : new Set<string>();
    let changed = false;
    for (const nlri of wanted) {
      if (!this.announced.has(nlri)) {
        this.announce(nlri);
        changed = true;
      }
      this.announced.set(nlri, 0);
    }
    const now = this.clock.now();
    let lingering = false;
    for (const [nlri, since] of this.announced) {
      if (wanted.has(nlri)) continue;
      if (since === 0) this.announced.set(nlri, now);
      if (since !== 0 && now - since >= LINGER_MS) {
        this.withdraw(nlri);
        changed = true;
      } else lingering = true;
    }
    if (lingering) {
      this.linger ??= this.clock.setTimer(LINGER_MS, () => {
        this.linger = undefined;
        this.renew();
      });
    }
    if (this.wantsSegments) {
      this.segments ??= this.clock.setTimer(SEGMENTS_MS, () => {
        this.segments = undefined;
        this.renew();
      });
    }
    if (changed) this.host.wake();
  }

  /** Somebody is there who is told of memberships: no client, and with the family. */
  private isHeard(): boolean {
    for (const peer of this.host.livePeers()) {
      if (!peer.isHeld && isToldMemberships(peer)) return true;
    }
    return false;
  }

  private wanted(): Set<string> {
    const wanted = new Set<string>();
    this.wantsSegments = false;
    if (this.host.out.hasReaders) wanted.add(DEFAULT);
    for (const peer of this.host.livePeers()) {
      // Who is not trusted gets nothing: nothing is asked for in its place.
      if (peer.isHeld) continue;
      if ((peer.context.families & TARGETED) === 0 || isToldMemberships(peer)) continue;
      if (peer.kind === SourceKind.NonClient) continue;
      if (peer.kind === SourceKind.Ebgp && !peer.session.options.ebgpAcceptOut) continue;
      // Its own memberships are routes in the table.
      if ((peer.context.families & MEMBERSHIPS) !== 0) continue;
      this.addWishes(peer.slot, wanted);
    }
    // Beside the default the others say nothing.
    if (wanted.has(DEFAULT)) {
      this.wantsSegments = false;
      return new Set([DEFAULT]);
    }
    if (this.wantsSegments) this.addSegments(wanted);
    return wanted;
  }

  /** ES-Import targets of Ethernet segments that a client has: its other PEs may be elsewhere. */
  private addSegments(wanted: Set<string>): void {
    const { table } = this.host;
    const { targetSets } = table.attrs;
    for (const target of targetSets.beginningWith(ES_IMPORT)) {
      for (const set of targetSets.having(target)) {
        let path = targetSets.firstPath(set);
        for (; path !== 0; path = table.nextPathOfTargets(path)) {
          if (table.sources.kind[table.pathSlot(path)] === SourceKind.NonClient) continue;
          if (table.pathHold(path) === HoldReason.Trust) continue;
          wanted.add(this.membership(target));
          break;
        }
      }
    }
  }

  private membership(target: string): string {
    return `60${this.host.identity.as.toString(16).padStart(8, "0")}${target}`;
  }

  private addWishes(slot: number, wanted: Set<string>): void {
    const { targets } = this.host.out;
    const list = targets.ruleOf(slot, TargetRule.List) ?? targets.ruleOf(slot, TargetRule.Allowed);
    const wishes = targets.ruleOf(slot, TargetRule.Inferred) ?? list;
    if (wishes === undefined) {
      wanted.add(DEFAULT);
      return;
    }
    for (const target of wishes) wanted.add(this.membership(target));
    if (wishes === list && takesAllSegments(list)) this.wantsSegments = true;
  }

  private announce(nlri: string): void {
    const { table, identity } = this.host;
    this.slot = this.slot < 0 ? this.takeSlot() : this.slot;
    const set = new Uint8Array(NEXT_HOP + ATTRIBUTES.length);
    writeU32(set, 0, identity.routerId);
    set.set(ATTRIBUTES, NEXT_HOP);
    const attr = table.attrs.intern(Family.RouteTarget, NEXT_HOP, set, 0, set.length);
    table.announce(this.slot, Family.RouteTarget, this.scanned(nlri), this.scan, attr, attr);
    table.attrs.release(attr);
  }

  private withdraw(nlri: string): void {
    this.announced.delete(nlri);
    this.host.table.withdraw(this.slot, Family.RouteTarget, this.scanned(nlri), this.scan);
  }

  private scanned(nlri: string): Uint8Array {
    const bytes = new Uint8Array(Buffer.from(nlri, "hex"));
    scanNlri(Family.RouteTarget, bytes, 0, bytes.length, false, this.scan);
    return bytes;
  }

  /** What comes from outside goes as it is to iBGP, as ours must: no ORIGINATOR_ID, no CLUSTER_LIST. */
  private takeSlot(): number {
    const { routerId, as } = this.host.identity;
    const hex = (routerId >>> 0).toString(16).padStart(8, "0");
    const address = [24, 16, 8, 0].map((shift) => (routerId >>> shift) & 255).join(".");
    return this.host.table.sources.take(SourceKind.Ebgp, routerId, address, `4${hex}`, as);
  }
}

/** Clients are sent the default membership alone, in their session's greeting. */
function isToldMemberships(peer: ReflectedPeer): boolean {
  if (peer.kind === SourceKind.Client || peer.session.options.interest.defaultMembership)
    return false;
  return (peer.context.families & MEMBERSHIPS) !== 0;
}
