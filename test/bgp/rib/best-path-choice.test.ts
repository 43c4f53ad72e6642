/**
 * The quick ways of best-path.ts against a slow one that says every step as the RFCs do, with random
 * candidates from pools so small that ties are common.
 */
import { describe, expect, it } from "vitest";
import { AttrFlag } from "../../../src/bgp/rib/attr-facts.js";
import { AttrStore } from "../../../src/bgp/rib/attr-store.js";
import { BestPath, BestReason } from "../../../src/bgp/rib/best-path.js";
import { SourceKind, Sources } from "../../../src/bgp/rib/sources.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { bytesOf, hexOf } from "../../model/lib/hex.js";
import { Random } from "../../model/lib/random.js";
import { attribute } from "../lib/tables.js";

class Candidates {
  readonly attrs = new AttrStore();
  readonly sources = new Sources();
  readonly best: BestPath;
  private readonly attr: number[] = [];
  private readonly slot: number[] = [];
  private readonly segment: number[] = [];
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
    this.best = new BestPath(this.attrs, this.sources, this);
  }

  attrOf(path: number): number {
    return this.attr[path]!;
  }

  slotOf(path: number): number {
    return this.slot[path]!;
  }

  idOf(): number {
    return 0;
  }

  sameSegment(a: number, b: number): boolean {
    return this.segment[a] !== 0 && this.segment[a] === this.segment[b];
  }

  /** Sets out as the paths 1 to `count`. */
  draw(count: number): number[] {
    const { random } = this;
    const { below } = { below: (n: number) => random.below(n) };
    return Array.from({ length: count }, (_, i) => {
      const path = i + 1;
      this.slot[path] = this.sources.take(
        random.pick([SourceKind.Client, SourceKind.Client, SourceKind.Ebgp]),
        1 + below(3),
        "",
        random.oneIn(3) ? "40a" : `40a${below(3)}`,
        65000,
      );
      this.segment[path] = random.oneIn(2) ? 0 : 1 + below(2);
      const bytes = bytesOf(this.attributes());
      this.attr[path] = this.attrs.intern(Family.Evpn, 0, bytes, 0, bytes.length);
      return path;
    });
  }

  private attributes(): string {
    const { random } = this;
    const as = Array.from({ length: random.below(3) }, () => hexOf(10 + random.below(2), 4));
    const stale = random.oneIn(6) ? attribute(8, 0xc0, "ffff0006") : "";
    const sequence = random.pick([0, 1, 2, 0xffff, 0x10000, 0xffff0000, 0xffffffff]);
    const mobility = `0600${random.oneIn(4) ? "01" : "00"}00${hexOf(sequence, 4)}`;
    return [
      attribute(1, 0x40, hexOf(random.oneIn(4) ? 2 : 0, 1)),
      attribute(2, 0x40, as.length === 0 ? "" : `02${hexOf(as.length, 1)}${as.join("")}`),
      random.oneIn(2) ? attribute(4, 0x80, hexOf(random.below(3), 4)) : "",
      attribute(5, 0x40, hexOf(random.oneIn(4) ? 200 : 100, 4)),
      stale,
      random.oneIn(2) ? attribute(9, 0x80, hexOf(1 + random.below(3), 4)) : "",
      random.oneIn(2) ? attribute(10, 0x80, "00000001".repeat(1 + random.below(2))) : "",
      random.oneIn(3) ? "" : attribute(16, 0xc0, mobility),
    ].join("");
  }
}

type Score = (path: number) => number;

/** The same choice in the words of the RFCs; quadratic, and careless of memory. */
function slowly(all: Candidates, paths: readonly number[], mobility: boolean): [number, number] {
  const { attrs, sources } = all;
  let reason: number = BestReason.OnlyPath;
  const flag = (path: number, bit: number): boolean => (attrs.flags(all.attrOf(path)) & bit) !== 0;
  const originator: Score = (path) =>
    attrs.originatorId(all.attrOf(path)) || sources.routerId[all.slotOf(path)]!;
  const keep = (set: readonly number[], why: number, wanted: (path: number) => boolean) => {
    const kept = set.filter(wanted);
    if (kept.length < set.length) reason = why;
    return kept;
  };
  const lowest = (set: readonly number[], why: number, score: Score) =>
    keep(set, why, (path) => set.every((other) => score(other) >= score(path)));
  const ordinary = (from: readonly number[]): number => {
    let set = lowest(from, BestReason.LocalPref, (p) => -attrs.localPref(all.attrOf(p)));
    set = lowest(set, BestReason.AsPathLength, (p) => attrs.asPathLength(all.attrOf(p)));
    set = lowest(set, BestReason.Origin, (p) => attrs.origin(all.attrOf(p)));
    const as: Score = (p) => attrs.neighborAs(all.attrOf(p));
    const med: Score = (p) => attrs.med(all.attrOf(p));
    const medSet = set;
    set = keep(set, BestReason.Med, (path) =>
      medSet.every((other) => as(other) !== as(path) || med(other) >= med(path)),
    );
    set = lowest(set, BestReason.EbgpOverIbgp, (p) =>
      sources.kind[all.slotOf(p)] === SourceKind.Ebgp ? 0 : 1,
    );
    set = lowest(set, BestReason.RouterId, originator);
    set = lowest(set, BestReason.ClusterListLength, (p) => attrs.clusterListLength(all.attrOf(p)));
    const place = (p: number): string =>
      sources.addressKey[all.slotOf(p)]! + "/" + hexOf(all.slotOf(p), 4);
    const [first] = set.map(place).sort();
    return keep(set, BestReason.PeerAddress, (p) => place(p) === first)[0]!;
  };
  let set = lowest(paths, BestReason.LlgrStale, (p) => (flag(p, AttrFlag.LlgrStale) ? 1 : 0));
  if (mobility && set.length > 1 && set.some((p) => flag(p, AttrFlag.Mobility))) {
    const before = reason;
    const word = new Map(
      set.map((p) => [originator(p), ordinary(set.filter((o) => originator(o) === originator(p)))]),
    );
    reason = before;
    const sequence: Score = (p) => attrs.sequence(all.attrOf(p));
    const small: Score = (p) => Number(sequence(p) >= 1 && sequence(p) <= 0xffff);
    const wrapped = set.some((p) => sequence(p) >= 0xffff0000) && set.some((p) => small(p) === 1);
    const rank: Score = (p) => sequence(p) + (wrapped ? small(p) * 2 ** 32 : 0);
    const sticky = (p: number): boolean => flag(p, AttrFlag.Sticky);
    const outranked = (p: number): boolean =>
      [...word.values()].some(
        (o) =>
          o !== p &&
          !all.sameSegment(o, p) &&
          (sticky(o) === sticky(p) ? rank(o) > rank(p) : sticky(o)),
      );
    const losers = new Set([...word.values()].filter(outranked).map(originator));
    if (losers.size > 0) {
      const bySticky =
        [...word.values()].some(sticky) && [...losers].some((o) => !sticky(word.get(o)!));
      reason = bySticky ? BestReason.MacSticky : BestReason.MacSequence;
      set = set.filter((p) => !losers.has(originator(p)));
    }
  }
  return [ordinary(set), reason];
}

describe("the quick choice is the slow one", () => {
  for (const mobility of [false, true]) {
    it(`for two paths, ${mobility ? "with" : "without"} mobility`, () => {
      for (let seed = 1; seed <= 4000; seed++) {
        const all = new Candidates(new Random(seed));
        const [a, b] = all.draw(2) as [number, number];
        const expected = slowly(all, [a, b], mobility);
        for (const [first, second] of [
          [a, b],
          [b, a],
        ] as const) {
          expect([all.best.selectPair(first, second, mobility), all.best.reason]).toEqual(expected);
          expect([all.best.select([first, second], mobility), all.best.reason]).toEqual(expected);
        }
      }
    });

    it(`for three to seven paths, ${mobility ? "with" : "without"} mobility`, () => {
      for (let seed = 1; seed <= 1500; seed++) {
        const random = new Random(seed);
        const all = new Candidates(random);
        const paths = all.draw(3 + random.below(5));
        const expected = slowly(all, paths, mobility);
        const shuffled = random.shuffle(paths);
        expect([all.best.select(shuffled, mobility), all.best.reason]).toEqual(expected);
      }
    });
  }

  it("for a thousand paths, in a moment", () => {
    const all = new Candidates(new Random(7));
    const paths = all.draw(1000);
    // A quadratic way looks a million times at every pair.
    let looks = 0;
    const counting = new BestPath(all.attrs, all.sources, {
      attrOf: (path) => (looks++, all.attrOf(path)),
      slotOf: (path) => all.slotOf(path),
      idOf: () => 0,
      sameSegment: (a, b) => (looks++, all.sameSegment(a, b)),
    });
    counting.select([...paths], true);
    expect(looks).toBeLessThan(100_000);
  });
});
