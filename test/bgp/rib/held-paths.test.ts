/** Held paths, paths by id, both attribute sets of a path, and the log of path changes. */
import { describe, expect, it } from "vitest";
import { BestReason } from "../../../src/bgp/rib/best-path.js";
import { HoldReason } from "../../../src/bgp/rib/hold.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { NlriScan, scanNlri } from "../../../src/fast-bgp-codec/nlri-scan.js";
import { bytesOf } from "../../model/lib/hex.js";
import { key, mac, marked, Tables } from "../lib/tables.js";

const RT_DEFAULT = "00";

/** Announces with a set of its own after import policy; 0 holds. */
function announce(
  tables: Tables,
  slot: number,
  nlri: string,
  received: number,
  effective: number,
  hold: HoldReason = HoldReason.None,
): number {
  const scan = new NlriScan();
  const bytes = bytesOf(nlri);
  scanNlri(Family.Evpn, bytes, 0, bytes.length, false, scan);
  tables.table.announce(slot, Family.Evpn, bytes, scan, received, effective, hold);
  return tables.table.pathFrom(tables.find(nlri), slot);
}

describe("a held path", () => {
  it("is kept and counts nowhere, until it is let go", () => {
    const tables = new Tables();
    const { table, attrs } = tables;
    const from = tables.source();
    const { outlet } = tables.receiver();
    tables.run();
    outlet.take();
    const received = tables.intern(marked(1));
    const path = announce(tables, from, mac(1), received, 0, HoldReason.Quarantine);
    const dest = tables.find(mac(1));
    tables.run();
    expect([table.bestPath(dest), table.bestReason(dest)]).toEqual([0, BestReason.None]);
    expect([table.pathAttr(path), table.pathReceived(path)]).toEqual([0, received]);
    expect([table.pathHold(path), table.held, table.tombstones]).toEqual([
      HoldReason.Quarantine,
      1,
      0,
    ]);
    expect(outlet.takeKeys()).toEqual([]);
    table.reconsider(path, received);
    tables.run();
    expect([table.pathHold(path), table.held]).toEqual([HoldReason.None, 0]);
    expect(outlet.takeKeys()).toEqual([`+${key(mac(1))}`]);
    table.reconsider(path, 0, HoldReason.Policy);
    tables.run();
    expect(outlet.takeKeys()).toEqual([`-${key(mac(1))}`]);
    // The caller's reference and the table's.
    expect(attrs.references(received)).toBe(2);
    tables.withdraw(from, mac(1));
    tables.run();
    expect([attrs.references(received), table.tombstones, table.exists(dest)]).toEqual([
      1,
      0,
      false,
    ]);
    expect(outlet.takeKeys()).toEqual([]);
  });

  it("does not hide another one, and a route that becomes held is withdrawn", () => {
    const tables = new Tables();
    const [a, b] = [tables.source(), tables.source()];
    const { outlet } = tables.receiver();
    const [one, two] = [tables.intern(marked(1)), tables.intern(marked(2))];
    announce(tables, a, mac(1), one, one);
    announce(tables, b, mac(1), two, two);
    tables.run();
    outlet.take();
    const dest = tables.find(mac(1));
    const first = tables.table.bestPath(dest);
    expect(tables.table.pathSlot(first)).toBe(a);
    announce(tables, a, mac(1), one, 0, HoldReason.Limit);
    tables.run();
    expect(tables.table.pathSlot(tables.table.bestPath(dest))).toBe(b);
    expect(tables.table.bestReason(dest)).toBe(BestReason.OnlyPath);
    expect(outlet.takeKeys()).toEqual([`+${key(mac(1))}`]);
    announce(tables, b, mac(1), two, 0, HoldReason.Limit);
    tables.run();
    expect(outlet.takeKeys()).toEqual([`-${key(mac(1))}`]);
  });

  it("announced again unchanged changes nothing; another reason alone is no change either", () => {
    const tables = new Tables();
    const { table } = tables;
    const from = tables.source();
    const set = tables.intern(marked(1));
    const path = announce(tables, from, mac(1), set, 0, HoldReason.Policy);
    const { tail } = table.log;
    announce(tables, from, mac(1), set, 0, HoldReason.Limit);
    expect([table.log.tail, table.stats.duplicates]).toEqual([tail, 1]);
    expect(table.pathHold(path)).toBe(HoldReason.Limit);
    expect(tables.attrs.references(set)).toBe(2);
  });

  it("of a membership asks for nothing", () => {
    const tables = new Tables();
    const said: number[] = [];
    tables.table.onMembership = (_slot, _bytes, _start, change) => said.push(change);
    const from = tables.source();
    tables.announce(from, RT_DEFAULT, marked(1), Family.RouteTarget);
    const path = tables.table.firstPath(tables.find(RT_DEFAULT, Family.RouteTarget));
    const set = tables.table.pathReceived(path);
    tables.table.reconsider(path, 0, HoldReason.Policy);
    tables.table.reconsider(path, set);
    tables.table.reconsider(path, 0, HoldReason.Policy);
    tables.withdraw(from, RT_DEFAULT, Family.RouteTarget);
    expect(said).toEqual([1, -1, 1, -1]);
  });
});

describe("attribute sets", () => {
  it("as received and after policy have a reference each; only what is announced is logged", () => {
    const tables = new Tables();
    const { table, attrs } = tables;
    const from = tables.source();
    const [a, b, out] = [1, 2, 3].map((mark) => tables.intern(marked(mark))) as [
      number,
      number,
      number,
    ];
    const path = announce(tables, from, mac(1), a, out);
    expect([a, b, out].map((set) => attrs.references(set))).toEqual([2, 1, 2]);
    tables.run();
    const { tail } = table.log;
    // Policy strips what differs: nobody hears of it.
    announce(tables, from, mac(1), b, out);
    expect([table.log.tail, table.pathReceived(path)]).toEqual([tail, b]);
    expect([a, b, out].map((set) => attrs.references(set))).toEqual([1, 2, 2]);
    table.reconsider(path, b);
    expect(table.log.tail).toBe(tail + 1);
    expect([a, b, out].map((set) => attrs.references(set))).toEqual([1, 3, 1]);
    tables.withdraw(from, mac(1));
    expect([a, b, out].map((set) => attrs.references(set))).toEqual([1, 1, 1]);
  });
});

describe("paths of one source with ids", () => {
  it("stand side by side, tie by the lower id, go one by one", () => {
    const tables = new Tables();
    const { table } = tables;
    const from = tables.source();
    for (const id of [7, 0xfffffffe, 3]) {
      tables.announce(from, mac(1), marked(id & 0xff), Family.Evpn, undefined, id);
    }
    const dest = tables.find(mac(1));
    const best = (): number => table.pathId(table.bestPath(dest));
    expect([best(), table.bestReason(dest)]).toEqual([3, BestReason.PathId]);
    tables.withdraw(from, mac(1), Family.Evpn, 3);
    expect([best(), table.bestReason(dest)]).toEqual([7, BestReason.PathId]);
    tables.withdraw(from, mac(1));
    expect(table.stats.unknownWithdraws).toBe(1);
    tables.withdraw(from, mac(1), Family.Evpn, 7);
    expect([best(), table.bestReason(dest)]).toEqual([0xfffffffe, BestReason.OnlyPath]);
    // A record that is used again has no id left from before.
    tables.withdraw(from, mac(1), Family.Evpn, 0xfffffffe);
    tables.announce(from, mac(2), marked(1));
    expect(table.pathId(table.bestPath(tables.find(mac(2))))).toBe(0);
  });
});

describe("a tombstone", () => {
  for (const first of ["changes", "paths"] as const) {
    it(`waits for the readers of both logs (${first} first)`, () => {
      const tables = new Tables();
      const { table } = tables;
      const changes = table.watchPaths();
      const from = tables.source();
      tables.announce(from, mac(1));
      const dest = tables.find(mac(1));
      tables.withdraw(from, mac(1));
      expect(table.tombstones).toBe(1);
      if (first === "changes") table.releaseUpTo(table.log.tail);
      else table.releasePathsUpTo(changes.log.tail);
      expect([table.exists(dest), table.tombstones]).toEqual([true, 1]);
      if (first === "changes") table.releasePathsUpTo(changes.log.tail);
      else table.releaseUpTo(table.log.tail);
      expect([table.exists(dest), table.tombstones]).toEqual([false, 0]);
    });
  }
});
