/** Lists by pages: every filter, bounded pages, and consistency while the table changes. */
import { describe, expect, it } from "vitest";
import { parseIp, parseMac } from "../../src/fast-bgp-codec/index.js";
import type { MacFilter } from "../../src/fib/index.js";
import { Fabric } from "./lib/fabric.js";
import { ethernetAd, ethernetSegment, imet, macIp, MAX_ET } from "./lib/route.js";

const ESI = "00112233445566778899";

function mac(n: number): string {
  return `02:00:00:00:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`;
}

class Lists extends Fabric {
  add(pe: number, n: number, vni = 100, ip?: string, esi?: string): this {
    const nlri = macIp({ rd: `10.0.0.${pe}:${vni}`, mac: mac(n), ip, esi, label: vni });
    return this.announce(pe, nlri, { nextHop: `10.0.0.${pe}`, targets: [`65000:${vni}`] });
  }

  segment(pe: number): this {
    const nlri = ethernetAd(`10.0.0.${pe}:0`, ESI, MAX_ET, 0);
    const attr = { nextHop: `10.0.0.${pe}`, targets: ["65000:100"] };
    this.announce(pe, nlri, { ...attr, esiLabel: { singleActive: false, label: 0 } });
    this.announce(pe, ethernetAd(`10.0.0.${pe}:100`, ESI, 0, 100), attr);
    return this.announce(pe, ethernetSegment(`10.0.0.${pe}:0`, ESI, `10.0.0.${pe}`), attr);
  }

  /** `mac domain pe` of all pages. */
  all(filter: MacFilter, most = 3): string[] {
    const out: string[] = [];
    for (let from = 0, pages = 0; ; pages++) {
      const { rows, next } = this.fib.pages.list(filter, from, most);
      out.push(...rows.map(({ mac: text, domain, pe }) => `${text} ${domain} ${pe}`));
      if (next === 0) return out.sort();
      if (pages > 10_000) throw new Error("pages do not end");
      from = next;
    }
  }
}

describe("MACs by filter", () => {
  const fabric = new Lists();
  for (let n = 0; n < 20; n++) fabric.add(1 + (n % 2), n, n < 10 ? 100 : 200);
  fabric.add(3, 3, 200).add(3, 300, 100, "10.1.0.1").add(3, 301, 200, "10.1.0.1");
  fabric.segment(1).segment(2).add(1, 400, 100, undefined, ESI).read();
  const domain = fabric.fib.pages.domains(0, 9).rows.find(({ name }) => name === "65000:200")!.id;

  it("gives all, three a page", () => {
    expect(fabric.all({})).toHaveLength(24);
    expect(new Set(fabric.all({})).size).toBe(24);
  });

  it("by MAC, in every domain", () => {
    expect(fabric.all({ mac: parseMac(mac(3))! })).toEqual([
      `${mac(3)} 65000:100 10.0.0.2`,
      `${mac(3)} 65000:200 10.0.0.3`,
    ]);
    expect(fabric.all({ mac: parseMac(mac(3))!, domain })).toHaveLength(1);
    expect(fabric.all({ mac: parseMac("04:00:00:00:00:00")! })).toEqual([]);
  });

  it("by mask: an OUI, or any bits", () => {
    const mask = parseMac("ff:ff:ff:00:00:00")!;
    expect(fabric.all({ mac: parseMac("02:00:00:77:77:77")!, mask })).toHaveLength(24);
    expect(fabric.all({ mac: parseMac("06:00:00:00:00:00")!, mask })).toEqual([]);
    const low = parseMac("00:00:00:00:ff:0f")!;
    expect(fabric.all({ mac: parseMac("00:00:00:00:00:03")!, mask: low })).toHaveLength(3);
  });

  it("by IP, VNI, VTEP, ESI and domain, together as well", () => {
    expect(fabric.all({ ip: parseIp("10.1.0.1")! })).toEqual([
      `${mac(300)} 65000:100 10.0.0.3`,
      `${mac(301)} 65000:200 10.0.0.3`,
    ]);
    expect(fabric.all({ vni: 200 })).toHaveLength(12);
    expect(fabric.all({ domain })).toHaveLength(12);
    expect(fabric.all({ pe: parseIp("10.0.0.3")! })).toHaveLength(3);
    expect(fabric.all({ pe: parseIp("10.0.0.3")!, vni: 100 })).toEqual([
      `${mac(300)} 65000:100 10.0.0.3`,
    ]);
    expect(fabric.all({ esi: Buffer.from(ESI, "hex") })).toEqual([
      `${mac(400)} 65000:100 10.0.0.1`,
    ]);
    // A PE that has the MAC by aliasing.
    expect(fabric.all({ pe: parseIp("10.0.0.2")!, vni: 100 })).toContain(
      `${mac(400)} 65000:100 10.0.0.1`,
    );
    expect(fabric.all({ pe: parseIp("10.0.0.9")! })).toEqual([]);
    expect(fabric.all({ esi: Buffer.alloc(10, 1) })).toEqual([]);
    expect(fabric.all({ domain: 999 })).toEqual([]);
  });
});

describe("pages while the table changes", () => {
  it("list what stays exactly once", () => {
    for (const filtered of [false, true]) {
      const fabric = new Lists();
      for (let n = 0; n < 300; n++) fabric.add(1, n);
      fabric.read();
      const filter = filtered ? { domain: 1 } : {};
      const seen: string[] = [];
      let from = 0;
      let fresh = 1000;
      let gone = 0;
      do {
        const { rows, next } = fabric.fib.pages.list(filter, from, 7);
        seen.push(...rows.map((row) => row.mac));
        from = next;
        // Odd ones go, others come and take their numbers.
        for (let i = 0; i < 3 && gone < 150; i++, gone++) {
          const n = ((gone * 67) % 150) * 2 + 1;
          fabric.withdraw(1, macIp({ rd: "10.0.0.1:100", mac: mac(n) }));
          fabric.add(2, fresh++);
        }
        fabric.read();
      } while (from !== 0);
      const stayed = Array.from({ length: 150 }, (_, n) => mac(2 * n));
      for (const one of stayed) expect(seen.filter((other) => other === one)).toHaveLength(1);
      expect(new Set(seen).size).toBe(seen.length);
    }
  });

  it("list what goes and comes back within one turn exactly once", () => {
    for (const filter of [{}, { domain: 1 }]) {
      const fabric = new Lists();
      for (let n = 0; n < 100; n++) fabric.add(1, n);
      fabric.read();
      const was = new Map(fabric.fib.pages.list({}, 0, 1000).rows.map((row) => [row.mac, row.id]));
      const seen: string[] = [];
      let from = 0;
      for (let turn = 0, pe = 1; turn === 0 || from !== 0; turn++, pe = 3 - pe) {
        const { rows, next } = fabric.fib.pages.list(filter, from, 7);
        seen.push(...rows.map((row) => row.mac));
        from = next;
        // All at once, so that freed numbers would be taken by others; some go and come twice.
        const macs = Array.from({ length: 100 }, (_, n) => (n * 37) % 100);
        for (const n of macs)
          fabric.withdraw(pe, macIp({ rd: `10.0.0.${pe}:100`, mac: mac(n), label: 100 }));
        for (const n of macs) fabric.add(3 - pe, n);
        fabric.read();
      }
      expect(seen.sort()).toEqual([...was.keys()].sort());
      const { rows } = fabric.fib.pages.list({}, 0, 1000);
      expect(new Map(rows.map((row) => [row.mac, row.id]))).toEqual(was);
      expect(fabric.fib.macs.entries.count).toBe(100);
      // And a number that is free is given out again.
      fabric.withdraw(1, macIp({ rd: "10.0.0.1:100", mac: mac(5), label: 100 }));
      fabric.withdraw(2, macIp({ rd: "10.0.0.2:100", mac: mac(5), label: 100 })).read();
      expect(fabric.fib.macs.entries.count).toBe(99);
      fabric.add(1, 500).read();
      expect(fabric.fib.macs.entries.limit).toBe(101);
    }
  });

  it("look at a bounded number of entries, even when none matches", () => {
    const fabric = new Lists();
    for (let n = 0; n < 30_000; n++) {
      const nlri = macIp({ rd: "10.0.0.1:1", mac: mac(n), label: n < 29_000 ? 100 : 200 });
      fabric.announce(1, nlri, { nextHop: "10.0.0.1", targets: ["65000:1"] });
    }
    fabric.read();
    const first = fabric.fib.pages.list({ vni: 200 }, 0, 10);
    expect(first.rows).toEqual([]);
    expect(first.next).toBe(20_001);
    expect(fabric.fib.pages.list({ vni: 200 }, first.next, 10).rows).toHaveLength(10);
  });
});

describe("segments and domains", () => {
  it("show PEs, mode, labels and forwarders", () => {
    const fabric = new Lists().segment(1).segment(2).add(1, 1, 100, undefined, ESI);
    fabric.announce(1, imet("10.0.0.1:100", 0, "10.0.0.1"), {
      nextHop: "10.0.0.1",
      targets: ["65000:100"],
      pmsiLabel: 100,
    });
    fabric.read();
    expect(fabric.fib.pages.domains(0, 10)).toMatchObject({
      rows: [{ name: "65000:100", macs: 1, inclusives: 1, vni: 100, service: "vlan-based" }],
      next: 0,
    });
    const [segment] = fabric.fib.pages.segments(0, 10).rows;
    expect(segment).toMatchObject({
      esi: "00:11:22:33:44:55:66:77:88:99",
      mode: "all-active",
      macs: 1,
      forwarders: [
        {
          domain: "65000:100",
          tag: 100,
          forwarder: "10.0.0.1",
          backup: "10.0.0.2",
          reason: "100 modulo 2 PEs is ordinal 0",
          disagree: false,
        },
      ],
      forwardersCut: false,
    });
    expect(segment?.places.map(({ pe, macs }) => `${pe} ${macs}`).sort()).toEqual([
      "10.0.0.1 1",
      "10.0.0.2 0",
    ]);
    expect(segment?.electors).toHaveLength(2);
  });

  it("tell what each PE would do when they disagree", () => {
    const fabric = new Lists().segment(1).segment(2);
    const attr = { nextHop: "10.0.0.2", targets: ["65000:100"] };
    fabric.announce(2, ethernetSegment("10.0.0.2:0", ESI, "10.0.0.2"), {
      ...attr,
      df: [{ alg: 2, bitmap: 0, pref: 500 }],
    });
    fabric.read();
    expect(fabric.fib.segments.segment(1)?.forwarders[0]).toMatchObject({
      forwarder: "10.0.0.1",
      algorithm: 0,
    });
    expect(fabric.fib.segments.segment(1)?.forwarders[0]?.views).toContainEqual(
      expect.objectContaining({ originator: "10.0.0.2", byOwnWord: "10.0.0.2" }),
    );
    // Twice the community counts as none (RFC 8584 section 2.2).
    const twice = { alg: 2, bitmap: 0, pref: 500 };
    fabric.announce(2, ethernetSegment("10.0.0.2:0", ESI, "10.0.0.2"), {
      ...attr,
      df: [twice, twice],
    });
    fabric.read();
    expect(fabric.fib.segments.segment(1)?.electors.every(({ algorithm }) => algorithm === 0)).toBe(
      true,
    );
  });
});

describe("pages of one MAC", () => {
  // Few domains, which are known by the MAC; and many, each of which is asked.
  it.each([5, 30])("in %i domains: each domain once, in their order", (count) => {
    const fabric = new Lists();
    for (let vni = 0; vni < count; vni++) fabric.add(1, 1, 500 + vni);
    fabric.read();
    for (const most of [1, 2, 7, 100]) {
      const rows = fabric.all({ mac: parseMac(mac(1))! }, most);
      expect(rows).toHaveLength(count);
      expect(new Set(rows).size).toBe(count);
    }
  });
});
