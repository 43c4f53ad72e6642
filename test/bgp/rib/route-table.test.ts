/** Destinations and paths: a slow map beside the table, refresh rounds, ids given out again, positions that wrap. */
import { describe, expect, it } from "vitest";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { Random } from "../../model/lib/random.js";
import { key, mac, marked, PLAIN, Tables } from "../lib/tables.js";

const EVPN = Family.Evpn;

/** Keys that the source has in the table, sorted. */
function held(tables: Tables, slot: number, numbers: readonly number[]): number[] {
  return numbers.filter((n) => {
    const dest = tables.find(mac(n));
    return dest !== 0 && tables.table.pathFrom(dest, slot) !== 0;
  });
}

describe("refresh rounds", () => {
  for (const repeats of [1, 2, 254, 255, 256, 300, 509, 511, 600]) {
    it(`after ${repeats} times BoRR only what was announced after the last one stays`, () => {
      const tables = new Tables();
      const { table } = tables;
      const source = tables.source();
      const other = tables.source();
      const numbers = [1, 2, 3, 4, 5, 6];
      tables.announce(
        source,
        numbers.map((n) => mac(n)),
      );
      tables.announce(
        other,
        numbers.map((n) => mac(n)),
      );
      tables.announce(source, "200a000000", undefined, Family.Ipv4Unicast);
      for (let n = 1; n <= repeats; n++) {
        table.markStale(source, EVPN);
        // Between the rounds some are said again, the same or changed.
        if (n < repeats) tables.announce(source, mac(1 + (n % 2)), marked(n % 3));
      }
      tables.announce(source, mac(3));
      tables.announce(source, mac(4), marked(9));
      tables.announce(source, mac(7));
      table.removeFamilyOf(source, EVPN, true);
      expect(held(tables, source, [...numbers, 7])).toEqual([3, 4, 7]);
      expect(held(tables, other, numbers)).toEqual(numbers);
      expect(tables.sources.count(source, Family.Ipv4Unicast)).toBe(1);
      // And the next one marks those that stayed.
      table.markStale(source, EVPN);
      table.removeFamilyOf(source, EVPN, true);
      expect(tables.sources.count(source, EVPN)).toBe(0);
    });
  }
});

describe("a lost source", () => {
  it("loses its paths in slices, of all families, and nobody else's", () => {
    const tables = new Tables();
    const source = tables.source();
    const other = tables.source();
    for (const slot of [source, other]) {
      tables.announce(slot, [mac(1), mac(2), mac(3)]);
      tables.announce(slot, ["200a000001", "200a000002"], undefined, Family.Ipv4Unicast);
    }
    expect(tables.table.removePathsOf(source, 2)).toBe(3);
    expect(tables.table.removePathsOf(source, 2)).toBe(1);
    expect(tables.table.removePathsOf(source, 2)).toBe(0);
    expect(tables.table.pathCount).toBe(5);
    expect(held(tables, other, [1, 2, 3])).toEqual([1, 2, 3]);
  });
});

describe("VPN routes", () => {
  const VPN = Family.Ipv4Vpn;
  const RD = "0000fde800000064";

  it("are one destination whatever their labels, and two when RD or length differ", () => {
    const tables = new Tables();
    const { table } = tables;
    const [one, other] = [tables.source(), tables.source()];
    tables.announce(one, `70000641${RD}cb0071`, PLAIN, VPN);
    tables.announce(other, `88000640000651${RD}cb0071`, PLAIN, VPN);
    tables.announce(one, `6f000641${RD}cb0070`, PLAIN, VPN);
    tables.announce(one, `700006410000fde800000065cb0071`, PLAIN, VPN);
    expect([table.destinationCount, table.pathCount]).toEqual([3, 4]);
    const dest = tables.find(`70800000${RD}cb0071`, VPN);
    expect(table.routeType(dest)).toBe(24);
    const nlri = [one, other].map((slot) => {
      const path = table.pathFrom(dest, slot);
      const from = table.pathNlri(path);
      return hex(table.nlriBytes, from, from + table.pathNlriLength(path));
    });
    expect(nlri).toEqual([`70000641${RD}cb0071`, `88000640000651${RD}cb0071`]);
    // The first goes: the destination's octets may be the other's from now on.
    tables.withdraw(one, `70800000${RD}cb0071`, VPN);
    tables.announce(other, `a0000640000650000651${RD}cb0071`, PLAIN, VPN);
    expect(tables.find(`70000641${RD}cb0071`, VPN)).toBe(dest);
    tables.withdraw(other, `70000000${RD}cb0071`, VPN);
    expect([table.destinationCount, table.pathCount]).toEqual([2, 2]);
    expect(table.stats.unknownWithdraws).toBe(0);
  });
});

describe("the table beside a map", () => {
  it("holds what was announced and not withdrawn, whatever came between", () => {
    const random = new Random(11);
    const tables = new Tables();
    const { table, attrs, sources } = tables;
    const slots = [tables.source(), tables.source(), tables.source()];
    const model = new Map<string, { attributes: string; nlri: string }>();
    for (let step = 0; step < 20_000; step++) {
      const slot = random.pick(slots);
      const number = random.below(60);
      const place = `${slot}/${key(mac(number))}`;
      if (random.oneIn(3)) {
        tables.withdraw(slot, mac(number, random.below(3)));
        model.delete(place);
      } else {
        const attributes = marked(random.below(4));
        const nlri = mac(number, random.below(3));
        tables.announce(slot, nlri, attributes);
        model.set(place, { attributes, nlri });
      }
      if (random.oneIn(300)) {
        if (random.oneIn(2)) expect(table.removePathsOf(slot, 1000)).toBe(0);
        else table.removeFamilyOf(slot, EVPN, false);
        for (const one of model.keys()) if (one.startsWith(`${slot}/`)) model.delete(one);
      }
      expect(table.pathCount).toBe(model.size);
      if (random.oneIn(100)) {
        table.furthestReader = table.log.tail;
        table.releaseUpTo(table.log.tail);
        expect(table.tombstones).toBe(0);
      }
    }
    for (const [place, { attributes, nlri }] of model) {
      const dest = tables.find(nlri);
      const path = table.pathFrom(dest, Number(place.split("/")[0]));
      const from = table.pathNlri(path);
      expect(hex(table.nlriBytes, from, from + table.pathNlriLength(path))).toBe(nlri);
      const attr = table.pathAttr(path);
      expect(hex(attrs.bytes, attrs.attributesStart(attr), attrs.attributesEnd(attr))).toBe(
        attributes,
      );
    }
    for (const slot of slots) expect(table.removePathsOf(slot, 1000)).toBe(0);
    table.releaseUpTo(table.log.tail);
    expect([table.pathCount, table.destinationCount, table.tombstones, attrs.count]).toEqual([
      0, 0, 0, 0,
    ]);
    expect(attrs.usedBytes).toBe(0);
    expect(table.usedBytes).toBeLessThan(40_000);
    for (const slot of slots) expect(sources.count(slot, EVPN)).toBe(0);
  });
});

function hex(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.slice(from, to)).toString("hex");
}
