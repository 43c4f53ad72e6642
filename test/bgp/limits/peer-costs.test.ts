/** What a peer costs: many routes, or few with an attribute set each. */
import { describe, expect, it } from "vitest";
import type { PeerCost } from "../../../src/bgp/limits/memory-guard.js";
import { peerCosts } from "../../../src/bgp/limits/peer-costs.js";
import { mac, marked, Tables } from "../lib/tables.js";

function costsOf(tables: Tables, slots: readonly number[]): Map<string, PeerCost> {
  let found: readonly PeerCost[] = [];
  const job = peerCosts(tables.table, slots, (costs) => (found = costs));
  for (let steps = 0; !job.step(); steps++) if (steps > 100) throw new Error("it never ends");
  return new Map(found.map((cost) => [cost.address, cost]));
}

describe("costs of peers", () => {
  it("many different attribute sets count, however few the routes", () => {
    const tables = new Tables();
    const [many, large] = [tables.source(), tables.source()];
    for (let n = 0; n < 1000; n++) tables.announce(many, mac(n), marked(1));
    for (let n = 0; n < 100; n++) tables.announce(large, mac(5000 + n), marked(n + 2, 3000));
    const costs = costsOf(tables, [many, large]);
    const { address } = tables.sources;
    const [routes, sets] = [costs.get(address[many]!)!, costs.get(address[large]!)!];
    expect(routes.routes).toBe(1000);
    expect(sets.routes).toBe(100);
    expect(sets.octets).toBeGreaterThan(2 * routes.octets);
    expect(sets.octets).toBeGreaterThan(100 * 3000);
    expect(routes.octets).toBeGreaterThan(1000 * 100);
  });

  it("a set that all share is nobody's alone", () => {
    const tables = new Tables();
    const sources = Array.from({ length: 10 }, () => tables.source());
    for (const [n, slot] of sources.entries()) tables.announce(slot, mac(n), marked(1, 3000));
    for (const { octets } of costsOf(tables, sources).values()) expect(octets).toBeLessThan(600);
  });

  it("takes slices, and sees a table that changes under way", () => {
    const tables = new Tables();
    const slot = tables.source();
    for (let n = 0; n < 25_000; n++) tables.announce(slot, mac(n), marked(1));
    let found: readonly PeerCost[] = [];
    const job = peerCosts(tables.table, [slot], (costs) => (found = costs));
    expect(job.step()).toBe(false);
    for (let n = 0; n < 25_000; n++) tables.withdraw(slot, mac(n));
    while (!job.step());
    expect(found[0]!.routes).toBeLessThanOrEqual(25_000);
  });
});
