/** The ring of events: order, loss, and what an event keeps when all it was about is gone. */
import { describe, expect, it } from "vitest";
import { FibEventKind } from "../../src/fib/index.js";
import { Fabric } from "./lib/fabric.js";
import { ethernetAd, macIp, MAX_ET } from "./lib/route.js";

const V6_PE = "20010db8000000000000000000000001";

function mac(n: number): string {
  return `02:00:00:00:00:${n.toString(16).padStart(2, "0")}`;
}

describe("the events", () => {
  it("are read in batches, from a position of the reader's own", () => {
    const fabric = new Fabric();
    for (let n = 0; n < 5; n++) {
      fabric.announce(0, macIp({ rd: "10.0.0.1:1", mac: mac(n) }), {
        nextHop: "10.0.0.1",
        targets: ["65000:1"],
      });
    }
    fabric.read();
    const { events } = fabric.fib.tables;
    expect(events.read(0, 2).events.map(({ position }) => position)).toEqual([0, 1]);
    expect(events.read(2, 100).events.map((event) => event.mac)).toEqual([mac(2), mac(3), mac(4)]);
    expect(events.read(5, 100)).toEqual({ events: [], lost: 0 });
  });

  it("that fell out of the ring are lost, and counted", () => {
    const fabric = new Fabric({ eventRing: 4 });
    for (let n = 0; n < 10; n++) {
      fabric.announce(0, macIp({ rd: "10.0.0.1:1", mac: mac(n) }), {
        nextHop: "10.0.0.1",
        targets: ["65000:1"],
      });
    }
    fabric.read();
    const { events } = fabric.fib.tables;
    expect(events.oldest).toBe(6);
    const { events: rest, lost } = events.read(3, 100);
    expect(lost).toBe(3);
    expect(rest.map(({ position }) => position)).toEqual([6, 7, 8, 9]);
  });

  it("name things that are gone by the time they are read", () => {
    const fabric = new Fabric();
    const esi = "00112233445566778899";
    const attr = { nextHop: V6_PE, targets: ["65000:1"], sequence: 7 };
    fabric.announce(0, ethernetAd("10.0.0.1:0", esi, MAX_ET, 0), {
      ...attr,
      esiLabel: { singleActive: false, label: 0 },
    });
    const route = macIp({
      rd: "10.0.0.1:1",
      mac: mac(1),
      esi,
      tag: 20,
      ip: "10.1.0.1",
      label: 300,
    });
    fabric.announce(0, route, attr).read();
    fabric.lose(0);
    const events = fabric.news();
    expect(fabric.fib.tables.domains.count).toBe(0);
    expect(fabric.fib.tables.pes.count).toBe(0);
    const domain = { routeTarget: "65000:1", configured: undefined, tag: 20 };
    const about = { mac: mac(1), sequence: 7, esi: "00:11:22:33:44:55:66:77:88:99", label: 300 };
    expect(events).toMatchObject([
      { kind: FibEventKind.SegmentUp, to: "2001:db8::1", esi: about.esi, domain: undefined },
      { kind: FibEventKind.Learn, domain, ...about, to: "2001:db8::1", from: "", slot: 0 },
      { kind: FibEventKind.IpLearn, domain, ...about, ip: "10.1.0.1" },
      { kind: FibEventKind.IpWithdraw, domain, ...about, ip: "10.1.0.1", slot: -1 },
      { kind: FibEventKind.Withdraw, domain, ...about, from: "2001:db8::1", to: "" },
      { kind: FibEventKind.SegmentDown, from: "2001:db8::1", count: 0 },
    ]);
  });
});
