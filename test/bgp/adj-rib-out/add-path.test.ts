/** ADD-PATH in sending (RFC 7911), case by case. */
import { describe, expect, it } from "vitest";
import type { AddPathLimit } from "../../../src/bgp/adj-rib-out/receiver.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { hexOf } from "../../model/lib/hex.js";
import { attribute, EMPTY_PATH, key, mac, ORIGIN, Tables, type FakeOutlet } from "../lib/tables.js";
import { takePaths } from "./lib.js";

const EVPN = 1 << Family.Evpn;

function preferring(preference: number, mark: number): string {
  return (
    ORIGIN +
    EMPTY_PATH +
    attribute(5, 0x40, hexOf(preference, 4)) +
    attribute(200, 0xe0, hexOf(mark, 4))
  );
}

function several(tables: Tables, limit: number): ReturnType<Tables["receiver"]> {
  const addPath: AddPathLimit[] = [{ family: Family.Evpn, limit }];
  return tables.receiver({ families: EVPN, addPath });
}

const take = (outlet: FakeOutlet): string[] => takePaths(outlet, EVPN);
const added = (id: number, mark: number): string => `+${key(mac(1))}#${id}=${hexOf(mark, 4)}`;
const gone = (id: number): string => `-${key(mac(1))}#${id}`;

describe("a session with ADD-PATH", () => {
  it("is sent the best paths, and of a change only what changed", () => {
    const tables = new Tables();
    const { outlet } = several(tables, 2);
    const [a, b, c] = [tables.source(), tables.source(), tables.source()];
    tables.run();
    expect(take(outlet)).toEqual([`end ${Family.Evpn}`]);
    tables.announce(a, mac(1), preferring(300, 1));
    tables.announce(b, mac(1), preferring(200, 2));
    tables.run();
    expect(take(outlet).sort()).toEqual([added(1, 1), added(2, 2)]);
    // The worst of three is not offered; the best changes alone.
    tables.announce(c, mac(1), preferring(100, 3));
    tables.announce(a, mac(1), preferring(300, 4));
    tables.run();
    expect(take(outlet)).toEqual([added(1, 4)]);
    // What takes the place of a path that goes comes with a number of its own; the other stays.
    tables.withdraw(a, mac(1));
    tables.run();
    const words = take(outlet);
    expect(words.sort()).toEqual([added(3, 3), gone(1)].sort());
    // The same again: nothing.
    tables.announce(b, mac(1), preferring(200, 2));
    tables.run();
    expect(take(outlet)).toEqual([]);
    tables.withdraw(b, mac(1));
    tables.withdraw(c, mac(1));
    tables.run();
    expect(take(outlet).sort()).toEqual([gone(2), gone(3)]);
    expect(tables.table.tombstones).toBe(0);
  });

  it("is sent the difference when its limit changes", () => {
    const tables = new Tables();
    const { options, outlet } = several(tables, 2);
    for (const mark of [1, 2, 3]) {
      tables.announce(tables.source(), mac(1), preferring(400 - mark, mark));
    }
    tables.run();
    expect(take(outlet).sort()).toEqual([added(1, 1), added(2, 2), `end ${Family.Evpn}`]);
    const limitTo = (limit: number): string[] => {
      const addPath: AddPathLimit[] = [{ family: Family.Evpn, limit }];
      tables.out.reconfigure({ ...options, addPath }, false);
      tables.run();
      return take(outlet).sort();
    };
    expect(limitTo(3)).toEqual([added(3, 3)]);
    expect(limitTo(1)).toEqual([gone(2), gone(3)]);
    expect(limitTo(1)).toEqual([]);
    expect(limitTo(32)).toEqual([added(2, 2), added(3, 3)]);
  });

  it("gets everything once more on a refresh, in brackets, under the same path ids", () => {
    const tables = new Tables();
    const { slot, outlet } = several(tables, 8);
    const sources = [tables.source(), tables.source()];
    sources.forEach((from, n) => tables.announce(from, mac(1), preferring(100 + n, n)));
    tables.run();
    const before = take(outlet).filter((word) => word.startsWith("+"));
    tables.out.refresh(slot, Family.Evpn);
    tables.run();
    const again = take(outlet);
    expect(again[0]).toBe(`refresh ${Family.Evpn} 1`);
    expect(again.at(-1)).toBe(`refresh ${Family.Evpn} 2`);
    expect(again.slice(1, -1).sort()).toEqual(before.sort());
  });

  it("is never sent its own paths, and no more than 32 of any number", () => {
    const tables = new Tables();
    const { slot, outlet } = several(tables, 32);
    const sources = Array.from({ length: 40 }, () => tables.source());
    sources.forEach((from, n) => tables.announce(from, mac(1), preferring(1000 - n, n + 1)));
    tables.announce(slot, mac(1), preferring(5000, 99));
    tables.run();
    // Its own is among the 32 that are offered at all.
    expect(tables.out.sentCount(slot, Family.Evpn)).toBe(31);
    const marks = take(outlet).flatMap((word) => (word.startsWith("+") ? word.split("=")[1]! : []));
    expect(marks.sort()).toEqual(Array.from({ length: 31 }, (_, n) => hexOf(n + 1, 4)));
    tables.withdraw(slot, mac(1));
    tables.withdraw(sources[0]!, mac(1));
    tables.run();
    expect(tables.out.sentCount(slot, Family.Evpn)).toBe(32);
    // One replaces, by its number, what went.
    expect(take(outlet).map((word) => word[0])).toEqual(["+", "+"]);
    expect(tables.out.addPathFaults(tables.find(mac(1)))).toEqual([]);
  });

  it("that sleeps holds nobody up, and gets the last state when it wakes", () => {
    const tables = new Tables();
    const sleeper = several(tables, 4);
    const other = several(tables, 4);
    const from = tables.source();
    tables.run();
    take(sleeper.outlet);
    sleeper.outlet.pendingBytes = 1 << 20;
    for (let n = 1; n <= 5; n++) {
      tables.announce(from, mac(1), preferring(100, n));
      tables.run();
    }
    expect(take(other.outlet)).toContain(added(1, 5));
    expect(take(sleeper.outlet)).toEqual([]);
    expect(tables.out.backlog(sleeper.slot)).toBeGreaterThan(0);
    sleeper.outlet.pendingBytes = 0;
    tables.run();
    expect(take(sleeper.outlet)).toEqual([added(1, 5)]);
    expect(tables.out.backlog(sleeper.slot)).toBe(0);
  });

  it("that goes leaves nothing behind, and the next one begins anew", () => {
    const tables = new Tables();
    const from = tables.source();
    const first = several(tables, 4);
    tables.announce(from, mac(1), preferring(100, 1));
    tables.run();
    tables.out.remove(first.slot);
    tables.run();
    // Nobody takes several paths: the log of path changes is not written.
    const changes = tables.table.pathChanges!;
    const { tail } = changes.log;
    tables.announce(from, mac(1), preferring(100, 2));
    tables.run();
    expect([changes.log.tail, changes.log.head]).toEqual([tail, tail]);
    const second = several(tables, 4);
    tables.run();
    expect(take(second.outlet)).toContain(added(1, 2));
  });

  it("may take one family so and another with the best path alone", () => {
    const tables = new Tables();
    const { slot, outlet } = tables.receiver({
      families: EVPN | (1 << Family.Ipv4Unicast),
      addPath: [{ family: Family.Evpn, limit: 8 }],
    });
    const sources = [tables.source(), tables.source()];
    for (const [n, from] of sources.entries()) {
      tables.announce(from, mac(1), preferring(100, n));
      tables.announce(from, "180a0900", preferring(100, n), Family.Ipv4Unicast);
    }
    tables.run();
    const words = take(outlet);
    expect(words.filter((word) => word.startsWith("+"))).toHaveLength(3);
    expect(words.filter((word) => word.startsWith("end")).sort()).toEqual(
      [`end ${Family.Evpn}`, `end ${Family.Ipv4Unicast}`].sort(),
    );
    expect(tables.out.hasEndOfRib(slot, Family.Evpn)).toBe(true);
    expect(tables.out.hasEndOfRib(slot, Family.Ipv4Unicast)).toBe(true);
    const dest = tables.find(mac(1));
    expect(
      tables.out.pathsSent(slot, dest).map((path) => tables.out.sentPathId(slot, path)),
    ).toEqual([1, 2]);
  });

  it("gets large tables in many messages, none of them too long", () => {
    const tables = new Tables();
    const { outlet } = several(tables, 3);
    for (let s = 0; s < 3; s++) {
      const from = tables.source();
      const all = Array.from({ length: 3000 }, (_, n) => mac(n));
      tables.announce(from, all, preferring(100, s));
    }
    tables.run();
    const words = take(outlet).filter((word) => word.startsWith("+"));
    expect(new Set(words.map((word) => word.split("=")[0])).size).toBe(9000);
  });
});
