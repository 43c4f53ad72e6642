/** Slots: small, given out again, and new for whoever gets them. */
import { describe, expect, it } from "vitest";
import { SourceKind, Sources } from "../../../src/bgp/rib/sources.js";
import { FAMILIES } from "../../../src/fast-bgp-codec/family.js";

function take(sources: Sources, address: string, routerId = 1): number {
  return sources.take(SourceKind.Client, routerId, address, `4${address}`, 65000);
}

describe("sources", () => {
  it("get the smallest numbers there are, those given back first", () => {
    const sources = new Sources();
    const slots = ["a", "b", "c"].map((address) => take(sources, address));
    expect(slots).toEqual([0, 1, 2]);
    sources.give(1);
    expect(take(sources, "d")).toBe(1);
    expect(take(sources, "e")).toBe(3);
    expect(sources.limit).toBe(4);
    expect(sources.address.slice(0, 4)).toEqual(["a", "d", "c", "e"]);
  });

  it("begin with nothing, in every family", () => {
    const sources = new Sources();
    const slot = take(sources, "a", -2);
    expect(sources.routerId[slot]).toBe(0xfffffffe);
    for (const { family } of FAMILIES) {
      const row = slot * FAMILIES.length + family;
      sources.firstPath[row] = 7;
      sources.refreshRound[row] = 9;
      sources.pathCounts[row] = 3;
      expect(sources.count(slot, family)).toBe(3);
    }
    sources.give(slot);
    expect(take(sources, "b")).toBe(slot);
    for (const { family } of FAMILIES) {
      const row = slot * FAMILIES.length + family;
      expect([
        sources.firstPath[row],
        sources.refreshRound[row],
        sources.count(slot, family),
      ]).toEqual([0, 0, 0]);
    }
  });
});
