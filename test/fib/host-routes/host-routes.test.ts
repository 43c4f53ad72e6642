/** Host routes: what is announced of which address, and that it follows the MAC. */
import { describe, expect, it } from "vitest";
import type { FibSettings } from "../../../src/fib/settings.js";
import { ethernetAd, macIp, MAX_ET, type AttrSpec, type MacRoute } from "../lib/route.js";
import { domain, Rig, TYPE_5, UNICAST } from "./rig.js";

const MAC = "52:54:00:00:00:01";
const OTHER = "52:54:00:00:00:02";
const ESI = "00112233445566778899";
const PES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

const RED = { domains: [domain("red", 100, UNICAST)] };

function rig(settings: Partial<FibSettings> = RED): Rig {
  return new Rig(settings);
}

/** PE `n` has the route. */
function at(one: Rig, n: number, route: Partial<MacRoute> = {}, attr: Partial<AttrSpec> = {}): Rig {
  const nlri = macIp({ rd: `${PES[n]}:1`, mac: MAC, ...route });
  one.fabric.announce(n, nlri, { nextHop: PES[n]!, targets: ["65000:100"], ...attr });
  return one;
}

function gone(one: Rig, n: number, route: Partial<MacRoute> = {}): Rig {
  one.fabric.withdraw(n, macIp({ rd: `${PES[n]}:1`, mac: MAC, ...route }));
  return one;
}

const IP = { ip: "10.1.0.1" };

describe("a host route", () => {
  it("is there as long as the MAC has the address, and not for a MAC without", () => {
    const one = at(at(rig(), 0), 0, IP).rest();
    expect(one.lines()).toEqual(["10.1.0.1/32 via 10.0.0.1"]);
    expect(one.announced()[0]).toMatchObject({ family: "ipv4-unicast", extended: [] });
    expect(gone(one, 0, IP).rest().lines()).toEqual([]);
  });

  it("is of the domains that ask for it, only", () => {
    const one = rig({ domains: [domain("red", 100, UNICAST), domain("blue", 200, undefined)] });
    at(one, 0, { ...IP, rd: "10.0.0.1:2" }, { targets: ["65000:200"] });
    at(one, 0, { ...IP, rd: "10.0.0.1:3" }, { targets: ["65000:300"] });
    expect(one.rest().lines()).toEqual([]);
    expect(one.sink.slot).toBe(-1);
  });

  it("follows the MAC and its sequence, though only the route without IP has moved yet", () => {
    const one = at(at(rig(), 0), 0, IP).rest();
    at(one, 1, {}, { sequence: 1 }).turn();
    expect(one.lines()).toEqual(["10.1.0.1/32 via 10.0.0.2"]);
    expect(one.announced()[0]?.extended).toEqual(["mac-mobility:sticky=0:seq=1"]);
    at(one, 1, IP, { sequence: 1 });
    gone(gone(one, 0), 0, IP).turn();
    expect(one.lines()).toEqual(["10.1.0.1/32 via 10.0.0.2"]);
  });

  it("changes in place: one destination, never withdrawn on a move", () => {
    const one = at(rig(), 0, IP).rest();
    const { table } = one.fabric;
    const before = table.destinationCount;
    gone(at(one, 1, IP, { sequence: 7 }), 0, IP).turn();
    expect(table.destinationCount).toBe(before);
    expect(one.lines()).toEqual(["10.1.0.1/32 via 10.0.0.2"]);
  });

  it("goes with the address to another MAC", () => {
    const one = at(rig(), 0, IP).rest();
    at(one, 1, { ...IP, mac: OTHER }, { sequence: 5 }).turn();
    expect(one.lines()).toEqual(["10.1.0.1/32 via 10.0.0.2"]);
  });

  it("of a type 5 has the VRF's RD, targets and VNI, and the router's MAC of the PE", () => {
    const one = rig({ domains: [domain("red", 100, TYPE_5)] });
    at(one, 0, { ...IP, label2: 5000 }, { routerMac: "02:00:00:00:00:0a", sequence: 3 });
    at(one, 0, { ip: "20010db8000000000000000000000005" });
    const [four, six] = one.rest().announced();
    expect(four).toEqual({
      family: "l2vpn-evpn",
      prefix: "10.1.0.1/32",
      nextHop: "10.0.0.1",
      pathId: 0,
      extended: [
        "rt:65000:5000",
        "encapsulation:8",
        "mac-mobility:sticky=0:seq=3",
        "router-mac:02:00:00:00:00:0a",
      ],
    });
    expect(six).toMatchObject({ prefix: "2001:db8::5/128", nextHop: "10.0.0.1" });
  });

  it("leads where the settings say, with their router's MAC", () => {
    const central = { ...TYPE_5, nextHop: "10.0.0.99", routerMac: "02:00:00:00:00:63" };
    const one = rig({ domains: [domain("red", 100, central)] });
    at(one, 0, IP, { routerMac: "02:00:00:00:00:0a" });
    const [route] = one.rest().announced();
    expect(route?.nextHop).toBe("10.0.0.99");
    expect(route?.extended).toContain("router-mac:02:00:00:00:00:63");
  });

  it("of IPv6 has a next hop of IPv6, mapped where the PE has IPv4; IPv4 keeps a PE's IPv6", () => {
    const one = at(rig(), 0, { ip: "20010db8000000000000000000000005" });
    const v6 = "20010db80000000000000000000000aa";
    at(one, 1, { ip: "20010db8000000000000000000000006", mac: OTHER }, { nextHop: v6 });
    at(one, 1, { ...IP, mac: OTHER }, { nextHop: v6 });
    expect(one.rest().lines()).toEqual([
      "10.1.0.1/32 via 2001:db8::aa",
      "2001:db8::5/128 via ::ffff:10.0.0.1",
      "2001:db8::6/128 via 2001:db8::aa",
    ]);
  });

  it.each([
    ["a default gateway's", "10.1.0.254", { gateway: true }],
    ["link-local, IPv4", "169.254.1.1", {}],
    ["loopback", "127.0.0.1", {}],
    ["multicast", "224.0.0.5", {}],
    ["link-local, IPv6", "fe800000000000000000000000000001", {}],
    ["the IPv6 loopback", "00000000000000000000000000000001", {}],
  ])("is not made of an address that is %s", (_, ip, attr) => {
    expect(at(rig(), 0, { ip }, attr).rest().lines()).toEqual([]);
  });
});

describe("on a segment, a host route", () => {
  function dual(singleActive: boolean): Rig {
    const one = at(rig(), 0, { ...IP, esi: ESI });
    for (const n of [0, 1]) {
      const spec = { nextHop: PES[n]!, targets: ["65000:100"] };
      const label = { singleActive, label: 0 };
      one.fabric
        .announce(n, ethernetAd(`${PES[n]}:9`, ESI, MAX_ET, 0), { ...spec, esiLabel: label })
        .announce(n, ethernetAd(`${PES[n]}:1`, ESI, 0, 100), spec);
    }
    return one.rest();
  }

  it.each([false, true])("moves to the other PE when the first leaves (single-active %s)", (s) => {
    const one = dual(s);
    expect(one.lines()).toEqual(["10.1.0.1/32 via 10.0.0.1"]);
    one.fabric.withdraw(0, ethernetAd("10.0.0.1:9", ESI, MAX_ET, 0));
    one.rest();
    expect(one.lines()).toEqual(["10.1.0.1/32 via 10.0.0.2"]);
    one.fabric.withdraw(1, ethernetAd("10.0.0.2:1", ESI, 0, 100));
    expect(one.rest().lines()).toEqual([]);
    const spec = { nextHop: PES[1]!, targets: ["65000:100"] };
    one.fabric.announce(1, ethernetAd("10.0.0.2:1", ESI, 0, 100), spec);
    expect(one.rest().lines()).toEqual(["10.1.0.1/32 via 10.0.0.2"]);
  });

  it("is looked at in slices when there are many", () => {
    const one = dual(false);
    for (let n = 0; n < 400; n++) {
      const mac = `aa:00:00:00:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`;
      at(one, 0, { mac, ip: `10.2.${n >> 8}.${n & 255}`, esi: ESI });
    }
    one.rest();
    expect(one.lines().filter((line) => line.endsWith("10.0.0.1"))).toHaveLength(401);
    one.cost = 3;
    one.fabric.withdraw(0, ethernetAd("10.0.0.1:9", ESI, MAX_ET, 0));
    let turns = 1;
    for (; one.turn(); turns++);
    expect(turns).toBeGreaterThan(3);
    expect(one.lines().filter((line) => line.endsWith("10.0.0.2"))).toHaveLength(401);
  });
});

describe("many host routes", () => {
  it("go with their PE, in the turn in which the FIB loses it", () => {
    const one = rig();
    for (let n = 1; n < 200; n++)
      at(one, 0, { mac: `aa:00:00:00:00:${hex(n)}`, ip: `10.2.0.${n}` });
    at(one, 1, IP);
    expect(one.rest().lines()).toHaveLength(200);
    one.fabric.lose(0);
    one.turn();
    expect(one.lines()).toEqual(["10.1.0.1/32 via 10.0.0.2"]);
  });

  it("are as many as may be; others have theirs when there is room", () => {
    const one = rig({ ...RED, maxHostRoutes: 2 });
    for (const n of [1, 2, 3, 4]) at(one, 0, { mac: `aa:00:00:00:00:0${n}`, ip: `10.2.0.${n}` });
    expect(one.rest().lines()).toHaveLength(2);
    expect(one.told).toEqual([2]);
    const [first] = one.lines();
    const n = Number(/\.(\d)\//.exec(first!)![1]);
    gone(one, 0, { mac: `aa:00:00:00:00:0${n}`, ip: `10.2.0.${n}` }).rest();
    expect(one.lines()).toHaveLength(2);
    expect(one.lines()).not.toContain(first);
    // One that is there changes all the same.
    const kept = Number(/\.(\d)\//.exec(one.lines()[0]!)![1]);
    at(one, 1, { mac: `aa:00:00:00:00:0${kept}`, ip: `10.2.0.${kept}` }, { sequence: 4 }).rest();
    expect(one.lines().filter((line) => line.endsWith("10.0.0.2"))).toHaveLength(1);
  });

  it("are as many as may be behind a reload that makes all of them others", () => {
    const one = rig({ ...RED, maxHostRoutes: 3 });
    for (const n of [1, 2, 3]) at(one, 0, { mac: `aa:00:00:00:00:0${n}`, ip: `10.2.0.${n}` });
    expect(one.rest().lines()).toHaveLength(3);
    const settings = { domains: [domain("red", 100, TYPE_5)], maxHostRoutes: 3 };
    const fib = one.fabric.newFib(settings);
    while (fib.read(1000));
    one.hostRoutes = one.make(fib, settings);
    one.hostRoutes.begin();
    one.rest().rest();
    expect(one.announced().map(({ family, prefix }) => `${family} ${prefix}`)).toEqual([
      "l2vpn-evpn 10.2.0.1/32",
      "l2vpn-evpn 10.2.0.2/32",
      "l2vpn-evpn 10.2.0.3/32",
    ]);
  });

  it("are no more than may be behind a reload that allows fewer", () => {
    const one = rig({ ...RED, maxHostRoutes: 4 });
    for (const n of [1, 2, 3, 4]) at(one, 0, { mac: `aa:00:00:00:00:0${n}`, ip: `10.2.0.${n}` });
    expect(one.rest().lines()).toHaveLength(4);
    const settings = { ...RED, maxHostRoutes: 2 };
    const fib = one.fabric.newFib(settings);
    while (fib.read(1000));
    one.hostRoutes = one.make(fib, settings);
    one.hostRoutes.begin();
    expect(one.rest().lines()).toHaveLength(2);
    expect(one.told).toEqual([2]);
  });

  it("of two domains with one address stand beside each other, the first domain's first", () => {
    const one = rig({ domains: [domain("red", 100, UNICAST), domain("blue", 200, UNICAST)] });
    at(one, 1, { ...IP, rd: "10.0.0.2:2" }, { targets: ["65000:200"] });
    at(one, 0, IP).rest();
    expect(one.announced().map(({ pathId, nextHop }) => [pathId, nextHop])).toEqual([
      [0, "10.0.0.1"],
      [1, "10.0.0.2"],
    ]);
    const { table } = one.fabric;
    const best = [...Array(table.destinationLimit).keys()]
      .filter((dest) => dest > 0 && table.exists(dest) && table.family(dest) === 0)
      .map((dest) => table.pathId(table.bestPath(dest)));
    expect(best).toEqual([0]);
  });

  it("of a VLAN-aware bundle are told apart by tag, as long as there are any", () => {
    const bundle = domain("bundle", 100, UNICAST, "vlan-aware-bundle");
    const one = rig({ domains: [bundle] });
    for (const tag of [5, 6]) at(one, 0, { ...IP, tag });
    expect(
      one
        .rest()
        .announced()
        .map(({ pathId }) => pathId),
    ).toEqual([0, 1]);
    gone(one, 0, { ...IP, tag: 5 }).rest();
    at(one, 0, { ...IP, tag: 7 }).rest();
    expect(one.announced().map(({ pathId }) => pathId)).toEqual([0, 1]);
  });

  it("stay when another FIB takes over, but for those that it does not want", () => {
    const one = rig({ domains: [domain("red", 100, UNICAST), domain("blue", 200, UNICAST)] });
    at(one, 0, IP);
    at(one, 1, { ip: "10.1.0.2", mac: OTHER, rd: "10.0.0.2:2" }, { targets: ["65000:200"] });
    one.rest();
    expect(one.lines()).toHaveLength(2);
    const fib = one.fabric.newFib();
    while (fib.read(1000));
    one.hostRoutes = one.make(fib, { domains: [domain("red", 100, UNICAST)] });
    one.hostRoutes.begin();
    expect(one.lines()).toHaveLength(2);
    while (one.hostRoutes.flush(10));
    expect(one.lines()).toEqual(["10.1.0.1/32 via 10.0.0.1"]);
  });
});

function hex(n: number): string {
  return n.toString(16).padStart(2, "0");
}
