/** Aliasing, backup and mass withdraw, by the worked rules of RFC 7432 sections 8.2, 8.4, 9.2.2, 14.1. */
import { describe, expect, it } from "vitest";
import { FibEventKind, type DomainSettings } from "../../src/fib/index.js";
import { Fabric } from "./lib/fabric.js";
import { ethernetAd, macIp, MAX_ESI, MAX_ET } from "./lib/route.js";

const ESI = "00112233445566778899";
const MAC = "02:00:00:00:00:01";
const TARGETS = ["65000:100"];

class Segment extends Fabric {
  perEs(pe: number, singleActive = false, targets = TARGETS, part = 0): this {
    return this.announce(pe, ethernetAd(`10.0.0.${pe}:${part}`, ESI, MAX_ET, 0), {
      nextHop: `10.0.0.${pe}`,
      targets,
      esiLabel: { singleActive, label: 0 },
    });
  }

  perEvi(pe: number, label = 100): this {
    const nlri = ethernetAd(`10.0.0.${pe}:1`, ESI, 0, label);
    return this.announce(pe, nlri, { nextHop: `10.0.0.${pe}`, targets: TARGETS });
  }

  mac(pe: number, mac = MAC, esi = ESI, sequence?: number): this {
    const nlri = macIp({ rd: `10.0.0.${pe}:1`, mac, esi, label: 100 });
    return this.announce(pe, nlri, { nextHop: `10.0.0.${pe}`, targets: TARGETS, sequence });
  }

  gone(pe: number, what: "perEs" | "perEvi" | "mac", part = 0): this {
    const nlri = {
      perEs: ethernetAd(`10.0.0.${pe}:${part}`, ESI, MAX_ET, 0),
      perEvi: ethernetAd(`10.0.0.${pe}:1`, ESI, 0, 0),
      mac: macIp({ rd: `10.0.0.${pe}:1`, mac: MAC }),
    }[what];
    return this.withdraw(pe, nlri);
  }

  hops(entry = 1): string[] {
    this.read();
    const hops = this.fib.view.mac(entry)?.nextHops ?? [];
    return hops.map(({ address, label, role }) => `${address} ${label.value} ${role}`);
  }
}

describe("an all-active segment", () => {
  it("is used by its advertiser's per-ES route, and by nothing before it", () => {
    const fabric = new Segment().mac(1);
    expect(fabric.hops()).toEqual([]);
    expect(fabric.perEvi(1).hops()).toEqual([]);
    expect(fabric.perEs(1).hops()).toEqual(["10.0.0.1 100 advertised"]);
  });

  it("aliases every PE with both A-D routes, by its own label", () => {
    const fabric = new Segment().mac(1).perEs(1).perEvi(1).perEs(2);
    expect(fabric.hops()).toEqual(["10.0.0.1 100 advertised"]);
    fabric.perEvi(2, 222).perEvi(3);
    expect(fabric.hops()).toEqual(["10.0.0.1 100 advertised", "10.0.0.2 222 aliased"]);
    expect(fabric.perEs(3).hops()).toHaveLength(3);
  });

  it("keeps its MACs reachable through the others when the advertiser's per-ES route goes", () => {
    const fabric = new Segment().mac(1).perEs(1).perEvi(1).perEs(2).perEvi(2);
    expect(fabric.gone(1, "perEs").hops()).toEqual(["10.0.0.2 100 aliased"]);
    expect(fabric.gone(2, "perEs").hops()).toEqual([]);
  });

  it("is reached through a per-ES route with the domain's route target only", () => {
    const fabric = new Segment().mac(1).perEs(1, false, ["65000:7"], 0);
    expect(fabric.hops()).toEqual([]);
    expect(fabric.perEs(1, false, TARGETS, 1).hops()).toEqual(["10.0.0.1 100 advertised"]);
    expect(fabric.gone(1, "perEs", 1).hops()).toEqual([]);
  });

  it("gives way to another candidate while it is unusable, and takes over again, without a move", () => {
    const fabric = new Segment().mac(1, MAC, ESI, 5).perEs(1).mac(3, MAC, "00".repeat(10), 1);
    expect(fabric.hops()).toEqual(["10.0.0.1 100 advertised"]);
    fabric.news();
    fabric.gone(1, "perEs");
    expect(fabric.news().map(({ kind }) => kind)).toEqual([FibEventKind.SegmentDown]);
    expect(fabric.hops()).toEqual(["10.0.0.3 100 advertised"]);
    expect(fabric.fib.view.mac(1)).toMatchObject({ pe: "10.0.0.3", sequence: 1, moves: 0 });
    expect(fabric.perEs(1).hops()).toEqual(["10.0.0.1 100 advertised"]);
  });
});

describe("a single-active segment", () => {
  it("is one whose any per-ES route says so; one other PE is the backup", () => {
    const fabric = new Segment().mac(1).perEs(1).perEvi(1).perEs(2, true).perEvi(2);
    expect(fabric.hops()).toEqual(["10.0.0.1 100 advertised", "10.0.0.2 100 backup"]);
    expect(fabric.fib.segments.segment(1)?.mode).toBe("single-active");
  });

  it("has no backup among several", () => {
    const fabric = new Segment().mac(1);
    for (const pe of [1, 2, 3]) fabric.perEs(pe, true).perEvi(pe);
    expect(fabric.hops()).toEqual(["10.0.0.1 100 advertised"]);
    expect(fabric.gone(1, "perEs").hops()).toEqual([]);
    expect(fabric.gone(3, "perEvi").hops()).toEqual(["10.0.0.2 100 backup"]);
  });

  it("goes to the backup when the primary leaves", () => {
    const fabric = new Segment().mac(1).perEs(1, true).perEvi(1).perEs(2, true).perEvi(2);
    expect(fabric.gone(1, "perEs").hops()).toEqual(["10.0.0.2 100 backup"]);
  });
});

describe("mass withdraw", () => {
  it("is one event for all MACs of the segment, and what follows is one more", () => {
    const fabric = new Segment().perEs(1).perEvi(1).perEs(2).perEvi(2);
    const macs = Array.from({ length: 50 }, (_, n) => `02:00:00:00:01:${(n + 16).toString(16)}`);
    for (const mac of macs) fabric.mac(1, mac);
    fabric.news();
    fabric.gone(1, "perEs");
    expect(fabric.news()).toMatchObject([
      { kind: FibEventKind.SegmentDown, from: "10.0.0.1", count: 50, mac: "" },
    ]);
    expect(fabric.hops(7)).toEqual(["10.0.0.2 100 aliased"]);
    for (const mac of macs) fabric.withdraw(1, macIp({ rd: "10.0.0.1:1", mac }));
    expect(fabric.news()).toMatchObject([
      { kind: FibEventKind.SegmentDrained, from: "10.0.0.1", count: 50 },
    ]);
    expect(fabric.fib.macs.entries.count).toBe(0);
  });

  it("of a PE that comes back before all was gone says that some are", () => {
    const fabric = new Segment().perEs(1).perEvi(1);
    for (const mac of ["02:00:00:00:01:01", "02:00:00:00:01:02"]) fabric.mac(1, mac);
    fabric.read();
    fabric.gone(1, "perEs").read();
    fabric.withdraw(1, macIp({ rd: "10.0.0.1:1", mac: "02:00:00:00:01:01" }));
    fabric.news();
    fabric.perEs(1);
    expect(fabric.news()).toMatchObject([
      { kind: FibEventKind.SegmentDrained, from: "10.0.0.1", count: 1 },
      { kind: FibEventKind.SegmentUp, to: "10.0.0.1", count: 1 },
    ]);
  });

  it("tells each withdrawal of a PE that is still on the segment", () => {
    const fabric = new Segment().perEs(1).mac(1);
    fabric.news();
    fabric.gone(1, "mac");
    expect(fabric.news().map(({ kind }) => kind)).toEqual([FibEventKind.Withdraw]);
  });
});

describe("backbone MACs (RFC 7623)", () => {
  const PBB: DomainSettings = {
    name: "core",
    service: "pbb",
    routeTargets: TARGETS,
    ethernetTag: undefined,
    vni: undefined,
    duplicates: undefined,
  };

  it("are at every PE that advertises them, with MAX-ESI or in a domain of theirs; no move, no alarm", () => {
    for (const [settings, esi] of [
      [{}, MAX_ESI],
      [{ domains: [PBB] }, "00".repeat(10)],
    ] as const) {
      const fabric = new Segment(settings).mac(1, MAC, esi).mac(2, MAC, esi);
      expect(fabric.hops()).toEqual(["10.0.0.1 100 advertised", "10.0.0.2 100 advertised"]);
      fabric.news();
      for (let n = 1; n < 12; n++) fabric.mac((n % 2) + 1, MAC, esi, n).read();
      const told = fabric
        .news()
        .filter(({ kind }) => kind !== FibEventKind.Update)
        .map(({ kind, to, sequence }) => ({ kind, to, sequence }));
      expect(told).toHaveLength(11);
      expect(told[3]).toEqual({ kind: FibEventKind.Flush, to: "10.0.0.1", sequence: 4 });
      expect(fabric.fib.view.mac(1)).toMatchObject({ moves: 0, duplicate: undefined });
    }
  });

  it("ask for a flush by counting up, also past the end of the numbers, not by beginning anew", () => {
    const fabric = new Segment({ domains: [PBB] }).mac(1, MAC, "00".repeat(10), 7);
    const flushes = (sequence: number | undefined) => {
      fabric.read().news();
      fabric.mac(1, MAC, "00".repeat(10), sequence);
      return fabric.news().filter(({ kind }) => kind === FibEventKind.Flush).length;
    };
    expect([8, 3, undefined, 0xffffffff, 0, 1].map(flushes)).toEqual([1, 0, 0, 1, 1, 1]);
  });
});
