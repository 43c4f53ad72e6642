/**
 * Storms: one MAC flapping, ten thousand flapping at once, one in ten thousand domains, one with ten
 * thousand addresses. Cost is counted in steps through the tables, never in time: it must be linear.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CandidateRing } from "../../src/fib/candidates.js";
import { FibEventKind } from "../../src/fib/index.js";
import { RecordTable } from "../../src/util/record-table.js";
import { liveCounts } from "./lib/compare.js";
import { Fabric } from "./lib/fabric.js";
import { macIp } from "./lib/route.js";

const MANY = 10_000;

function mac(n: number): string {
  const hex = n.toString(16).padStart(8, "0");
  return `02:00:${hex.match(/../g)!.join(":")}`;
}

let steps: () => number;
let lookups: () => number;

beforeEach(() => {
  const next = vi.spyOn(CandidateRing.prototype, "next");
  const head = vi.spyOn(RecordTable.prototype, "head");
  steps = () => next.mock.calls.length;
  lookups = () => head.mock.calls.length;
});

afterEach(() => vi.restoreAllMocks());

/** Ring steps and hash lookups that the FIB takes to read what has changed. */
function cost(fabric: Fabric): { steps: number; lookups: number } {
  const [stepsBefore, lookupsBefore] = [steps(), lookups()];
  fabric.read();
  const done = { steps: steps() - stepsBefore, lookups: lookups() - lookupsBefore };
  vi.clearAllMocks();
  return done;
}

function at(fabric: Fabric, pe: number, n: number, sequence: number, ip?: string): void {
  fabric.announce(pe, macIp({ rd: `10.0.0.${pe}:1`, mac: mac(n), ip }), {
    nextHop: `10.0.0.${pe}`,
    targets: ["65000:1"],
    sequence,
  });
}

function alarms(fabric: Fabric): string[] {
  return fabric
    .news()
    .filter(({ kind }) => kind === FibEventKind.Duplicate)
    .map((event) => event.mac);
}

function nothingIsLeft(fabric: Fabric): void {
  for (const slot of [0, 1, 2, 3]) fabric.lose(slot);
  fabric.read();
  // What went is remembered for a while.
  fabric.clock.pass(400_000);
  expect(Object.entries(liveCounts(fabric.fib)).filter(([, count]) => count !== 0)).toEqual([]);
}

describe("a storm", () => {
  it("of one MAC that flaps a thousand times costs the same each time, and is one alarm", () => {
    const fabric = new Fabric({ eventRing: 4096 });
    for (let n = 2; n < 100; n++) at(fabric, 3, n, 0);
    fabric.news();
    const costs = [];
    for (let n = 0; n < 1000; n++) {
      at(fabric, 1 + (n % 2), 1, n);
      costs.push(cost(fabric));
      fabric.clock.pass(1);
    }
    expect(Math.max(...costs.map((one) => one.steps))).toBeLessThan(20);
    expect(Math.max(...costs.map((one) => one.lookups))).toBeLessThan(8);
    expect(alarms(fabric)).toEqual([mac(1)]);
    expect(fabric.fib.view.mac(99)).toMatchObject({ moves: 999 });
    nothingIsLeft(fabric);
  });

  it("of ten thousand MACs at once alarms each once, and leaves the others alone", () => {
    const fabric = new Fabric({ eventRing: 20 * MANY });
    for (let n = MANY; n < MANY + 100; n++) at(fabric, 3, n, 0);
    fabric.news();
    let total = 0;
    for (let round = 0; round < 6; round++) {
      for (let n = 0; n < MANY; n++) at(fabric, 1 + (round % 2), n, round);
      const one = cost(fabric);
      total += one.steps + one.lookups;
      fabric.clock.pass(1000);
    }
    expect(total / (6 * MANY)).toBeLessThan(25);
    const told = alarms(fabric);
    expect(told).toHaveLength(MANY);
    expect(new Set(told).size).toBe(MANY);
    expect(fabric.fib.duplicates.duplicates).toBe(MANY);
    // Calm at last: the timer releases all of them, in slices.
    fabric.clock.pass(400_000);
    expect(fabric.fib.duplicates.count).toBe(0);
    nothingIsLeft(fabric);
  });

  it("of one MAC in ten thousand domains is linear in the domains", () => {
    const fabric = new Fabric({ eventRing: 4 * MANY });
    const announce = (pe: number, sequence: number): void => {
      for (let vni = 1; vni <= MANY; vni++) {
        fabric.announce(pe, macIp({ rd: `10.0.0.${pe}:${vni}`, mac: mac(1), label: vni }), {
          nextHop: `10.0.0.${pe}`,
          targets: [`65000:${vni}`],
          sequence,
        });
      }
    };
    announce(1, 0);
    const learn = cost(fabric);
    announce(2, 1);
    const move = cost(fabric);
    for (const { steps: ring, lookups: hash } of [learn, move]) {
      expect(ring / MANY).toBeLessThan(20);
      expect(hash / MANY).toBeLessThan(10);
    }
    expect(fabric.fib.tables.domains.count).toBe(MANY);
    nothingIsLeft(fabric);
  });

  it("of one MAC with ten thousand addresses that moves is linear in the addresses", () => {
    const fabric = new Fabric({ eventRing: 4 * MANY });
    const ip = (n: number): string => `10.1.${n >> 8}.${n & 255}`;
    const costs = [];
    for (let pe = 1; pe <= 3; pe++) {
      for (let n = 0; n < MANY; n++) at(fabric, pe, 1, pe, ip(n));
      costs.push(cost(fabric));
    }
    fabric.lose(1).lose(3);
    costs.push(cost(fabric));
    // Walks over the ring are allowed once a turn, and short ones for each address.
    for (const { steps: ring } of costs) expect(ring / MANY).toBeLessThan(80);
    expect(fabric.fib.view.mac(1)).toMatchObject({ pe: "10.0.0.2", moves: 3 });
    nothingIsLeft(fabric);
  });

  it("of one MAC with ten thousand routes that all differ, near the wrap, is linear in the routes", () => {
    const fabric = new Fabric({ eventRing: 4 * MANY });
    const route = (n: number): string =>
      macIp({ rd: "10.0.0.1:1", mac: mac(1), ip: `10.1.${n >> 8}.${n & 255}` });
    for (let n = 0; n < MANY; n++) {
      const attr = { nextHop: "10.0.0.1", targets: ["65000:1"], localPref: n };
      fabric.announce(1, route(n), { ...attr, sequence: 0xffffffff - (n & 1) });
    }
    const costs = [cost(fabric)];
    // The winner first, each time.
    for (let n = MANY - 1; n > 0; n--) fabric.withdraw(1, route(n));
    costs.push(cost(fabric));
    for (const { steps: ring } of costs) expect(ring / MANY).toBeLessThan(80);
    nothingIsLeft(fabric);
  });

  it("of ten thousand MACs that claim one address is linear in the MACs", () => {
    const fabric = new Fabric({ eventRing: 4 * MANY });
    for (let n = 0; n < MANY; n++) at(fabric, 1, n, 0, "10.1.0.1");
    const costs = [cost(fabric)];
    expect(fabric.fib.macs.bindings.count).toBe(1);
    // The winner first, each time.
    for (let n = 0; n < MANY - 1; n++) {
      fabric.withdraw(1, macIp({ rd: "10.0.0.1:1", mac: mac(n), ip: "10.1.0.1" }));
    }
    costs.push(cost(fabric));
    for (const { steps: ring } of costs) expect(ring / MANY).toBeLessThan(80);
    // Put off while the ring was long.
    expect(fabric.fib.macs.bindings.moves(1)).toBeLessThan(40);
    nothingIsLeft(fabric);
  });
});
