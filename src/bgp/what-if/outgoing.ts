/**
 * What sessions would be sent of a destination in another world, against what they are to have in this one:
 * receivers by reflection and route targets, then their export rules; with ADD-PATH several paths each.
 */
import { MOST_PATHS } from "../adj-rib-out/path-numbers.js";
import type { Family } from "../../fast-bgp-codec/family.js";
import { decideExport, type Decided } from "../policy-words.js";
import type { PolicyEngine } from "../policy/rules/engine.js";
import { hasBit } from "../policy/slot-mask.js";
import type { ReflectedPeer } from "../reflected-peer.js";
import type { Supposition, SuppositionHost } from "./supposition.js";

/** A path that a receiver might have, and what its export rules say of it. */
interface Way {
  readonly receiver: ReflectedPeer;
  readonly path: number;
  readonly decided: Decided;
}

/** Undefined: there is no such way. */
export type DifferenceSink = (
  receiver: ReflectedPeer,
  change: "accepted" | "rejected" | "changed",
  path: number,
  before: Decided | undefined,
  after: Decided | undefined,
) => void;

/** Most paths of a destination that the session is sent. */
function limitOf({ session }: ReflectedPeer, family: Family): number {
  return session.options.addPath.find((option) => option.family === family)?.limit ?? 1;
}

export class Outgoing {
  private readonly host: SuppositionHost;
  private readonly tell: DifferenceSink;
  private mask = new Int32Array(1);

  constructor(host: SuppositionHost, tell: DifferenceSink) {
    this.host = host;
    this.tell = tell;
  }

  /**
   * @param attrOf effective sets in the other world
   * @param next best path there, 0 for none
   * @param differs some path's set is another
   */
  compare(
    dest: number,
    { engine: candidate }: Supposition,
    attrOf: (path: number) => number,
    next: number,
    differs: boolean,
    receivers: readonly ReflectedPeer[],
  ): void {
    const { table, engine } = this.host;
    const before = (path: number): number => table.pathAttr(path);
    this.compareWays(
      this.waysOf(dest, [table.bestPath(dest)], "best", before, engine, receivers),
      this.waysOf(dest, [next], "best", attrOf, candidate, receivers),
    );
    const several = this.takeSeveral(receivers, table.family(dest));
    if (several.length === 0) return;
    const ranked = this.ranked(dest, before);
    const then = differs ? this.ranked(dest, attrOf) : ranked;
    this.compareWays(
      this.waysOf(dest, ranked, "several", before, engine, several),
      this.waysOf(dest, then, "several", attrOf, candidate, several),
    );
  }

  takeSeveral(receivers: readonly ReflectedPeer[], family: Family): ReflectedPeer[] {
    return receivers.filter(({ session }) => (session.negotiated.addPathOut & (1 << family)) !== 0);
  }

  /** Paths in the order in which ADD-PATH offers them. */
  private ranked(dest: number, attrOf: (path: number) => number): number[] {
    const ranked: number[] = [];
    while (ranked.length < MOST_PATHS) {
      const path = this.host.table.selectUnder(dest, attrOf, ranked);
      if (path === 0) break;
      ranked.push(path);
    }
    return ranked;
  }

  /** Who is sent which of the paths, by receiver, and by path where several go; the best first. */
  private waysOf(
    dest: number,
    paths: readonly number[],
    takers: "best" | "several",
    attrOf: (path: number) => number,
    engine: PolicyEngine,
    receivers: readonly ReflectedPeer[],
  ): Map<string, Way> {
    const { out, table } = this.host;
    const ways = new Map<string, Way>();
    const counts = new Map<number, number>();
    if (this.mask.length < out.words) this.mask = new Int32Array(out.words);
    for (const path of paths) {
      const attr = path === 0 ? 0 : attrOf(path);
      if (attr === 0) continue;
      out.receiversUnder(attr, dest, path, takers, this.mask);
      for (const receiver of receivers) {
        const { slot } = receiver;
        if (slot >>> 5 >= this.mask.length || !hasBit(this.mask, 0, slot)) continue;
        if (receiver.gone) continue;
        const count = counts.get(slot) ?? 0;
        if (takers === "several" && count >= limitOf(receiver, table.family(dest))) continue;
        const decided = decideExport(engine, table, path, attr, slot);
        if (decided.attr !== 0) counts.set(slot, count + 1);
        const key = takers === "best" ? `${slot}` : `${slot} ${path}`;
        ways.set(key, { receiver, path, decided });
      }
    }
    return ways;
  }

  private compareWays(before: ReadonlyMap<string, Way>, after: ReadonlyMap<string, Way>): void {
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      const old = before.get(key);
      const next = after.get(key);
      const { receiver } = (old ?? next)!;
      const a = old?.decided.attr ?? 0;
      const b = next?.decided.attr ?? 0;
      if (a === 0 && b === 0) continue;
      if (old !== undefined && next !== undefined && this.looksSame(receiver.slot, old, next))
        continue;
      const change = a === 0 ? "accepted" : b === 0 ? "rejected" : "changed";
      this.tell(receiver, change, b === 0 ? old!.path : next!.path, old?.decided, next?.decided);
    }
  }

  /** Two forms of a route that no octet on the wire tells apart: eBGP, for one, has no LOCAL_PREF. */
  private looksSame(slot: number, old: Way, next: Way): boolean {
    const [a, b] = [old.decided, next.decided];
    if (a.attr === 0 || b.attr === 0) return false;
    if (old.path === next.path && a.attr === b.attr) return true;
    const { table, out } = this.host;
    const before = out.encodeSet(slot, a.attr, table.pathSlot(old.path));
    const attributes = before.attributes.slice();
    const nextHop = before.nextHop.slice();
    const after = out.encodeSet(slot, b.attr, table.pathSlot(next.path));
    const same = (x: Uint8Array, y: Uint8Array) => Buffer.compare(x, y) === 0;
    return (
      same(attributes, after.attributes) &&
      same(nextHop, after.nextHop) &&
      same(this.nlriOf(old.path), this.nlriOf(next.path))
    );
  }

  private nlriOf(path: number): Uint8Array {
    const { table } = this.host;
    const from = table.pathNlri(path);
    return table.nlriBytes.subarray(from, from + table.pathNlriLength(path));
  }
}
