import { describe, expect, test } from "vitest";
import { capability, type Capability } from "../../../src/fast-bgp-codec/capability.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { isFault } from "../../../src/fast-bgp-codec/fault.js";
import { decodeOpen, encodeOpen, type Open } from "../../../src/fast-bgp-codec/open.js";
import {
  bgpIdNumber,
  buildOpen,
  capabilityNames,
  familyMask,
  negotiate,
  peerIdentity,
} from "../../../src/bgp/session/negotiate.js";
import {
  GRACEFUL_RESTART_DEFAULTS,
  type GracefulRestartOptions,
} from "../../../src/bgp/graceful-settings.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import type { Negotiated } from "../../../src/bgp/session/types.js";
import { peerOptions } from "./harness.js";

const LOCAL = { as: 65000, routerId: "10.0.0.1", hostName: "", softwareVersion: "" };
const EVPN = capability.multiprotocol(25, 70);
const IPV4 = capability.multiprotocol(1, 1);

function agree(
  capabilities: readonly Capability[],
  options: Partial<PeerOptions> = {},
  open: Partial<Open> = {},
): Negotiated {
  const theirs = {
    version: 4,
    myAs: 65000,
    holdTime: 90,
    bgpId: "10.0.0.2",
    capabilities,
    ...open,
  };
  const result = negotiate(LOCAL, peerOptions({ peerAs: undefined, ...options }), theirs);
  if (isFault(result)) throw new Error(result.detail);
  return result;
}

describe("our OPEN", () => {
  test("on the wire, with everything", () => {
    const local = { ...LOCAL, as: 4_200_000_001, hostName: "rr1", softwareVersion: "evpnd 1.0" };
    const options = peerOptions({
      families: [Family.Evpn, Family.RouteTarget],
      extendedMessage: true,
    });
    const bytes = encodeOpen(buildOpen(local, options));
    expect(decodeOpen(bytes, 0, bytes.length)).toMatchObject({
      myAs: 23456,
      holdTime: 90,
      bgpId: "10.0.0.1",
      capabilities: [
        { name: "multiprotocol", afi: 25, safi: 70 },
        { name: "multiprotocol", afi: 1, safi: 132 },
        { name: "route-refresh" },
        { name: "enhanced-route-refresh" },
        { name: "four-octet-as", asn: 4_200_000_001 },
        { name: "graceful-restart", restartTime: 0, restartState: 0, families: [] },
        { name: "extended-message" },
        { name: "fqdn", hostname: "rr1", domain: "" },
        { name: "software-version", version: "evpnd 1.0" },
      ],
    });
  });

  test("a 2-octet AS stands in its field, and extended messages only when asked for", () => {
    const open = buildOpen(LOCAL, peerOptions());
    expect(open.myAs).toBe(65000);
    expect(open.capabilities.map((item) => item.name)).not.toContain("extended-message");
  });
});

describe("what our OPEN says about restarts and paths", () => {
  const families = [Family.Evpn, Family.Ipv4Unicast];
  const full: GracefulRestartOptions = {
    ...GRACEFUL_RESTART_DEFAULTS,
    mode: "full",
    longLived: { ...GRACEFUL_RESTART_DEFAULTS.longLived, enabled: true, staleTime: 7200 },
  };
  const find = (options: Partial<PeerOptions>, restarting = false): Capability[] => [
    ...buildOpen(LOCAL, peerOptions({ families, ...options }), restarting).capabilities,
  ];

  test("a helper names no family, and is never restarting", () => {
    expect(find({}, true)).toContainEqual(
      expect.objectContaining({
        name: "graceful-restart",
        restartState: 0,
        notification: 1,
        restartTime: 0,
        families: [],
      }),
    );
    expect(find({}).map(({ name }) => name)).not.toContain("long-lived-graceful-restart");
  });

  test("full: the families with their forwarding kept, R after a restart", () => {
    const tuples = [
      { afi: 25, safi: 70, forwarding: 1 },
      { afi: 1, safi: 1, forwarding: 1 },
    ];
    for (const restarting of [false, true]) {
      expect(find({ gracefulRestart: full }, restarting)).toContainEqual(
        expect.objectContaining({
          name: "graceful-restart",
          restartState: restarting ? 1 : 0,
          restartTime: 120,
          families: tuples,
        }),
      );
    }
    expect(find({ gracefulRestart: full })).toContainEqual(
      expect.objectContaining({
        name: "long-lived-graceful-restart",
        families: tuples.map((tuple) => ({ ...tuple, staleTime: 7200 })),
      }),
    );
  });

  test("off: nothing is promised", () => {
    expect(find({ gracefulRestart: { ...full, mode: "off" } }, true)).toContainEqual(
      expect.objectContaining({ name: "graceful-restart", notification: 0, families: [] }),
    );
  });

  test("ADD-PATH for offered families only", () => {
    const path = { send: true, receive: false, limit: 2 };
    const addPath = [
      { ...path, family: Family.Evpn },
      { ...path, family: Family.Ipv6Unicast },
      { ...path, family: Family.Ipv4Unicast, send: false },
    ];
    expect(find({ addPath })).toContainEqual(
      expect.objectContaining({
        name: "add-path",
        families: [{ afi: 25, safi: 70, sendReceive: 2 }],
      }),
    );
  });
});

describe("agreement", () => {
  test("no capabilities at all means IPv4 unicast and two octets", () => {
    const agreed = agree([], { families: [Family.Evpn, Family.Ipv4Unicast] });
    expect(agreed).toMatchObject({
      families: familyMask([Family.Ipv4Unicast]),
      as4: false,
      routeRefresh: false,
      enhancedRefresh: false,
      gracefulRestart: undefined,
    });
  });

  test("a family is in use when both have it", () => {
    const families = [Family.Evpn, Family.Ipv6Unicast];
    expect(agree([IPV4, EVPN, capability.multiprotocol(99, 9)], { families }).families).toBe(
      1 << Family.Evpn,
    );
  });

  test("capability 65 counts, not My AS", () => {
    const agreed = agree([EVPN, capability.fourOctetAs(4_200_000_001)], {}, { myAs: 23456 });
    expect(agreed).toMatchObject({ peerAs: 4_200_000_001, ibgp: false, as4: true });
  });

  test.each([
    [90, 30, 30, 10],
    [30, 90, 30, 10],
    [0, 90, 0, 0],
    [90, 0, 0, 0],
    [3, 90, 3, 1],
  ])("hold time %i and %i make %i", (ours, theirs, hold, keepalive) => {
    const agreed = agree([EVPN], { holdTime: ours }, { holdTime: theirs });
    expect([agreed.holdTime, agreed.keepaliveTime]).toEqual([hold, keepalive]);
  });

  test.each([
    [true, true, 65535, 65535],
    [true, false, 4096, 65535],
    [false, true, 4096, 4096],
  ])("extended messages: ours %s, theirs %s (RFC 8654)", (ours, theirs, out, incoming) => {
    const capabilities = theirs ? [EVPN, capability.extendedMessage()] : [EVPN];
    const agreed = agree(capabilities, { extendedMessage: ours });
    expect([agreed.maxMessageOut, agreed.maxMessageIn]).toEqual([out, incoming]);
  });

  test("the last graceful restart capability counts", () => {
    const restart = (time: number, restartState: boolean): Capability =>
      capability.gracefulRestart({
        restartState,
        notification: true,
        restartTime: time,
        families: [
          { afi: 25, safi: 70, forwarding: 1 },
          { afi: 9, safi: 9, forwarding: 1 },
        ],
      });
    expect(agree([EVPN, restart(10, false), restart(120, true)]).gracefulRestart).toEqual({
      restarting: true,
      notification: true,
      time: 120,
      families: 1 << Family.Evpn,
      forwarding: 1 << Family.Evpn,
    });
  });

  test("notification mode needs both sides; forwarding is by family", () => {
    const theirs = (notification: boolean): Capability =>
      capability.gracefulRestart({
        restartState: false,
        notification,
        restartTime: 60,
        families: [
          { afi: 25, safi: 70, forwarding: 0 },
          { afi: 1, safi: 1, forwarding: 1 },
        ],
      });
    const both = (1 << Family.Evpn) | (1 << Family.Ipv4Unicast);
    expect(agree([EVPN, theirs(true)]).gracefulRestart).toMatchObject({
      notification: true,
      families: both,
      forwarding: 1 << Family.Ipv4Unicast,
    });
    expect(agree([EVPN, theirs(false)]).gracefulRestart?.notification).toBe(false);
    const quiet = { ...GRACEFUL_RESTART_DEFAULTS, notification: false };
    const agreed = agree([EVPN, theirs(true)], { gracefulRestart: quiet });
    expect(agreed.gracefulRestart?.notification).toBe(false);
  });

  test("IPv6 next hops for IPv4 count where both offered them (RFC 8950)", () => {
    const vpn = capability.multiprotocol(1, 128);
    const families = [Family.Ipv4Unicast, Family.Ipv4Vpn];
    const said = capability.extendedNextHop([
      { afi: 1, safi: 128, nextHopAfi: 2 },
      { afi: 1, safi: 2, nextHopAfi: 2 },
    ]);
    const of = (options: object, ...more: Capability[]): number =>
      agree([IPV4, vpn, ...more], { families, ...options }).extendedNextHop;
    expect(of({ extendedNextHop: true }, said)).toBe(1 << Family.Ipv4Vpn);
    expect(of({ extendedNextHop: true })).toBe(0);
    expect(of({}, said)).toBe(0);
    expect(of({ extendedNextHop: true, families: [Family.Ipv4Unicast] }, said)).toBe(0);
  });

  test("long-lived restart counts beside capability 64 only", () => {
    const longLived = capability.longLivedGracefulRestart([
      { afi: 25, safi: 70, forwarding: 1, staleTime: 3600 },
      { afi: 1, safi: 1, forwarding: 0, staleTime: 60 },
    ]);
    const restart = capability.gracefulRestart({
      restartState: false,
      notification: false,
      restartTime: 0,
      families: [],
    });
    expect(agree([EVPN, longLived]).longLived).toBeUndefined();
    const agreed = agree([EVPN, restart, longLived]).longLived;
    expect(agreed).toMatchObject({
      families: (1 << Family.Evpn) | (1 << Family.Ipv4Unicast),
      forwarding: 1 << Family.Evpn,
    });
    expect(agreed?.times[Family.Evpn]).toBe(3600);
    expect(agreed?.times[Family.Ipv4Unicast]).toBe(60);
  });

  test("ADD-PATH in a direction where one side sends and the other receives", () => {
    const tuple = (sendReceive: number): Capability =>
      capability.addPath([{ afi: 25, safi: 70, sendReceive }]);
    const evpn = 1 << Family.Evpn;
    const option = { family: Family.Evpn, send: true, receive: true, limit: 0 };
    const outcome = (sendReceive: number, send: boolean, receive: boolean): readonly number[] => {
      const agreed = agree([EVPN, tuple(sendReceive)], { addPath: [{ ...option, send, receive }] });
      return [agreed.addPathIn, agreed.addPathOut];
    };
    expect(outcome(3, true, true)).toEqual([evpn, evpn]);
    expect(outcome(1, true, true)).toEqual([0, evpn]);
    expect(outcome(2, true, true)).toEqual([evpn, 0]);
    expect(outcome(2, true, false)).toEqual([0, 0]);
    expect(outcome(7, true, true)).toEqual([0, 0]);
    expect(agree([EVPN], { addPath: [option] })).toMatchObject({ addPathIn: 0, addPathOut: 0 });
    expect(agree([EVPN, tuple(3)])).toMatchObject({ addPathIn: 0, addPathOut: 0 });
  });
});

test("identifiers are compared as unsigned numbers", () => {
  expect(bgpIdNumber("250.0.0.1")).toBeGreaterThan(bgpIdNumber("10.0.0.1"));
  expect(bgpIdNumber("255.255.255.255")).toBe(0xffffffff);
});

test("the same identifier is allowed between ASes (RFC 6286)", () => {
  expect(agree([EVPN], {}, { myAs: 65001, bgpId: "10.0.0.1" }).ibgp).toBe(false);
});

test("what is shown of a peer", () => {
  const capabilities: Capability[] = [
    EVPN,
    EVPN,
    capability.multiprotocol(1, 128),
    capability.fqdn("leaf1", "dc.example"),
    capability.softwareVersion("FRR 8.4.4"),
    { code: 222, name: "unknown", length: 0, hex: "" },
  ];
  const open = { version: 4, myAs: 1, holdTime: 0, bgpId: "10.0.0.2", capabilities };
  expect(peerIdentity(open)).toEqual({
    hostName: "leaf1.dc.example",
    softwareVersion: "FRR 8.4.4",
  });
  expect(capabilityNames(capabilities)).toEqual([
    "multiprotocol l2vpn-evpn",
    "multiprotocol ipv4-vpn",
    "fqdn",
    "software-version",
    "code 222",
  ]);
});
