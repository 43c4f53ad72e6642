/**
 * Who is sent what (RFC 4456 section 6): FRR as non-client and as eBGP peer beside clients; two evpnd
 * reflectors in two clusters and in one, with clients on both.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Lab } from "./lib/lab.js";
import {
  announce,
  announceMac,
  attribute,
  extendedCommunities,
  ip4,
  mac,
  macIp,
  ORIGIN,
  rd,
  reach,
  routeTarget,
  u32,
  update,
  VXLAN,
  withdrawMac,
} from "./lib/messages.js";
import { differences } from "./lib/reflected.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import type { SpeakerOptions } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor, waitQuiet } from "./lib/wait.js";
import { EVPN } from "./lib/wire.js";
import type { WireRoute } from "./lib/wire.js";

const RR = "10.99.0.254";
const RR2 = "10.99.0.253";

/** A MAC route's NLRI of the peer at this address. */
function nlriOf(address: string, number = 1): string {
  return macIp({
    rd: rd(address, 100),
    mac: mac(Number(address.split(".")[3]), number),
    label: 100,
  });
}

function announceOf(address: string, number = 1): Buffer {
  return announceMac(address, 100, mac(Number(address.split(".")[3]), number));
}

function withdrawOf(address: string, number = 1): Buffer {
  return withdrawMac(address, 100, mac(Number(address.split(".")[3]), number));
}

const FRR_PREFIX =
  "network 198.51.101.0/24 rd RD:5 ethtag 0 label 5000 esi 00:00:00:00:00:00:00:00:00:00 gwip 0.0.0.0 routermac 02:00:00:01:00:ff";

describeInterop("non-clients and eBGP peers", ["frr"], () => {
  const FRR_NON_CLIENT = "10.99.0.1";
  const NON_CLIENT = "10.99.0.2";
  const CLIENT = "10.99.0.3";
  const CLIENT2 = "10.99.0.4";
  const FRR_EBGP = "10.99.0.5";
  const EBGP = "10.99.0.6";
  const EBGP_SHUT = "10.99.0.7";
  const CONFIG = `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: { listen: off }
peers:
  # Both sides call: a collision to solve.
  - { address: ${FRR_NON_CLIENT}, client: false, connect-retry: 1, local-address: ${RR} }
  - { address: ${NON_CLIENT}, client: false, passive: true }
  - { address: ${FRR_EBGP}, peer-as: 65001, passive: true, ebgp-accept-in: true, ebgp-accept-out: true, ttl: 2 }
  - { address: ${EBGP}, peer-as: 4200000001, passive: true, ebgp-accept-in: true, ebgp-accept-out: true, ttl: 2 }
  - { address: ${EBGP_SHUT}, peer-as: 65003, passive: true, ttl: 2 }
dynamic-peers:
  - { prefix: 10.99.0.0/24, client: true }
`;
  let lab: Lab;
  let frrNonClient: Frr;
  let frrEbgp: Frr;
  let nonClient: SpeakerClient;
  let client: SpeakerClient;
  let client2: SpeakerClient;
  let ebgp: SpeakerClient;
  let ebgpShut: SpeakerClient;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
    await Evpnd.start({ lab, label: "lo", address: RR, config: CONFIG });
    const frr = (address: string, as: number): Promise<Frr> =>
      Frr.start({
        lab,
        label: "lo",
        name: `frr-${address}`,
        address,
        config: frrClient({
          as,
          address,
          reflectors: [RR],
          remoteAs: 65000,
          neighborLines: as === 65000 ? [] : ["ebgp-multihop 2"],
        }),
      });
    const speaker = (
      localAddress: string,
      more: Partial<SpeakerOptions> = {},
    ): Promise<SpeakerClient> =>
      SpeakerClient.up({ lab, label: "lo", localAddress, remoteAddress: RR, ...more });
    [frrNonClient, frrEbgp, nonClient, client, client2, ebgp, ebgpShut] = await Promise.all([
      frr(FRR_NON_CLIENT, 65000),
      frr(FRR_EBGP, 65001),
      speaker(NON_CLIENT),
      speaker(CLIENT),
      speaker(CLIENT2),
      speaker(EBGP, { as: 4200000001 }),
      speaker(EBGP_SHUT, { as: 65003 }),
    ]);
    for (const each of [nonClient, client, client2])
      each.send(announceOf(each.options.localAddress));
    const path = (as: number): string => attribute(0x40, 2, `0201${u32(as)}`);
    const communities = extendedCommunities(VXLAN, routeTarget(65000, 100), "4004fde849742400");
    ebgp.send(
      // LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST have no meaning from eBGP: dropped.
      update(
        reach(EVPN, ip4(EBGP), nlriOf(EBGP)) +
          ORIGIN +
          path(4200000001) +
          attribute(0x40, 5, u32(900)) +
          attribute(0x80, 9, ip4("192.0.2.1")) +
          attribute(0x80, 10, ip4("192.0.2.1")) +
          communities,
      ),
    );
    ebgpShut.send(
      update(reach(EVPN, ip4(EBGP_SHUT), nlriOf(EBGP_SHUT)) + ORIGIN + path(65003) + communities),
    );
    for (const each of [frrNonClient, frrEbgp]) await each.waitEstablished(RR);
    for (const [each, as, id] of [
      [frrNonClient, 65000, FRR_NON_CLIENT],
      [frrEbgp, 65001, FRR_EBGP],
    ] as const) {
      await each.configure(
        `router bgp ${String(as)}`,
        "address-family l2vpn evpn",
        FRR_PREFIX.replace("RD", id),
      );
    }
    // Every client is due seven: two FRRs, two non-clients' and clients' MACs but its own, one eBGP MAC.
    await client.waitSize(5);
    await waitQuiet("everybody's tables", () =>
      [nonClient, client, client2, ebgp, ebgpShut].map((each) => each.table.updates).join(),
    );
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** Originators among the routes of a table, by the RD's address. */
  function origins(of: SpeakerClient): string[] {
    return of.table
      .routes()
      .map(({ nlri }) => {
        const address = nlri.slice(8, 16).match(/../g) ?? [];
        return address.map((each) => Number.parseInt(each, 16)).join(".");
      })
      .sort();
  }

  test("a client is sent everybody's routes", () => {
    expect(origins(client)).toEqual([FRR_NON_CLIENT, NON_CLIENT, CLIENT2, FRR_EBGP, EBGP].sort());
    expect(origins(client2)).toEqual([FRR_NON_CLIENT, NON_CLIENT, CLIENT, FRR_EBGP, EBGP].sort());
  });

  test("a non-client is sent clients' and eBGP routes, not another non-client's", async () => {
    expect(origins(nonClient)).toEqual([CLIENT, CLIENT2, FRR_EBGP, EBGP].sort());
    const held = [...(await frrNonClient.evpnRoutes())].filter(
      ([, paths]) => paths[0]?.peerId === RR,
    );
    expect(held.map(([name]) => name.split(":")[0]).sort()).toEqual(
      [CLIENT, CLIENT2, FRR_EBGP, EBGP].sort(),
    );
  });

  test("an eBGP peer is sent all, with AS prepended, next hop kept, nothing of iBGP left", async () => {
    expect(origins(ebgp)).toEqual([FRR_NON_CLIENT, NON_CLIENT, CLIENT, CLIENT2, FRR_EBGP].sort());
    const got = ebgp.table.get(EVPN, nlriOf(CLIENT));
    expect(got?.nextHop).toBe(ip4(CLIENT));
    expect(Object.fromEntries(got?.attributes ?? [])).toEqual({
      1: { flags: 0x40, value: "00" },
      2: { flags: 0x40, value: `0201${u32(65000)}` },
      16: { flags: 0xc0, value: VXLAN + routeTarget(65000, 100) },
    });
    const names = [...(await frrEbgp.evpnRoutes()).keys()].map((name) => name.split(":")[0]);
    expect([...new Set(names)].sort()).toEqual(
      [FRR_NON_CLIENT, NON_CLIENT, CLIENT, CLIENT2, FRR_EBGP, EBGP].sort(),
    );
  });

  test("an eBGP route reaches clients with its next hop and encapsulation, without ORIGINATOR_ID", () => {
    const got = client.table.get(EVPN, nlriOf(EBGP));
    expect(got?.nextHop).toBe(ip4(EBGP));
    expect(Object.fromEntries(got?.attributes ?? [])).toMatchObject({
      2: { flags: 0x40, value: `0201${u32(4200000001)}` },
      5: { flags: 0x40, value: u32(100) },
      16: { flags: 0xc0 },
    });
    expect(got?.attributes.has(9)).toBe(false);
    expect(got?.attributes.has(10)).toBe(false);
    expect(got?.attributes.get(16)?.value).toContain(VXLAN);
  });

  test("without an explicit accept nothing passes an eBGP session, in or out (RFC 8212)", () => {
    expect(origins(ebgpShut)).toEqual([]);
    expect(ebgpShut.closed).toBe(false);
    for (const each of [client, nonClient, ebgp]) expect(origins(each)).not.toContain(EBGP_SHUT);
  });

  test("withdraws go to exactly those who had the route", async () => {
    const before = nonClient.updates.length;
    client.send(announceOf(CLIENT, 2));
    for (const each of [client2, nonClient, ebgp]) await each.waitRoute(EVPN, nlriOf(CLIENT, 2));
    client.send(withdrawOf(CLIENT, 2));
    for (const each of [client2, nonClient, ebgp]) await each.waitNoRoute(EVPN, nlriOf(CLIENT, 2));
    await waitQuiet("the non-client", () => nonClient.updates.length, 300);
    expect(nonClient.updates.length).toBe(before + 2);
    // A non-client's route was never sent to the other non-client: neither is its withdraw.
    const silent = nonClient.updates.length;
    await frrNonClient.configure(
      "router bgp 65000",
      "address-family l2vpn evpn",
      `no ${FRR_PREFIX.replace("RD", FRR_NON_CLIENT).replace(/ routermac.*/, "")}`,
    );
    await waitFor("the client to lose it", () => !origins(client).includes(FRR_NON_CLIENT));
    client.send(announceOf(CLIENT, 3));
    await nonClient.waitRoute(EVPN, nlriOf(CLIENT, 3));
    expect(nonClient.updates.length).toBe(silent + 1);
  });
});

describeInterop("two evpnd reflectors", ["frr"], () => {
  describe.for([
    ["two clusters", RR, RR2],
    ["one cluster", "10.99.0.200", "10.99.0.200"],
  ] as const)("in %s", ([name, cluster1, cluster2]) => {
    const one = name === "one cluster";
    const FRR = "10.99.0.1";
    const BOTH = "10.99.0.2";
    const ONLY1 = "10.99.0.3";
    const ONLY2 = "10.99.0.4";
    const config = (self: string, other: string, cluster: string): string => `
as: 65000
router-id: ${self}
cluster-id: ${cluster}
listen: ["${self}:179"]
http: { listen: off }
peers:
  - { address: ${other}, client: false, local-address: ${self}, connect-retry: 1, idle-hold: 0 }
dynamic-peers:
  - { prefix: 10.99.0.0/24, client: true }
`;
    let lab: Lab;
    let frr: Frr;
    let both1: SpeakerClient;
    let both2: SpeakerClient;
    let only1: SpeakerClient;
    let only2: SpeakerClient;

    beforeAll(async () => {
      lab = new Lab();
      lab.namespace("lo", ["10.99.0.1/16"]);
      for (const [label, self, other, cluster] of [
        ["rr1", RR, RR2, cluster1],
        ["rr2", RR2, RR, cluster2],
      ] as const) {
        await Evpnd.start({
          lab,
          label: "lo",
          name: label,
          address: self,
          config: config(self, other, cluster),
        });
      }
      frr = await Frr.start({
        lab,
        label: "lo",
        name: "frr",
        address: FRR,
        config: frrClient({ address: FRR, reflectors: [RR, RR2] }),
      });
      const speaker = (localAddress: string, remoteAddress: string): Promise<SpeakerClient> =>
        SpeakerClient.up({ lab, label: "lo", localAddress, remoteAddress });
      both1 = await speaker(BOTH, RR);
      both2 = await speaker(BOTH, RR2);
      only1 = await speaker(ONLY1, RR);
      only2 = await speaker(ONLY2, RR2);
      for (const address of [RR, RR2]) await frr.waitEstablished(address);
      await frr.configure(
        "router bgp 65000",
        "address-family l2vpn evpn",
        FRR_PREFIX.replace("RD", FRR),
      );
      both1.send(announceOf(BOTH));
      both2.send(announceOf(BOTH));
      only1.send(announceOf(ONLY1));
      only2.send(announceOf(ONLY2));
      // The reflectors' own session comes up last: what passes it is there when both sides' routes have crossed.
      await waitFor("clients of both", () => {
        const at = [both1, both2, only1, only2].map((each) => each.table.size);
        const wanted = one ? [2, 2, 2, 2] : [3, 3, 3, 3];
        if (at.join() !== wanted.join()) throw new Error(at.join());
        return true;
      });
      await waitQuiet("tables", () => updates(), 1000);
    });
    afterAll(() => lab.close());
    beforeEach(() => {
      showLogsOnFailure(() => lab);
    });

    function updates(): string {
      return [both1, both2, only1, only2].map((each) => each.table.updates).join();
    }

    function wrong(at: SpeakerClient, from: string, cluster: string, sent: WireRoute): string[] {
      const how = { originator: ip4(from), cluster };
      return differences(sent, at.table.get(EVPN, nlriOf(from)), how);
    }

    /** The route as its originator sent it. */
    function sentBy(address: string): WireRoute {
      return {
        family: EVPN,
        nlri: nlriOf(address),
        pathId: 0,
        nextHop: ip4(address),
        attributes: new Map([
          [1, { flags: 0x40, value: "00" }],
          [2, { flags: 0x40, value: "" }],
          [5, { flags: 0x40, value: u32(100) }],
          [16, { flags: 0xc0, value: VXLAN + routeTarget(65000, 100) }],
        ]),
      };
    }

    test("routes pass once, with the clusters they passed", () => {
      // From a client of the same reflector: one cluster.
      expect(wrong(only1, BOTH, ip4(cluster1), sentBy(BOTH))).toEqual([]);
      expect(wrong(only2, BOTH, ip4(cluster2), sentBy(BOTH))).toEqual([]);
      expect(wrong(both1, ONLY1, ip4(cluster1), sentBy(ONLY1))).toEqual([]);
      expect(wrong(both2, ONLY2, ip4(cluster2), sentBy(ONLY2))).toEqual([]);
      if (one) {
        // One cluster: the other reflector's copies are loops. Who peers with one reflector only does
        // not see the other's such clients (RFC 4456 section 7 has every client peer with both).
        expect(only2.table.get(EVPN, nlriOf(ONLY1))).toBeUndefined();
        expect(only1.table.get(EVPN, nlriOf(ONLY2))).toBeUndefined();
      } else {
        expect(wrong(only2, ONLY1, ip4(cluster2) + ip4(cluster1), sentBy(ONLY1))).toEqual([]);
        expect(wrong(only1, ONLY2, ip4(cluster1) + ip4(cluster2), sentBy(ONLY2))).toEqual([]);
      }
    });

    test("nothing comes back to its originator", () => {
      for (const each of [both1, both2, only1, only2]) {
        expect(each.table.get(EVPN, nlriOf(each.options.localAddress))).toBeUndefined();
      }
    });

    test("FRR holds each route from each reflector that has it", async () => {
      const routes = await frr.evpnRoutes();
      const peersOf = (address: string): string[] => {
        const [, paths] = [...routes].find(([key]) => key.startsWith(`${address}:`)) ?? ["", []];
        return paths.map(({ peerId }) => peerId ?? "").sort();
      };
      expect(peersOf(BOTH)).toEqual([RR2, RR]);
      expect(peersOf(ONLY1)).toEqual(one ? [RR] : [RR2, RR]);
      expect(peersOf(ONLY2)).toEqual(one ? [RR2] : [RR2, RR]);
    });

    test("withdrawn at one reflector, the route lives on through the other; withdrawn at both, it is gone", async () => {
      both1.send(withdrawOf(BOTH));
      if (one) {
        await only1.waitNoRoute(EVPN, nlriOf(BOTH));
      } else {
        await waitFor("the way through the other cluster", () => {
          const list = only1.table.get(EVPN, nlriOf(BOTH))?.attributes.get(10)?.value;
          return list === ip4(cluster1) + ip4(cluster2);
        });
      }
      expect(only2.table.get(EVPN, nlriOf(BOTH))).toBeDefined();
      both2.send(withdrawOf(BOTH));
      for (const each of [only1, only2]) await each.waitNoRoute(EVPN, nlriOf(BOTH));
      await waitFor("FRR to lose it", async () => {
        return ![...(await frr.evpnRoutes()).keys()].some((key) => key.startsWith(`${BOTH}:`));
      });
      await waitQuiet("tables", () => updates(), 500);
      expect(only1.table.get(EVPN, nlriOf(BOTH))).toBeUndefined();
      expect(only2.table.get(EVPN, nlriOf(BOTH))).toBeUndefined();
    });

    test("flapping on both at once ends without a stale path and without an echo", async () => {
      for (let round = 1; round <= 20; round += 1) {
        both1.send(announceOf(BOTH, round), withdrawOf(BOTH, round), announceOf(BOTH, round));
        both2.send(announceOf(BOTH, round), withdrawOf(BOTH, round));
        if (round % 2 === 0) both1.send(withdrawOf(BOTH, round));
      }
      both1.send(announceOf(BOTH, 99));
      both2.send(announceOf(BOTH, 99));
      for (const each of [only1, only2]) await each.waitRoute(EVPN, nlriOf(BOTH, 99));
      await waitQuiet("tables", () => updates(), 700);
      // Announced to rr1 alone and left there: the odd ones. In one cluster rr2's clients do not see them.
      const odd = Array.from({ length: 10 }, (_, index) => nlriOf(BOTH, 2 * index + 1));
      const left = (each: SpeakerClient): string[] =>
        each.table
          .routes()
          .map(({ nlri }) => nlri)
          .filter((nlri) => nlri.slice(8, 16) === ip4(BOTH))
          .sort();
      expect(left(only1)).toEqual([...odd, nlriOf(BOTH, 99)].sort());
      expect(left(only2)).toEqual([...(one ? [] : odd), nlriOf(BOTH, 99)].sort());
      const quiet = updates();
      await waitQuiet("tables", () => updates(), 1000);
      expect(updates()).toBe(quiet);
    });

    test("a lost session leaves nothing behind", async () => {
      both1.drop();
      both2.drop();
      only1.close();
      await waitFor("the last client to hold FRR's route alone", () => {
        const rest = only2.table.routes().map(({ nlri }) => nlri);
        if (rest.length !== 1) throw new Error(rest.join());
        return rest[0]?.slice(8, 16) === ip4(FRR);
      });
      // It is still served.
      only2.send(announce(EVPN, ip4(ONLY2), nlriOf(ONLY2, 5), extendedCommunities(VXLAN)));
      await waitFor("FRR to have the new route", async () => {
        return [...(await frr.evpnRoutes()).keys()].some((key) =>
          key.includes("[02:00:00:04:00:05]"),
        );
      });
    });
  });
});
