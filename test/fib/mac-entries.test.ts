/** The index of MACs: by MAC alone, and what it does with a MAC that is in more domains than it likes. */
import { describe, expect, it } from "vitest";
import { BridgeDomains } from "../../src/fib/bridge-domain.js";
import { MacEntries } from "../../src/fib/mac-entries.js";
import { RouteTargetSets } from "../../src/fib/route-target-sets.js";
import { Random } from "../model/lib/random.js";

const DOMAINS = 40;

function entriesOf(count = DOMAINS): MacEntries {
  const settings = Array.from({ length: count }, (_, index) => ({
    name: `d${index}`,
    service: "vlan-based" as const,
    routeTargets: [`65000:${index + 1}`],
    ethernetTag: 0,
    vni: undefined,
    duplicates: undefined,
  }));
  return new MacEntries(new BridgeDomains(new RouteTargetSets(), settings));
}

function mac(n: number): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, n >> 8, n & 255);
}

describe("MAC entries", () => {
  it.each([1, 2, 3])(
    "are found by domain and MAC, and by MAC, whatever came and went (%i)",
    (seed) => {
      const random = new Random(seed);
      const entries = entriesOf();
      const model = new Map<string, number>();
      /** What went in the turn that is under way. */
      const went = new Map<string, number>();
      let back = 0;
      for (let step = 0; step < 20_000; step++) {
        // Few MACs in many domains, and now and then one that has hardly any.
        const n = random.below(4) === 0 ? 10 + random.below(500) : random.below(3);
        const domain = 1 + random.below(DOMAINS);
        const key = `${n}/${domain}`;
        const known = model.get(key);
        // It fills and empties in waves.
        if (known === undefined ? random.below(100) < 50 + 40 * Math.sin(step / 1500) : false) {
          const id = entries.findOrCreate(domain, mac(n), 0, step);
          // Its number is its own until the turn ends, and everything else is as of a new one.
          const before = went.get(key);
          if (before !== undefined) {
            expect([id, entries.firstSeen(id), entries.moves(id)]).toEqual([before, step, 0]);
            back++;
          }
          entries.setMoves(id, 7);
          model.set(key, id);
        } else if (known !== undefined && random.below(100) < 50 - 40 * Math.sin(step / 1500)) {
          entries.drop(known);
          model.delete(key);
          went.set(key, known);
        }
        if (random.below(50) === 0 || step % 500 === 0) {
          entries.settle();
          went.clear();
          expect(entries.count).toBe(model.size);
        }
        expect(entries.find(domain, mac(n), 0)).toBe(model.get(key) ?? 0);
        if (step % 500 === 0) compare(entries, model);
      }
      expect(back).toBeGreaterThan(20);
      for (const id of model.values()) entries.drop(id);
      entries.settle();
      model.clear();
      compare(entries, model);
      expect(entries.count).toBe(0);
    },
  );

  it("of one MAC are given without asking each domain, unless there are many", () => {
    const entries = entriesOf();
    const ids = Array.from({ length: 9 }, (_, i) => entries.findOrCreate(i + 1, mac(1), 0, 0));
    expect(entries.ofMac(mac(1), 0)).toBeUndefined();
    entries.drop(ids[8]!);
    entries.settle();
    expect(entries.ofMac(mac(1), 0)?.sort()).toEqual(ids.slice(0, 8));
    expect(entries.ofMac(mac(2), 0)).toEqual([]);
  });
});

function compare(entries: MacEntries, model: ReadonlyMap<string, number>): void {
  const byMac = new Map<number, number[]>();
  for (const [key, id] of model) {
    const [n = 0, domain = 0] = key.split("/").map(Number);
    expect(entries.find(domain, mac(n), 0)).toBe(id);
    expect(entries.domain(id)).toBe(domain);
    expect(entries.findOrCreate(domain, mac(n), 0, 0)).toBe(id);
    byMac.set(n, [...(byMac.get(n) ?? []), id]);
  }
  for (let n = 0; n < 510; n++) {
    const found = entries.ofMac(mac(n), 0);
    const wanted = byMac.get(n) ?? [];
    if (found !== undefined) expect(found.sort()).toEqual(wanted.sort());
    else expect(wanted.length).toBeGreaterThan(0);
  }
}
