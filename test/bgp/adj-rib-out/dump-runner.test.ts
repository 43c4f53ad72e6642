/** Dumps of tables in which there is little to send: what is looked at must fit a batch as well. */
import { describe, expect, it, vi } from "vitest";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { hexOf } from "../../model/lib/hex.js";
import { attribute, EMPTY_PATH, mac, ORIGIN, Tables } from "../lib/tables.js";

/** More sets than a batch has groups, fewer than a dump looks at in one stretch. */
const SETS = 8_000;

/** The shortest set of its own: a batch that is not full by octets. */
const one = (mark: number): string => ORIGIN + EMPTY_PATH + attribute(4, 0x80, hexOf(mark, 4));

function tableOf(tables: Tables, source: number): void {
  for (let n = 1; n <= SETS; n++) tables.announce(source, mac(n), one(n));
}

describe("a dump over more attribute sets than a batch has room for", () => {
  const addPath = [{ family: Family.Evpn, limit: 4 }];

  it.each([
    ["the best path", {}],
    ["several paths", { families: 1 << Family.Evpn, addPath }],
  ])("sends a session with everything nothing, of those that take %s", (_kind, over) => {
    const tables = new Tables();
    const { slot, outlet } = tables.receiver(over);
    tableOf(tables, tables.source());
    tables.run();
    expect(tables.out.sentCount(slot, Family.Evpn)).toBe(SETS);
    outlet.buffers.length = 0;
    tables.out.sync(slot);
    tables.run();
    expect(tables.out.sentCount(slot, Family.Evpn)).toBe(SETS);
    expect(outlet.buffers).toEqual([]);
  });

  it("ends for the one whose routes they all are", () => {
    const tables = new Tables();
    const { slot, outlet } = tables.receiver();
    tableOf(tables, slot);
    tables.run();
    tables.out.refresh(slot, Family.Evpn);
    tables.run();
    expect(outlet.takeKeys()).toEqual([]);
    expect(tables.out.sentCount(slot, Family.Evpn)).toBe(0);
  });

  it("lets an audit look at them one after the other", () => {
    const tables = new Tables();
    const { slot } = tables.receiver();
    tableOf(tables, tables.source());
    tables.run();
    const mask = new Int32Array(tables.out.words);
    for (let n = 1; n <= SETS; n++) {
      tables.out.wanted(tables.find(mac(n)), mask, n === 1);
      expect(mask[0]! & (1 << slot)).not.toBe(0);
    }
  });
});

describe("a look at many paths for a session with ADD-PATH", () => {
  it("is cut into short stretches though it sends nothing", () => {
    const tables = new Tables();
    const addPath = [{ family: Family.Evpn, limit: 2 }];
    const { slot, outlet } = tables.receiver({ families: 1 << Family.Evpn, addPath });
    const sources = Array.from({ length: 16 }, () => tables.source());
    for (let n = 1; n <= 200; n++) {
      for (const source of sources) tables.announce(source, mac(n));
    }
    tables.run();
    outlet.buffers.length = 0;
    const rank = vi.spyOn(tables.table, "rank");
    tables.out.sync(slot);
    for (let more = true; more;) {
      rank.mockClear();
      more = tables.out.run(0);
      expect(rank.mock.calls.length).toBeLessThan(100);
    }
    expect(outlet.buffers).toEqual([]);
  });
});
