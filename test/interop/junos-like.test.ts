/**
 * A client that behaves as a Junos PE does, played by the scripted speaker (no Junos is at hand):
 * Junos's capabilities with the route-target family among them, MAC and MAC+IP as separate routes,
 * types 1 to 6, several NLRI per UPDATE, refresh by ROUTE-REFRESH. An FRR client listens beside it.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Lab } from "./lib/lab.js";
import {
  announce,
  endOfRib,
  ethernetAd,
  ethernetSegment,
  extendedCommunities,
  imet,
  ip4,
  ipPrefix,
  macIp,
  mobility,
  multiprotocol,
  pmsiIngress,
  rd,
  refresh,
  routeTarget,
  smet,
  u16,
  u32,
  u8,
  VXLAN,
  withdraw,
} from "./lib/messages.js";
import type { Capability } from "./lib/messages.js";
import { frrName } from "./lib/names.js";
import { differences } from "./lib/reflected.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor, waitQuiet } from "./lib/wait.js";
import { EVPN, MessageType, RTC, WireTable } from "./lib/wire.js";

const RR = "10.99.0.254";
const J1 = "10.99.0.1";
const J2 = "10.99.0.2";
const FRR = "10.99.0.3";
const HTTP = 8080;

/** No ADD-PATH, no extended message, no enhanced refresh; graceful restart as helper, LLGR without families. */
const JUNOS: readonly Capability[] = [
  multiprotocol(EVPN),
  multiprotocol(RTC),
  [128, ""],
  [2, ""],
  [64, "0078"],
  [65, u32(65000)],
  [71, ""],
];

const MAC = "2c6bf5aabb01";
const IP = ip4("10.100.0.11");
const ESI = "00112233445566778899";
const [L2, ES] = [rd(J1, 10), rd(J1, 0)];
const MAC_ONLY = macIp({ rd: L2, mac: MAC, label: 10100 });
const MAC_IP = macIp({ rd: L2, mac: MAC, ip: IP, label: 10100, label2: 50100 });
const ENCAPSULATED = extendedCommunities(VXLAN, routeTarget(65000, 10100));
const SMET = smet(L2, ip4("239.1.1.1"), ip4(J1), 0x04);

function routesOf(sequence: number): Buffer[] {
  const hop = ip4(J1);
  const moved = sequence === 0 ? [] : [mobility(sequence)];
  return [
    announce(
      EVPN,
      hop,
      ethernetAd(ES, ESI, 0xffffffff, 0),
      extendedCommunities(routeTarget(65000, 10100), "0601000000000000", VXLAN),
    ),
    announce(EVPN, hop, ethernetAd(L2, ESI, 0, 10100), ENCAPSULATED),
    announce(EVPN, hop, MAC_ONLY, extendedCommunities(VXLAN, routeTarget(65000, 10100), ...moved)),
    announce(
      EVPN,
      hop,
      MAC_IP +
        macIp({
          rd: L2,
          mac: MAC,
          ip: "20010db8010000000000000000000011",
          label: 10100,
          label2: 50100,
        }),
      extendedCommunities(
        VXLAN,
        routeTarget(65000, 10100),
        routeTarget(65000, 50100),
        "06032c6bf5aabbff",
        ...moved,
      ),
    ),
    // The gateway's own address.
    announce(
      EVPN,
      hop,
      macIp({
        rd: L2,
        mac: "2c6bf5aabbfe",
        ip: ip4("10.100.0.1"),
        label: 10100,
        esi: "0500000fde8000027740".padEnd(20, "0"),
      }),
      extendedCommunities(VXLAN, routeTarget(65000, 10100), "030d000000000000"),
    ),
    announce(
      EVPN,
      hop,
      imet(L2, hop),
      extendedCommunities(VXLAN, routeTarget(65000, 10100), "0609000100000000") +
        pmsiIngress(10100, hop),
    ),
    announce(
      EVPN,
      hop,
      ethernetSegment(ES, ESI, hop),
      extendedCommunities(VXLAN, "0602112233445566", "0606020000007530"),
    ),
    announce(
      EVPN,
      hop,
      ipPrefix(rd(J1, 500), 24, ip4("10.100.0.0"), 50100) +
        ipPrefix(rd(J1, 500), 64, "20010db8010000000000000000000000", 50100),
      extendedCommunities(VXLAN, routeTarget(65000, 50100), "06032c6bf5aabbff"),
    ),
    announce(EVPN, hop, SMET, ENCAPSULATED),
    endOfRib(EVPN),
  ];
}

describeInterop("a Junos-like client", ["frr"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let first: SpeakerClient;
  let second: SpeakerClient;
  let frr: Frr;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
    evpnd = await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      clients: "10.99.0.0/24",
      http: HTTP,
    });
    frr = await Frr.start({
      lab,
      label: "lo",
      name: "frr",
      address: FRR,
      config: frrClient({ address: FRR, reflectors: [RR] }),
    });
    const speaker = { lab, label: "lo", remoteAddress: RR, capabilities: JUNOS };
    first = await SpeakerClient.up({ ...speaker, localAddress: J1 });
    second = await SpeakerClient.up({ ...speaker, localAddress: J2 });
    await frr.waitEstablished(RR);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** What the second client lacks or has wrong of what the first announced. */
  function wrong(sent: readonly Buffer[]): string[] {
    const table = new WireTable();
    for (const each of sent) table.apply(each);
    const how = { originator: ip4(J1), cluster: ip4(RR) };
    return table
      .routes()
      .flatMap((route) =>
        differences(route, second.table.get(EVPN, route.nlri), how).map(
          (text) => `${route.nlri}: ${text}`,
        ),
      );
  }

  test("the session comes up without the route-target family, and ends its first table", async () => {
    const capabilities = first.opened?.subarray(29).toString("hex") ?? "";
    expect(capabilities).toContain(`0104${u16(25)}00${u8(70)}`);
    expect(capabilities).not.toContain(`0104${u16(1)}00${u8(132)}`);
    await waitFor("End-of-RIB", () => first.table.endOfRib.has(EVPN));
    const view = await evpnd.get<{ families: { family: string }[]; state: string }>(
      `/v1/peers/${J1}`,
    );
    expect(view.state).toBe("Established");
    expect(view.families.map(({ family }) => family)).toEqual(["l2vpn-evpn"]);
  });

  test("types 1 to 6 reach the other one byte for byte", async () => {
    const sent = routesOf(0);
    first.send(...sent);
    await waitFor("every route, unchanged", () => {
      const list = wrong(sent);
      if (list.length > 0) throw new Error(list.join("\n"));
      return true;
    });
    await waitFor("evpnd to have seen End-of-RIB", async () => {
      const view = await evpnd.get<{ families: { endOfRibReceived: boolean; accepted: number }[] }>(
        `/v1/peers/${J1}`,
      );
      return view.families[0]?.endOfRibReceived === true && view.families[0].accepted === 11;
    });
    await waitFor("FRR to have all but the type it does not know", async () => {
      const held = new Set((await frr.evpnRoutes()).keys());
      return second.table
        .routes(EVPN)
        .every(({ nlri }) => nlri === SMET || held.has(frrName(nlri) ?? ""));
    });
  });

  test("MAC and MAC+IP live apart", async () => {
    first.send(withdraw(EVPN, MAC_IP));
    await second.waitNoRoute(EVPN, MAC_IP);
    expect(second.table.get(EVPN, MAC_ONLY)).toBeDefined();
    first.send(withdraw(EVPN, MAC_ONLY), ...routesOf(0).slice(3, 4));
    await second.waitNoRoute(EVPN, MAC_ONLY);
    await second.waitRoute(EVPN, MAC_IP);
    const all = routesOf(1);
    first.send(...all);
    await waitFor("all of them, with the mobility sequence", () => wrong(all).length === 0);
  });

  test("an ESI or a label that changes is sent again", async () => {
    const changed = announce(
      EVPN,
      ip4(J1),
      macIp({ rd: L2, mac: MAC, label: 10200, esi: ESI }),
      ENCAPSULATED,
    );
    first.send(changed);
    await waitFor("the changed octets", () => wrong([changed]).length === 0);
  });

  test("ROUTE-REFRESH is answered from the table, without enhanced refresh's markers", async () => {
    await waitQuiet("the second client", () => second.updates.length, 300);
    const before = second.messages.length;
    const held = new Set(second.table.routes().map(({ nlri }) => nlri));
    second.send(refresh(EVPN));
    const again = new WireTable();
    await waitFor("every route again", () => {
      for (const { type, bytes } of second.messages.slice(before))
        if (type === MessageType.Update) again.apply(bytes);
      return again.size === held.size;
    });
    expect(new Set(again.routes().map(({ nlri }) => nlri))).toEqual(held);
    expect(
      second.messages.slice(before).filter(({ type }) => type === MessageType.Refresh),
    ).toEqual([]);
    // A refresh of the family that is not in use is ignored (RFC 2918 section 4).
    second.send(refresh(RTC));
    // So is a membership for it.
    second.send(announce(RTC, ip4(J2), `60${u32(65000)}${routeTarget(65000, 10100)}`));
    await waitQuiet("the session", () => second.messages.length, 300);
    expect(second.closed).toBe(false);
  });

  test("its end withdraws every route of it", async () => {
    first.close();
    await second.waitSize(0);
    await waitFor("FRR to hold none", async () => (await frr.evpnRoutes()).size === 0);
  });
});
