/**
 * What is kept from whom by route target, for views and metrics: routes are counted once by their
 * combination of targets, a slice a turn, and each session's part is worked out from the counts. A count is
 * as old as CENSUS_MS at most where somebody looks often.
 *
 * Counted are best routes of the families with route targets that the session has; that a route is kept
 * from it for another reason as well (non-client, route type, size) is not looked at.
 */
import { decodeNlri, formatNlri } from "../fast-bgp-codec/nlri.js";
import { formatExtendedCommunity } from "../fast-bgp-codec/values/extended-community.js";
import type { Clock } from "../util/clock.js";
import type { SlicedJob } from "../util/sliced-work.js";
import type { AdjRibOut } from "./adj-rib-out/adj-rib-out.js";
import { TARGETED } from "./adj-rib-out/receiver.js";
import {
  INTEREST_LIST_MOST,
  type InterestDetail,
  type InterestTarget,
  type InterestView,
  type WithheldExample,
} from "./control.js";
import type { Interests } from "./interest.js";
import { hasBit } from "./policy/slot-mask.js";
import { TargetRule } from "./policy/route-target.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { RouteTable } from "./rib/route-table.js";

/** Destinations counted in one turn. */
const SLICE = 16_384;
const TALLY_SLICE = 256;
const CENSUS_MS = 5_000;
/** Routes shown to make it plain what is kept back. */
const EXAMPLES = 10;

export interface ReportHost {
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  readonly interests: Interests;
  livePeers(): Iterable<ReflectedPeer>;
  addressOf(slot: number): string;
  later(job: SlicedJob): void;
}

/** Best routes with one combination of targets in one family. */
interface Count {
  readonly family: number;
  readonly targets: readonly string[];
  readonly bySource: Map<number, number>;
  routes: number;
  /** One of them. */
  readonly example: number;
}

/** What is kept from one session, or would be. */
interface Tally {
  withheld: number;
  wouldWithhold: number;
  readonly examples: Count[];
}

export class InterestReport {
  private readonly host: ReportHost;
  private readonly clock: Clock;
  /** By slot. */
  private tallies: ReadonlyMap<number, Tally> = new Map<number, Tally>();
  private countedAt = -Infinity;
  private counting: Promise<void> | undefined;

  constructor(host: ReportHost, clock: Clock) {
    this.host = host;
    this.clock = clock;
  }

  async views(): Promise<InterestView[]> {
    await this.census();
    return [...this.host.livePeers()].map((peer) => this.viewOf(peer));
  }

  async detail(peer: ReflectedPeer): Promise<InterestDetail> {
    await this.census();
    const { interest } = peer.session.options;
    const kept = this.tallies.get(peer.slot)?.examples ?? [];
    return {
      ...this.viewOf(peer),
      targetList: this.targetsOf(peer).slice(0, INTEREST_LIST_MOST),
      allowed: interest.allowed?.slice(0, INTEREST_LIST_MOST).map(targetText),
      examples: kept.flatMap((count) => this.exampleOf(peer, count) ?? []),
    };
  }

  private viewOf(peer: ReflectedPeer): InterestView {
    const { out, interests } = this.host;
    const { options, peerAddress } = peer.session;
    const learnt = interests.learnt(peer.slot);
    const tally = this.tallies.get(peer.slot);
    const by = this.decides(peer);
    return {
      peer: peerAddress,
      group: options.group,
      by,
      tenant: options.interest.allowed !== undefined,
      inference: learnt === undefined ? "off" : options.interest.inference,
      learning: learnt !== undefined && !learnt.ready,
      targets: by === "everything" ? learnt?.targets.size : this.targetsOf(peer).length,
      withheld: tally?.withheld ?? 0,
      wouldWithhold:
        learnt !== undefined && out.targets.ruleOf(peer.slot, TargetRule.Inferred) === undefined
          ? (tally?.wouldWithhold ?? 0)
          : undefined,
    };
  }

  private decides(peer: ReflectedPeer): InterestView["by"] {
    const { targets } = this.host.out;
    if (targets.has(peer.slot)) return "memberships";
    if (targets.ruleOf(peer.slot, TargetRule.List) !== undefined) return "list";
    return targets.ruleOf(peer.slot, TargetRule.Inferred) === undefined
      ? "everything"
      : "inference";
  }

  private targetsOf(peer: ReflectedPeer): InterestTarget[] {
    const { interests, out } = this.host;
    const memberships = out.targets.membershipsOf(peer.slot);
    const list: InterestTarget[] = [];
    for (const { bits, prefix } of memberships ?? []) {
      list.push({ target: membershipText(bits, prefix), by: "membership" });
    }
    for (const target of peer.session.options.interest.targets ?? []) {
      list.push({ target: targetText(target), by: "list" });
    }
    const wall = this.clock.wall() - this.clock.now();
    for (const [target, { since, missedSince }] of interests.learnt(peer.slot)?.targets ?? []) {
      list.push({
        target: targetText(target),
        by: "inference",
        since: Math.round(wall + since),
        ...(missedSince !== 0 && { missingSince: Math.round(wall + missedSince) }),
      });
    }
    return list.sort((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
  }

  private exampleOf(peer: ReflectedPeer, count: Count): WithheldExample | undefined {
    const { table } = this.host;
    const path = table.exists(count.example) ? table.bestPath(count.example) : 0;
    if (path === 0 || table.pathSlot(path) === peer.slot) return undefined;
    const family = table.family(count.example);
    const from = table.pathNlri(path);
    const nlri = decodeNlri(family, table.nlriBytes, from, from + table.pathNlriLength(path));
    return {
      prefix: formatNlri(family, nlri),
      peer: this.host.addressOf(table.pathSlot(path)),
      targets: count.targets.map(targetText),
    };
  }

  /** Counts, unless that was done just now. */
  private census(): Promise<void> {
    const { out, interests } = this.host;
    // Where nothing can be kept from anybody, nothing is counted.
    if (out.targets.isIdle && interests.isIdle) {
      this.tallies = new Map<number, Tally>();
      return Promise.resolve();
    }
    if (this.clock.now() - this.countedAt < CENSUS_MS) return Promise.resolve();
    this.counting ??= new Promise<void>((resolve) => {
      const { table } = this.host;
      const counts = new Map<string, Count>();
      const tallies = new Map<number, Tally>();
      let dest = 1;
      let rest: Count[] | undefined;
      this.host.later({
        step: () => {
          const stop = Math.min(table.destinationLimit, dest + SLICE);
          for (; dest < stop; dest++) countOne(table, dest, counts);
          if (dest < table.destinationLimit) return false;
          rest ??= [...counts.values()];
          this.tally(rest.splice(0, TALLY_SLICE), tallies);
          if (rest.length > 0) return false;
          this.tallies = tallies;
          this.countedAt = this.clock.now();
          this.counting = undefined;
          resolve();
          return true;
        },
      });
    });
    return this.counting;
  }

  /** What of these is kept from whom. */
  private tally(counts: readonly Count[], tallies: Map<number, Tally>): void {
    const { out, interests } = this.host;
    const peers = [...this.host.livePeers()];
    for (const count of counts) {
      const { family, targets } = count;
      const allowed = out.targets.isIdle ? undefined : out.targets.allowed(targets, out.words);
      for (const peer of peers) {
        const { slot } = peer;
        if ((peer.context.families & (1 << family)) === 0) continue;
        const others = count.routes - (count.bySource.get(slot) ?? 0);
        if (others === 0) continue;
        const isKept = allowed !== undefined && !hasBit(allowed, 0, slot);
        const learnt = isKept ? undefined : interests.learnt(slot);
        const wouldBe =
          learnt !== undefined && !targets.some((target) => learnt.targets.has(target));
        if (!isKept && !wouldBe) continue;
        let tally = tallies.get(slot);
        if (tally === undefined) {
          tally = { withheld: 0, wouldWithhold: 0, examples: [] };
          tallies.set(slot, tally);
        }
        if (isKept) tally.withheld += others;
        else tally.wouldWithhold += others;
        if (tally.examples.length < EXAMPLES) tally.examples.push(count);
      }
    }
  }
}

function countOne(table: RouteTable, dest: number, counts: Map<string, Count>): void {
  const path = table.exists(dest) ? table.bestPath(dest) : 0;
  if (path === 0) return;
  const family = table.family(dest);
  if ((TARGETED & (1 << family)) === 0) return;
  const set = table.attrs.targets(table.pathAttr(path));
  // An id may stand for another combination by the next slice: what it stands for now is part of the key.
  const key = `${family} ${set} ${table.attrs.targetSets.generation}`;
  let count = counts.get(key);
  if (count === undefined) {
    const targets = set === 0 ? [] : table.attrs.targetSets.targets(set);
    count = { family, targets, bySource: new Map<number, number>(), routes: 0, example: dest };
    counts.set(key, count);
  }
  const slot = table.pathSlot(path);
  count.routes++;
  count.bySource.set(slot, (count.bySource.get(slot) ?? 0) + 1);
}

/** `65000:100`, `es-import:…`. */
export function targetText(hex: string): string {
  return formatExtendedCommunity(new Uint8Array(Buffer.from(hex, "hex")), 0).replace(/^rt:/, "");
}

function membershipText(bits: number, prefix: string): string {
  if (bits < 0) return "everything";
  if (bits === 0) return "any target";
  return bits === 64 ? targetText(prefix) : `0x${prefix}/${bits}`;
}
