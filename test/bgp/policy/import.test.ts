/** Loops: own id in ORIGINATOR_ID or CLUSTER_LIST, own AS in any segment of AS_PATH. */
import { describe, expect, it } from "vitest";
import { findLoop, Refusal } from "../../../src/bgp/policy/import.js";
import { bytesOf, hexOf } from "../../model/lib/hex.js";
import { attribute, IDENTITY, PLAIN } from "../lib/tables.js";

const OWN_ID = hexOf(IDENTITY.routerId, 4);
const OWN_CLUSTER = hexOf(IDENTITY.clusterId, 4);
const OWN_AS = hexOf(IDENTITY.as, 4);
const OTHER = "0a000001";

function refusal(attributes: string, allowAsIn = 0): Refusal {
  // Somewhere in a buffer whose neighbours look like loops.
  const bytes = bytesOf(OWN_ID + attributes + attribute(9, 0x80, OWN_ID));
  return findLoop(bytes, 4, 4 + attributes.length / 2, IDENTITY, allowAsIn);
}

function path(...segments: readonly (readonly [type: number, ...as: string[]])[]): string {
  const value = segments.map(([type, ...as]) => hexOf(type, 1) + hexOf(as.length, 1) + as.join(""));
  return attribute(2, 0x40, value.join(""));
}

describe("a loop", () => {
  it("is none without one of ours", () => {
    expect(refusal("")).toBe(Refusal.None);
    expect(refusal(PLAIN)).toBe(Refusal.None);
    expect(refusal(attribute(9, 0x80, OTHER))).toBe(Refusal.None);
    expect(refusal(attribute(10, 0x80, OTHER.repeat(70)))).toBe(Refusal.None);
    expect(refusal(attribute(10, 0x80, OWN_ID))).toBe(Refusal.None);
    expect(refusal(attribute(9, 0x80, OWN_CLUSTER))).toBe(Refusal.None);
    // Codes behind CLUSTER_LIST are of no interest, whatever they hold.
    expect(refusal(attribute(200, 0xe0, OWN_ID + OWN_CLUSTER))).toBe(Refusal.None);
  });

  it("is our BGP identifier as originator", () => {
    expect(refusal(PLAIN + attribute(9, 0x80, OWN_ID))).toBe(Refusal.OwnOriginator);
  });

  it("is our cluster id anywhere in the list, however long", () => {
    for (const before of [0, 1, 62, 63, 64, 500]) {
      const list = OTHER.repeat(before) + OWN_CLUSTER + OTHER;
      expect(refusal(PLAIN + attribute(10, 0x80, list))).toBe(Refusal.OwnCluster);
    }
  });

  it("is our AS in a segment of any kind, more often than allowed", () => {
    expect(refusal(path([2, OTHER, OWN_AS]))).toBe(Refusal.AsLoop);
    expect(refusal(path([2, OTHER], [1, OTHER, OWN_AS]))).toBe(Refusal.AsLoop);
    expect(refusal(path([3, OWN_AS]))).toBe(Refusal.AsLoop);
    const twice = path([2, OWN_AS, OTHER], [2, OWN_AS]);
    expect([0, 1, 2, 3].map((allowed) => refusal(twice, allowed))).toEqual([
      Refusal.AsLoop,
      Refusal.AsLoop,
      Refusal.None,
      Refusal.None,
    ]);
    const long = path([2, ...Array<string>(255).fill(OTHER)], [2, OTHER, OWN_AS]);
    expect(refusal(long)).toBe(Refusal.AsLoop);
  });
});
