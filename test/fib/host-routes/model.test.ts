/**
 * Random changes of a small fabric, segments included: behind every turn the host routes are those that the
 * FIB's own views ask for, whatever came before; and after everything has gone, none.
 */
import { describe, expect, it } from "vitest";
import type { MacView } from "../../../src/fib/index.js";
import { ethernetAd, macIp, MAX_ET } from "../lib/route.js";
import { domain, Rig, TYPE_5, UNICAST } from "./rig.js";

const PES = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
const MACS = [1, 2, 3].map((n) => `52:54:00:00:00:0${n}`);
const IPS = ["10.1.0.1", "10.1.0.2", "10.1.0.3", "20010db8000000000000000000000005"];
const ESIS = ["00".repeat(10), "00112233445566778899", "00aabbccddeeff001122"];
/** Tag of the domains: red, blue, both of the bundle, one that nobody asked for. */
const PLACES = [
  { target: 100, tag: 0 },
  { target: 200, tag: 0 },
  { target: 300, tag: 1 },
  { target: 300, tag: 2 },
  { target: 400, tag: 0 },
];

const DOMAINS = [
  domain("red", 100, UNICAST),
  domain("blue", 200, TYPE_5),
  domain("bundle", 300, UNICAST, "vlan-aware-bundle"),
];

/** mulberry32 */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** What the views of the FIB ask for, a line for each route. */
function wanted(rig: Rig, domains = DOMAINS, fib = rig.fabric.fib): string[] {
  const lines: string[] = [];
  const { rows } = fib.pages.list({}, 0, 100_000);
  for (const row of rows) {
    const name = row.domain.replace(/\/.*/, "");
    const settings = domains.find((one) => one.name === name)?.hostRoutes;
    const hop = hopOf(row);
    if (settings === undefined || hop === undefined || row.defaultGateway) continue;
    for (const { ip, lost } of row.bindings) {
      if (lost) continue;
      const isV6 = ip.includes(":");
      const isType5 = settings.announce === "type-5";
      const family = isType5 ? "l2vpn-evpn" : isV6 ? "ipv6-unicast" : "ipv4-unicast";
      const via = isV6 && !isType5 ? `::ffff:${hop}` : hop;
      const mobility =
        row.sticky || row.sequence > 0 ? `${Number(row.sticky)}/${row.sequence}` : "";
      lines.push(`${family} ${ip}/${isV6 ? 128 : 32} via ${via} ${mobility}`);
    }
  }
  return lines.sort();
}

/** The winner's PE where it is a next hop, else the first of the lowest role. */
function hopOf({ pe, nextHops }: MacView): string | undefined {
  const roles = ["advertised", "aliased", "backup"];
  const order = [...nextHops].sort(
    (a, b) => roles.indexOf(a.role) - roles.indexOf(b.role) || (a.address < b.address ? -1 : 1),
  );
  return (nextHops.find(({ address }) => address === pe) ?? order[0])?.address;
}

function found(rig: Rig): string[] {
  return rig
    .announced()
    .map(({ family, prefix, nextHop, extended }) => {
      const text = extended.find((one) => one.startsWith("mac-mobility:")) ?? "";
      const mobility = text.replace(/^mac-mobility:sticky=(\d):seq=/, "$1/");
      return `${family} ${prefix} via ${nextHop} ${mobility}`;
    })
    .sort();
}

function step(rig: Rig, random: (below: number) => number): void {
  const { fabric } = rig;
  const n = random(PES.length);
  const pe = PES[n]!;
  const { target, tag } = PLACES[random(PLACES.length)]!;
  const esi = ESIS[random(ESIS.length)]!;
  const spec = { nextHop: pe, targets: [`65000:${target}`] };
  const what = random(20);
  if (what < 14) {
    const nlri = macIp({
      rd: `${pe}:${target + tag}`,
      mac: MACS[random(MACS.length)]!,
      tag,
      esi,
      ip: random(4) === 0 ? undefined : IPS[random(IPS.length)]!,
    });
    if (random(3) === 0) fabric.withdraw(n, nlri);
    else {
      fabric.announce(n, nlri, {
        ...spec,
        sequence: random(3) === 0 ? random(4) : undefined,
        sticky: random(12) === 0,
        gateway: random(15) === 0,
      });
    }
  } else if (what < 17) {
    const nlri = ethernetAd(`${pe}:9`, esi, MAX_ET, 0);
    const label = { singleActive: random(2) === 0, label: 0 };
    const all = { nextHop: pe, targets: PLACES.map((one) => `65000:${one.target}`) };
    if (random(3) === 0) fabric.withdraw(n, nlri);
    else if (esi !== ESIS[0]) fabric.announce(n, nlri, { ...all, esiLabel: label });
  } else if (what < 19) {
    const nlri = ethernetAd(`${pe}:${target + tag}`, esi, tag, 100);
    if (random(3) === 0) fabric.withdraw(n, nlri);
    else if (esi !== ESIS[0]) fabric.announce(n, nlri, spec);
  } else if (random(3) === 0) {
    fabric.lose(n);
  }
}

describe("host routes are a function of the FIB", () => {
  it.each([1, 2, 3, 4, 5, 6])("random changes, seed %i", (seed) => {
    const random = randomFrom(seed);
    const rig = new Rig({ domains: DOMAINS });
    for (let i = 0; i < 600; i++) {
      for (let many = 1 + random(3); many > 0; many--) step(rig, random);
      // One reading and one flush: nothing is left for later, and nothing is late.
      expect(rig.turn()).toBe(false);
      expect(found(rig), `step ${i}`).toEqual(wanted(rig));
    }
    for (const n of PES.keys()) rig.fabric.lose(n);
    rig.rest();
    expect(found(rig)).toEqual([]);
    expect(rig.sink.count).toBe(0);
    expect(rig.fabric.attrs.count).toBe(0);
  });

  it("in small slices it comes to the same", () => {
    const random = randomFrom(77);
    const rig = new Rig({ domains: DOMAINS });
    rig.cost = 6;
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 40; i++) step(rig, random);
      rig.rest();
      expect(found(rig), `round ${round}`).toEqual(wanted(rig));
    }
  });

  it.each([11, 12, 13])("follows other settings, time and again, seed %i", (seed) => {
    const random = randomFrom(seed);
    const rig = new Rig({ domains: DOMAINS });
    for (let round = 0; round < 30; round++) {
      for (let i = random(30); i >= 0; i--) step(rig, random);
      // Now and then with something left to do for the one that goes.
      if (random(2) === 0) rig.turn();
      const domains = DOMAINS.map((one) => ({
        ...one,
        hostRoutes: [UNICAST, TYPE_5, undefined][random(3)],
      }));
      if (random(2) === 0) domains.reverse();
      rig.fabric.fib.close();
      const fib = rig.fabric.newFib({ domains });
      while (fib.read(1000));
      rig.hostRoutes = rig.make(fib, { domains });
      rig.hostRoutes.begin();
      for (let i = random(20); i > 0; i--) {
        step(rig, random);
        if (random(4) === 0) fib.read(1000);
        if (random(4) === 0) rig.hostRoutes.flush(10);
      }
      do while (fib.read(1000));
      while (rig.hostRoutes.flush(10));
      expect(found(rig), `round ${round}`).toEqual(wanted(rig, domains, fib));
    }
  });

  it("does not depend on the way that led there", () => {
    const random = randomFrom(5);
    const rig = new Rig({ domains: DOMAINS });
    for (let i = 0; i < 1500; i++) {
      step(rig, random);
      if (i % 7 === 0) rig.turn();
    }
    rig.rest();
    const before = found(rig);
    expect(before.length).toBeGreaterThan(3);
    const fib = rig.fabric.newFib();
    while (fib.read(1000));
    rig.hostRoutes = rig.make(fib);
    rig.hostRoutes.begin();
    while (rig.hostRoutes.flush(10));
    expect(found(rig)).toEqual(before);
  });
});
