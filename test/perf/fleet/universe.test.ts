import { describe, expect, test } from "vitest";
import {
  addressText,
  macText,
  NO_HOME,
  packRoute,
  parseAddress,
  routePeer,
  routeSequence,
  Universe,
  type UniverseSettings,
} from "../../../perf/fleet/universe.js";

const SETTINGS: UniverseSettings = {
  peers: 4,
  routes: 100,
  senders: 0,
  vnis: 3,
  nlriPerUpdate: 10,
  attrSets: 2,
  macIpShare: 0.5,
  sharedRd: false,
  as: 65000,
};

describe("Universe", () => {
  test("shares the routes out evenly, or with a big first PE, or among some", () => {
    const sizes = (settings: Partial<UniverseSettings>): number[] => {
      const universe = new Universe({ ...SETTINGS, ...settings });
      return [0, 1, 2, 3].map((peer) => universe.homeOf(peer).length);
    };
    expect(sizes({})).toEqual([25, 25, 25, 25]);
    expect(sizes({ firstPeerRoutes: 70 })).toEqual([70, 10, 10, 10]);
    expect(sizes({ senders: 1 })).toEqual([100, 0, 0, 0]);
    expect(sizes({ senders: 2 })).toEqual([50, 50, 0, 0]);
  });

  test("gives every route a home, and spare MACs none", () => {
    const universe = new Universe({ ...SETTINGS, spare: 5 });
    const homes = [0, 1, 2, 3].flatMap((peer) => [...universe.homeOf(peer)]);
    expect(homes).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect([...universe.home.subarray(100)]).toEqual(Array(5).fill(NO_HOME));
  });

  test("keeps the share of MAC+IP routes", () => {
    for (const [macIpShare, wanted] of [
      [0, 0],
      [0.25, 25],
      [0.5, 50],
      [1, 100],
    ] as const)
      expect(
        new Universe({ ...SETTINGS, macIpShare }).hasIp.reduce((sum, has) => sum + has, 0),
      ).toBe(wanted);
  });

  test("refuses what cannot work, with the option's name", () => {
    expect(() => new Universe({ ...SETTINGS, peers: 1 })).toThrow("--peers");
    expect(() => new Universe({ ...SETTINGS, nlriPerUpdate: 200 })).toThrow("--nlri");
    expect(() => new Universe({ ...SETTINGS, senders: 9 })).toThrow("--senders");
  });
});

test("a route in one number", () => {
  for (const [peer, sequence] of [
    [0, 0],
    [2045, 0xfffff],
    [7, 12],
  ] as const) {
    const route = packRoute(peer, sequence);
    expect([routePeer(route), routeSequence(route)]).toEqual([peer, sequence]);
    expect(route).toBeGreaterThan(0);
  }
});

test("addresses and MACs as people write them", () => {
  expect(parseAddress("127.1.0.1")).toBe(0x7f010001);
  expect(addressText(0x7f010001)).toBe("127.1.0.1");
  expect(parseAddress("127.1.0")).toBeUndefined();
  expect(parseAddress("127.1.0.256")).toBeUndefined();
  expect(macText(0x117)).toBe("02:00:00:00:01:17");
});
