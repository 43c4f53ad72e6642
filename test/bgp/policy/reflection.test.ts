/** RFC 4456 section 6 row by row, well-known communities, families, route types, and slots beyond a word. */
import { describe, expect, it } from "vitest";
import {
  Reflection,
  hasIpv6NextHopForIpv4,
  type Receiver,
} from "../../../src/bgp/policy/reflection.js";
import { hasBit } from "../../../src/bgp/policy/slot-mask.js";
import { AttrFlag } from "../../../src/bgp/rib/attr-facts.js";
import { SourceKind } from "../../../src/bgp/rib/sources.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";

const { Client, NonClient, Ebgp } = SourceKind;
const ALL = 0xf;

function receiver(slot: number, over: Partial<Receiver> = {}): Receiver {
  return {
    slot,
    kind: Client,
    acceptOut: true,
    families: ALL,
    evpnTypes: undefined,
    extendedNextHop: 0,
    ...over,
  };
}

interface Route {
  readonly source?: number;
  readonly kind?: SourceKind;
  readonly family?: Family;
  readonly type?: number;
  readonly flags?: number;
  readonly ipv6NextHop?: boolean;
}

function wanted(reflection: Reflection, route: Route = {}): number[] {
  const { source = 1000, kind = Client, family = Family.Evpn, type = 2, flags = 0 } = route;
  // With something left over from before, at an offset.
  const out = new Int32Array(reflection.words + 4).fill(-1);
  const ipv6 = route.ipv6NextHop ?? false;
  reflection.wanted(out, 2, source, kind, family, type, flags, ipv6);
  expect([out[0], out[1], out[out.length - 2], out[out.length - 1]]).toEqual([-1, -1, -1, -1]);
  return Array.from({ length: reflection.words * 32 }, (_, slot) => slot).filter((slot) =>
    hasBit(out, 2, slot),
  );
}

function reflectionOf(...receivers: readonly Receiver[]): Reflection {
  const reflection = new Reflection();
  for (const one of receivers) reflection.add(one);
  return reflection;
}

describe("who is sent a route", () => {
  const everybody = reflectionOf(
    receiver(0),
    receiver(1),
    receiver(2, { kind: NonClient }),
    receiver(3, { kind: NonClient }),
    receiver(4, { kind: Ebgp }),
    receiver(5, { kind: Ebgp }),
    receiver(6, { kind: Ebgp, acceptOut: false }),
  );
  const rows: readonly (readonly [string, Route, readonly number[]])[] = [
    ["of a client: all others", { source: 0 }, [1, 2, 3, 4, 5]],
    ["of a non-client: clients and external peers", { source: 2, kind: NonClient }, [0, 1, 4, 5]],
    ["of an external peer: all others", { source: 4, kind: Ebgp }, [0, 1, 2, 3, 5]],
    ["with NO_EXPORT: internal peers", { source: 0, flags: AttrFlag.NoExport }, [1, 2, 3]],
    [
      "with NO_EXPORT_SUBCONFED: internal peers",
      { source: 4, kind: Ebgp, flags: AttrFlag.NoExportSubconfed },
      [0, 1, 2, 3],
    ],
    ["with NO_ADVERTISE: nobody", { source: 0, flags: AttrFlag.NoAdvertise }, []],
    [
      "of a non-client with NO_EXPORT: clients",
      { source: 3, kind: NonClient, flags: AttrFlag.NoExport },
      [0, 1],
    ],
  ];
  for (const [name, route, slots] of rows) {
    it(name, () => expect(wanted(everybody, route)).toEqual(slots));
  }

  it("of a slot beyond all receivers", () => {
    expect(wanted(everybody, { source: 70 })).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe("what a receiver takes", () => {
  it("its families", () => {
    const reflection = reflectionOf(
      receiver(0, { families: 1 << Family.Evpn }),
      receiver(1, { families: 1 << Family.Ipv4Unicast }),
    );
    expect(wanted(reflection, { family: Family.Evpn })).toEqual([0]);
    expect(wanted(reflection, { family: Family.Ipv4Unicast, type: 0 })).toEqual([1]);
    expect(wanted(reflection, { family: Family.Ipv6Unicast, type: 0 })).toEqual([]);
    reflection.addFamilies(1, 1 << Family.Evpn);
    expect(wanted(reflection, { family: Family.Evpn })).toEqual([0, 1]);
  });

  it("memberships, unless it is a client", () => {
    const reflection = reflectionOf(
      receiver(0),
      receiver(1, { kind: NonClient }),
      receiver(2, { kind: Ebgp }),
    );
    expect(wanted(reflection, { family: Family.RouteTarget, type: 0 })).toEqual([1, 2]);
  });

  it("its EVPN route types; those beyond 11 and type 0 are one", () => {
    const reflection = reflectionOf(
      receiver(0),
      receiver(1, { evpnTypes: [2, 3] }),
      receiver(2, { evpnTypes: [2, 200] }),
      receiver(3, { evpnTypes: [] }),
    );
    expect(wanted(reflection, { type: 2 })).toEqual([0, 1, 2]);
    expect(wanted(reflection, { type: 3 })).toEqual([0, 1]);
    expect(wanted(reflection, { type: 11 })).toEqual([0]);
    for (const type of [0, 12, 13, 200, 255]) expect(wanted(reflection, { type })).toEqual([0, 2]);
    // Types say nothing about other families.
    expect(wanted(reflection, { family: Family.Ipv4Unicast, type: 0 })).toEqual([0, 1, 2, 3]);
  });

  it("IPv4 routes with an IPv6 next hop if it said so (RFC 8950)", () => {
    const reflection = reflectionOf(receiver(0), receiver(1, { extendedNextHop: 1 }));
    const route = { family: Family.Ipv4Unicast, type: 0 } as const;
    expect(wanted(reflection, { ...route, ipv6NextHop: true })).toEqual([1]);
    expect(wanted(reflection, route)).toEqual([0, 1]);
    // Said for one family it does not hold for another.
    expect(wanted(reflection, { family: Family.Ipv4Vpn, type: 24, ipv6NextHop: true })).toEqual([]);
    expect(hasIpv6NextHopForIpv4(Family.Ipv4Unicast, 16)).toBe(true);
    expect(hasIpv6NextHopForIpv4(Family.Ipv4Vpn, 24)).toBe(true);
    expect(hasIpv6NextHopForIpv4(Family.Ipv4Vpn, 12)).toBe(false);
    expect(hasIpv6NextHopForIpv4(Family.Ipv6Vpn, 24)).toBe(false);
  });
});

describe("slots", () => {
  it("beyond a word widen all masks and lose nobody", () => {
    const reflection = reflectionOf(receiver(3, { extendedNextHop: 1 }));
    reflection.add(receiver(31, { kind: NonClient }));
    reflection.add(receiver(32, { kind: Ebgp }));
    reflection.add(receiver(500));
    expect(reflection.words).toBe(16);
    expect(wanted(reflection)).toEqual([3, 31, 32, 500]);
    expect(wanted(reflection, { source: 500 })).toEqual([3, 31, 32]);
    expect(wanted(reflection, { source: 31, kind: NonClient })).toEqual([3, 32, 500]);
  });

  it("given to somebody else remember nothing", () => {
    const reflection = reflectionOf(
      receiver(7, { kind: Ebgp, extendedNextHop: 1, evpnTypes: [1] }),
      receiver(40),
    );
    reflection.remove(7);
    expect(wanted(reflection, { type: 1 })).toEqual([40]);
    reflection.add(receiver(7, { kind: NonClient, families: 1 << Family.Evpn, evpnTypes: [2] }));
    expect(wanted(reflection, { type: 1 })).toEqual([40]);
    expect(wanted(reflection, { type: 2, flags: AttrFlag.NoExport })).toEqual([7, 40]);
    expect(wanted(reflection, { type: 2, kind: NonClient })).toEqual([40]);
    const ipv4 = { family: Family.Ipv4Unicast, type: 0, ipv6NextHop: true } as const;
    expect(wanted(reflection, ipv4)).toEqual([]);
  });
});
