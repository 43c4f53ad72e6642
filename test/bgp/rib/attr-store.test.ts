/** Interning: equal sets one id, others another, whatever was freed in between; references. */
import { describe, expect, it } from "vitest";
import { AttrStore } from "../../../src/bgp/rib/attr-store.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { bytesOf, hexOf } from "../../model/lib/hex.js";
import { Random } from "../../model/lib/random.js";
import { attribute, marked, PLAIN } from "../lib/tables.js";

function intern(
  store: AttrStore,
  attributes: string,
  family: Family = Family.Evpn,
  nextHop = "0a000001",
): number {
  const bytes = bytesOf(`aa${nextHop}${attributes}bb`);
  return store.intern(family, nextHop.length / 2, bytes, 1, bytes.length - 1);
}

function text(store: AttrStore, from: number, to: number): string {
  return Buffer.from(store.bytes.slice(from, to)).toString("hex");
}

describe("the store", () => {
  it("gives equal sets one id, and others another: by family, next hop and its length too", () => {
    const store = new AttrStore();
    const one = intern(store, PLAIN);
    expect(intern(store, PLAIN)).toBe(one);
    expect(store.references(one)).toBe(2);
    const others = [
      intern(store, PLAIN, Family.Ipv4Unicast),
      intern(store, PLAIN, Family.Evpn, "0a000002"),
      intern(store, PLAIN.slice(8), Family.Evpn, `0a000001${PLAIN.slice(0, 8)}`),
      intern(store, "", Family.Evpn, ""),
      intern(store, "", Family.Evpn, "00"),
    ];
    expect(new Set([one, ...others]).size).toBe(6);
    expect(store.count).toBe(6);
    const [ipv4, , odd, empty] = others as [number, number, number, number];
    expect(store.family(ipv4)).toBe(Family.Ipv4Unicast);
    expect(store.nextHopLength(odd)).toBe(8);
    expect(text(store, store.nextHopStart(odd), store.attributesStart(odd))).toBe(
      `0a000001${PLAIN.slice(0, 8)}`,
    );
    expect(text(store, store.attributesStart(one), store.attributesEnd(one))).toBe(PLAIN);
    expect(store.attributesEnd(empty)).toBe(store.nextHopStart(empty));
    for (const id of [one, one, ...others]) store.release(id);
    expect([store.count, store.usedBytes]).toEqual([0, 0]);
  });

  it("keeps a set as long as anybody holds it", () => {
    const store = new AttrStore();
    const id = intern(store, marked(1));
    store.retain(id);
    store.release(id);
    expect(intern(store, marked(1))).toBe(id);
    store.release(id);
    store.release(id);
    expect(store.count).toBe(0);
    expect(intern(store, marked(1))).toBe(id);
    expect(store.references(id)).toBe(1);
  });

  it("is a map with counts, under random use, with sets of all sizes", () => {
    const random = new Random(4);
    const store = new AttrStore();
    const model = new Map<string, { id: number; references: number }>();
    const sets = Array.from({ length: 200 }, (_, n) =>
      marked(n, random.pick([0, 10, 200, 300, 4000])),
    );
    for (let step = 0; step < 20_000; step++) {
      const set = random.pick(sets);
      const known = model.get(set);
      if (known !== undefined && random.oneIn(2)) {
        store.release(known.id);
        if (--known.references === 0) model.delete(set);
        continue;
      }
      const id = intern(store, set);
      if (known !== undefined && known.id !== id) throw new Error(`step ${step}: two ids`);
      model.set(set, { id, references: (known?.references ?? 0) + 1 });
      if (step % 50 === 0) {
        expect(text(store, store.attributesStart(id), store.attributesEnd(id))).toBe(set);
      }
    }
    expect(store.count).toBe(model.size);
    const counted: number[] = [];
    store.forEach((id) => counted.push(id));
    expect(counted.sort()).toEqual([...model.values()].map(({ id }) => id).sort());
    for (const { id, references } of model.values()) expect(store.references(id)).toBe(references);
  });

  it("tells numbers as they are, unsigned", () => {
    const store = new AttrStore();
    const id = intern(
      store,
      [
        attribute(1, 0x40, "02"),
        attribute(2, 0x40, `0201${hexOf(4_294_967_295, 4)}`),
        attribute(4, 0x80, "ffffffff"),
        attribute(5, 0x40, "80000000"),
        attribute(9, 0x80, "fffffffe"),
        attribute(10, 0x80, "0000000100000002"),
        attribute(16, 0xc0, "06000000ffffffff"),
      ].join(""),
    );
    expect([
      store.origin(id),
      store.asPathLength(id),
      store.neighborAs(id),
      store.med(id),
      store.localPref(id),
      store.originatorId(id),
      store.clusterListLength(id),
      store.sequence(id),
    ]).toEqual([2, 1, 0xffffffff, 0xffffffff, 0x80000000, 0xfffffffe, 2, 0xffffffff]);
  });

  it("counts references to combinations of route targets by sets, not by routes", () => {
    const store = new AttrStore();
    const target = attribute(16, 0xc0, "0002fde800000064030c000000000008");
    const mark = attribute(200, 0xe0, "01");
    const [a, b] = [intern(store, PLAIN + target), intern(store, PLAIN + target + mark)];
    expect(store.targets(a)).toBe(store.targets(b));
    expect(store.targets(a)).not.toBe(0);
    expect(store.targets(intern(store, PLAIN))).toBe(0);
    expect(store.targetSets.targets(store.targets(a))).toEqual(["0002fde800000064"]);
    store.release(a);
    expect(store.targetSets.count).toBe(1);
    store.release(b);
    expect(store.targetSets.count).toBe(0);
    expect([...store.targetSets.having("0002fde800000064")]).toEqual([]);
  });
});
