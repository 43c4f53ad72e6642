/** Sessions with ADD-PATH that are sent no more than so many paths: beside what a count says. */
import { describe, expect, it } from "vitest";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { hexOf } from "../../model/lib/hex.js";
import { attribute, EMPTY_PATH, mac, ORIGIN, Tables, type FakeOutlet } from "../lib/tables.js";
import { takePaths } from "./lib.js";

const EVPN = 1 << Family.Evpn;

function preferring(preference: number): string {
  return ORIGIN + EMPTY_PATH + attribute(5, 0x40, hexOf(preference, 4));
}

/** Path names, key and id, that a receiver holds after all it was told. */
class Held {
  readonly names = new Set<string>();

  read(outlet: FakeOutlet): Set<string> {
    for (const word of takePaths(outlet, EVPN)) {
      const name = word.slice(1).split("=")[0]!;
      if (word.startsWith("+")) this.names.add(name);
      else if (word.startsWith("-")) expect(this.names.delete(name)).toBe(true);
    }
    return this.names;
  }
}

function start(maximum: number, limit = 2) {
  const tables = new Tables();
  const { options, outlet } = tables.receiver({
    families: EVPN,
    addPath: [{ family: Family.Evpn, limit }],
  });
  const { slot } = options;
  tables.out.setLimit(slot, Family.Evpn, maximum);
  const sources = [tables.source(), tables.source(), tables.source()];
  return { tables, outlet, slot, sources, held: new Held() };
}

function settle({ tables }: { readonly tables: Tables }): void {
  tables.run();
  for (const slot of tables.out.takeRoom()) tables.out.sync(slot);
  tables.run();
}

function faults({ tables }: { readonly tables: Tables }): string[] {
  const found: string[] = [];
  for (let dest = 1; dest < tables.table.destinationLimit; dest++) {
    found.push(...tables.out.addPathFaults(dest));
  }
  return found;
}

describe("a quota on paths", () => {
  it("is kept: the better paths of a destination come first, the rest when there is room", () => {
    const world = start(3);
    const { tables, sources, outlet, held, slot } = world;
    for (const number of [1, 2]) {
      for (const [at, source] of sources.entries()) {
        tables.announce(source, mac(number), preferring(300 - at));
      }
    }
    settle(world);
    expect(held.read(outlet).size).toBe(3);
    expect(tables.out.sentCount(slot, Family.Evpn)).toBe(3);
    expect(tables.out.withheld(slot, Family.Evpn)).toBeGreaterThan(0);
    expect(faults(world)).toEqual([]);
    for (const source of sources) tables.withdraw(source, mac(1));
    settle(world);
    expect(held.read(outlet).size).toBe(2);
    expect(faults(world)).toEqual([]);
  });

  it("a better path takes the place of a worse one of its destination", () => {
    const world = start(1);
    const { tables, sources, outlet, held } = world;
    tables.announce(sources[0]!, mac(1), preferring(100));
    settle(world);
    const [first] = held.read(outlet);
    tables.announce(sources[1]!, mac(1), preferring(200));
    settle(world);
    const [second] = held.read(outlet);
    expect(held.names.size).toBe(1);
    expect(second).not.toBe(first);
  });

  it("that is lifted lets everything go out", () => {
    const world = start(1);
    const { tables, sources, outlet, held, slot } = world;
    for (const number of [1, 2, 3]) tables.announce(sources[0]!, mac(number), preferring(100));
    settle(world);
    expect(held.read(outlet).size).toBe(1);
    expect(tables.out.setLimit(slot, Family.Evpn, undefined)).toBe(true);
    tables.out.sync(slot);
    settle(world);
    expect(held.read(outlet).size).toBe(3);
    expect(tables.out.takeRoom()).toEqual([]);
  });

  it("holds under random changes, and wastes no room", () => {
    const world = start(9);
    const { tables, sources, outlet, held, slot } = world;
    const there = new Map<string, number>();
    let seed = 3;
    const below = (n: number): number => (seed = (seed * 48271) % 0x7fffffff) % n;
    for (let step = 0; step < 2000; step++) {
      const number = below(8);
      const at = below(3);
      if (below(5) < 3) {
        tables.announce(sources[at]!, mac(number), preferring(100 + below(3)));
        there.set(`${number} ${at}`, number);
      } else {
        tables.withdraw(sources[at]!, mac(number));
        there.delete(`${number} ${at}`);
      }
      if (below(4) > 0) continue;
      settle(world);
      const count = held.read(outlet).size;
      expect(count).toBe(tables.out.sentCount(slot, Family.Evpn));
      let possible = 0;
      for (let each = 0; each < 8; each++) {
        possible += Math.min(2, [...there.values()].filter((one) => one === each).length);
      }
      expect(count).toBe(Math.min(9, possible));
      expect(faults(world)).toEqual([]);
    }
  });
});
