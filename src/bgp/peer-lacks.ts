/**
 * What a peer lacks compared with another: destinations that the other has been sent and it has not, by
 * reason. A part of the table at a time, in slices on the BGP thread; the parts add up.
 */
import { FAMILIES } from "../fast-bgp-codec/family.js";
import { formatNlri } from "../fast-bgp-codec/nlri.js";
import type { SlicedJob } from "../util/sliced-work.js";
import { decideExport } from "./policy-words.js";
import type { LackExample, LackPage, LackReason } from "./policy-view.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { Reflector } from "./reflector.js";
import { obstacleTo, type Obstacle } from "./route-obstacle.js";
import { decodePathNlri } from "./route-query.js";

const SLICE_MS = 1;
/** Destinations looked at in one page. */
const PAGE = 100_000;
const EXAMPLES = 5;
/** A reason names a rule: there may be many. */
const MOST_REASONS = 200;

type Tally = { -readonly [K in keyof LackReason]: LackReason[K] } & { examples: LackExample[] };

export class PeerLacks implements SlicedJob {
  private readonly reflector: Reflector;
  private readonly peer: ReflectedPeer | undefined;
  private readonly other: ReflectedPeer;
  private readonly down: Obstacle;
  private readonly finish: (page: LackPage) => void;
  private readonly tallies = new Map<string, Tally>();
  private readonly from: number;
  private readonly end: number;
  private dest: number;

  /**
   * @param peer undefined: it has no session, and `down` says what it is instead
   * @param from destination to begin with
   */
  constructor(
    reflector: Reflector,
    peer: ReflectedPeer | undefined,
    other: ReflectedPeer,
    down: string,
    from: number,
    finish: (page: LackPage) => void,
  ) {
    this.reflector = reflector;
    this.peer = peer;
    this.other = other;
    this.down = { code: "other", text: down };
    this.finish = finish;
    this.from = from;
    this.dest = from;
    this.end = Math.min(reflector.table.destinationLimit, from + PAGE);
  }

  step(): boolean {
    const { table, out } = this.reflector;
    const until = performance.now() + SLICE_MS;
    for (; this.dest < this.end; this.dest++) {
      if ((this.dest & 63) === 0 && performance.now() >= until) return this.pause();
      const { dest } = this;
      if (!table.exists(dest) || !out.hasSent(this.other.slot, dest)) continue;
      if (this.peer !== undefined && out.hasSent(this.peer.slot, dest)) continue;
      this.look(dest);
    }
    this.pause();
    const rows = [...this.tallies.values()].sort((a, b) => b.routes - a.routes);
    const next = this.end < table.destinationLimit ? String(this.end) : undefined;
    this.finish({ rows, looked: this.end - this.from, next });
    return true;
  }

  private pause(): boolean {
    this.reflector.policies.engine.endBatch();
    return false;
  }

  private look(dest: number): void {
    const { table, localRoutes } = this.reflector;
    const path = table.bestPath(dest);
    if (path === 0) return;
    const { code, text } = this.obstacle(dest, path);
    const key = this.tallies.size < MOST_REASONS || this.tallies.has(text) ? text : MANY;
    let tally = this.tallies.get(key);
    if (tally === undefined) {
      tally = { code: key === text ? code : "other", reason: key, routes: 0, examples: [] };
      this.tallies.set(key, tally);
    }
    tally.routes++;
    if (tally.examples.length === EXAMPLES) return;
    const family = table.family(dest);
    tally.examples.push({
      family: FAMILIES[family]!.name,
      prefix: formatNlri(family, decodePathNlri(this.reflector, path)),
      from: localRoutes.nameOf(path) ?? table.sources.address[table.pathSlot(path)]!,
    });
  }

  private obstacle(dest: number, path: number): Obstacle {
    const { reflector, peer } = this;
    if (peer === undefined || peer.gone) return this.down;
    const { table, policies } = reflector;
    const attr = table.pathAttr(path);
    const decided = decideExport(policies.engine, table, path, attr, peer.slot);
    return obstacleTo(reflector, dest, path, peer, decided);
  }
}

const MANY = "further reasons, too many to tell one by one";
