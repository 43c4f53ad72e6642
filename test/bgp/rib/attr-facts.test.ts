/** What best path and reflection read of a set, attribute by attribute. */
import { describe, expect, it } from "vitest";
import { AttrFacts, AttrFlag, readAttrFacts } from "../../../src/bgp/rib/attr-facts.js";
import { bytesOf, hexOf } from "../../model/lib/hex.js";
import { attribute, PLAIN } from "../lib/tables.js";

const out = new AttrFacts();

function facts(attributes: string): AttrFacts {
  const bytes = bytesOf(`ffff${attributes}ffff`);
  readAttrFacts(bytes, 2, bytes.length - 2, out);
  return { ...out };
}

const NOTHING: AttrFacts = { ...new AttrFacts() };

function path(...segments: readonly (readonly [type: number, ...as: number[]])[]): string {
  const value = segments.map(
    ([type, ...as]) =>
      hexOf(type, 1) + hexOf(as.length, 1) + as.map((one) => hexOf(one, 4)).join(""),
  );
  return attribute(2, 0x40, value.join(""));
}

const AS = Array.from({ length: 255 }, (_, i) => i + 1);

const ROWS: readonly (readonly [string, string, Partial<AttrFacts>])[] = [
  ["nothing", "", {}],
  ["a plain set", PLAIN, { flags: AttrFlag.LocalPref }],
  ["ORIGIN", attribute(1, 0x40, "02"), { origin: 2 }],
  ["an empty AS_PATH", path(), {}],
  ["a sequence", path([2, 7, 8]), { asPathLength: 2, neighborAs: 7 }],
  ["an AS_SET, which counts one", path([1, 7, 8, 9]), { asPathLength: 1 }],
  ["both", path([2, 7, 8], [1, 9, 10]), { asPathLength: 3, neighborAs: 7 }],
  [
    "confederation segments, which count nothing",
    path([3, 7], [4, 8], [2, 9]),
    { asPathLength: 1 },
  ],
  ["many segments", path([2, ...AS], [2, ...AS], [2, 9]), { asPathLength: 511, neighborAs: 1 }],
  ["a large neighbour", path([2, 4_200_000_001]), { asPathLength: 1, neighborAs: 4_200_000_001 }],
  ["MED", attribute(4, 0x80, "ffffffff"), { med: 0xffffffff }],
  [
    "LOCAL_PREF",
    attribute(5, 0x40, "fffffffe"),
    { localPref: 0xfffffffe, flags: AttrFlag.LocalPref },
  ],
  ["NO_EXPORT", attribute(8, 0xc0, "fde80001ffffff01"), { flags: AttrFlag.NoExport }],
  ["NO_ADVERTISE", attribute(8, 0xc0, "ffffff02"), { flags: AttrFlag.NoAdvertise }],
  ["NO_EXPORT_SUBCONFED", attribute(8, 0xc0, "ffffff03"), { flags: AttrFlag.NoExportSubconfed }],
  [
    "LLGR_STALE at the end of a long list",
    attribute(8, 0xc0, "fde80001".repeat(100) + "ffff0006"),
    { flags: AttrFlag.LlgrStale },
  ],
  ["NO_LLGR, which is not the same", attribute(8, 0xc0, "ffff0007"), {}],
  ["ORIGINATOR_ID", attribute(9, 0x80, "fe000001"), { originatorId: 0xfe000001 }],
  ["CLUSTER_LIST", attribute(10, 0x80, "00000001".repeat(70)), { clusterListLength: 70 }],
  [
    "MAC mobility",
    attribute(16, 0xc0, "0002fde8000000640600000080000001"),
    { sequence: 0x80000001, flags: AttrFlag.Mobility },
  ],
  [
    "a sticky MAC",
    attribute(16, 0xc0, "0600010000000000"),
    { flags: AttrFlag.Mobility | AttrFlag.Sticky },
  ],
  [
    "the first of two mobilities",
    attribute(16, 0xc0, "06000000000000050600010000000009"),
    { sequence: 5, flags: AttrFlag.Mobility },
  ],
  ["communities of other kinds", attribute(16, 0xc0, "0601000000000001030c000000000008"), {}],
  ["unknown attributes", attribute(200, 0xe0, "ffffff02".repeat(100)), {}],
];

describe("the facts", () => {
  for (const [name, attributes, expected] of ROWS) {
    it(`of ${name}`, () => {
      // What was read before must not show through.
      facts(
        path([2, 1]) + attribute(4, 0x80, "00000001") + attribute(16, 0xc0, "0600010000000009"),
      );
      expect(facts(attributes)).toEqual({ ...NOTHING, ...expected });
    });
  }
});
