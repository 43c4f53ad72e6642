/** Any damaged word of a record is found, whichever it is, and the key stands in the alarm. */
import { beforeEach, describe, expect, it } from "vitest";
import * as words from "../../../src/bgp/rib/table-words.js";
import type { RecordPool } from "../../../src/util/record-pool.js";
import { evpnUpdate, Speaker, type Line } from "../lib/speaker.js";
import { attribute, mac, marked, PLAIN } from "../lib/tables.js";

/** The table's own records, which nobody else may touch. */
interface Records {
  readonly dests: RecordPool;
  readonly paths: RecordPool;
}

const TARGETED = PLAIN + attribute(16, 0xc0, "0002fde800000064");

let speaker: Speaker;
let first: Line;
let records: Records;

beforeEach(() => {
  speaker = new Speaker();
  first = speaker.up();
  const second = speaker.up();
  speaker.up();
  first.say(evpnUpdate([mac(1), mac(2), mac(3), mac(4)], TARGETED));
  second.say(evpnUpdate([mac(2), mac(3), mac(5)], marked(1)));
  speaker.run();
  records = speaker.reflector.table as unknown as Records;
  expect(speaker.reflector.audit()).toEqual([]);
});

/** The audit with the word another one. */
function findingsWith(pool: RecordPool, record: number, word: number, flip: number): string[] {
  const at = record * pool.width + word;
  const before = pool.words[at]!;
  pool.words[at] = before ^ flip;
  const findings = speaker.reflector.audit();
  pool.words[at] = before;
  return findings;
}

/** Free text of a route: when it changed. Where it stands in the log: the log's own affair. */
const PATH_UNCHECKED = new Set<number>([words.P_CHANGED]);
const DEST_UNCHECKED = new Set<number>([words.D_LOG]);
const FLIPS = [1, 2, 0x40, 0x8000, 0x10_0000, 0x4000_0000];

describe("a damaged word is found", () => {
  it("in a path, in each place, with the key of its destination, a neighbour or a source", () => {
    const { table } = speaker.reflector;
    for (let path = 1; path < table.pathLimit; path++) {
      for (let word = 0; word < words.PATH; word++) {
        if (PATH_UNCHECKED.has(word)) continue;
        const inNoList = table.attrs.targets(table.pathAttr(path)) === 0;
        if (inNoList && (word === words.P_TARGET_NEXT || word === words.P_TARGET_PREVIOUS))
          continue;
        for (const flip of FLIPS) {
          // The octets it shares with its destination anyway.
          if (word === words.P_NLRI && flip * 8 === table.pathNlri(path)) continue;
          const findings = findingsWith(records.paths, path, word, flip);
          expect(findings, `path ${path} word ${word} flip ${flip}`).not.toEqual([]);
          expect(findings.join("\n")).toMatch(/2:65000:1::0::00:00:00:00:00:0\d|0x|slot \d/);
        }
      }
    }
  });

  it("in a destination, in each place", () => {
    const { table } = speaker.reflector;
    for (let dest = 1; dest < table.destinationLimit; dest++) {
      for (let word = words.D_NLRI; word < words.DEST; word++) {
        if (DEST_UNCHECKED.has(word)) continue;
        for (const flip of FLIPS) {
          const findings = findingsWith(records.dests, dest, word, flip);
          expect(findings, `destination ${dest} word ${word} flip ${flip}`).not.toEqual([]);
        }
      }
    }
  });

  it("in the octets of an NLRI, and of an attribute set", () => {
    const { table, attrs } = speaker.reflector;
    const nlri = table.destNlri(1) + 25;
    table.nlriBytes[nlri]! ^= 4;
    expect(speaker.reflector.audit()).not.toEqual([]);
    table.nlriBytes[nlri]! ^= 4;
    attrs.bytes[attrs.attributesStart(1) + 3]! ^= 1;
    expect(speaker.reflector.audit()).toEqual(["attribute set 1 is not what was interned"]);
  });

  it("and all is well again without it", () => {
    expect(speaker.reflector.audit()).toEqual([]);
    first.down();
    speaker.run();
    expect(speaker.reflector.audit()).toEqual([]);
  });
});
