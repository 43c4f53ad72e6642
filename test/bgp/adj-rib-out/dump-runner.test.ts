/** Dumps of tables in which there is little to send: what is looked at must fit a batch as well. */
import { describe, expect, it, vi } from "vitest";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { hexOf } from "../../model/lib/hex.js";
import { attribute, EMPTY_PATH, key, mac, ORIGIN, Tables } from "../lib/tables.js";
import { takePaths } from "./lib.js";

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

describe("a session that is held in the middle of a bracketed refresh", () => {
  it.each([0, 1, 2, 3, 4])(
    "and released after %d steps gets every route between BoRR and EoRR, and End-of-RIB",
    (steps) => {
      const tables = new Tables();
      const { slot, outlet } = tables.receiver({ enhancedRefresh: true });
      const source = tables.source();
      for (let n = 1; n <= 3; n++) tables.announce(source, mac(n));
      tables.run();
      outlet.buffers.length = 0;
      tables.out.refresh(slot, Family.Evpn);
      const words: string[] = [];
      for (let step = 0; step < 20 && words.length === 0; step++) {
        tables.out.run(0);
        words.push(...takePaths(outlet, 0));
      }
      expect(words).toEqual([`refresh ${Family.Evpn} 1`]);
      tables.out.hold(slot);
      if (steps > 0) tables.out.withdrawHeld(slot);
      for (let step = 0; step < steps; step++) tables.out.run(0);
      tables.out.releaseTrust(slot);
      tables.run();
      const rest = takePaths(outlet, 0);
      expect(tables.out.hasEndOfRib(slot, Family.Evpn)).toBe(true);
      expect(rest.at(-1)).toBe(`end ${Family.Evpn}`);
      expect(rest.filter((one) => one === `refresh ${Family.Evpn} 2`).length).toBe(1);
      // What is stale goes with EoRR: whatever the session is to have came behind BoRR, or comes yet.
      const view = new Set([1, 2, 3].map((n) => key(mac(n))));
      let stale = new Set(view);
      for (const word of rest) {
        const name = word.slice(1).replace(/#.*$/, "");
        if (word.startsWith("+")) {
          view.add(name);
          stale.delete(name);
        } else if (word.startsWith("-")) view.delete(name);
        else if (word.startsWith("refresh")) {
          for (const one of stale) view.delete(one);
          stale = new Set();
        }
      }
      expect(view.size).toBe(3);
    },
  );
});
