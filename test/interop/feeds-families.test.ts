/**
 * Feeds of sessions that use everything at once, judged by tshark and bgpdump: all families, several paths
 * (RFC 7911), restarts with routes kept (RFC 4724, RFC 9494), import and export rules, sessions that end
 * in each way. Two collectors with connections of their own, one of which is hostile.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { readMrt, updateOf, type MrtMessage, type MrtRib } from "../bgp/feeds/lib/mrt.js";
import type { Dumpcap } from "./lib/dumpcap.js";
import { BmpCollector } from "./lib/bmp-collector.js";
import { command } from "./lib/command.js";
import { Evpnd } from "./lib/evpnd.js";
import { Lab } from "./lib/lab.js";
import type { Capability } from "./lib/messages.js";
import {
  announce,
  announceMac,
  attribute,
  AS_PATH_EMPTY,
  endOfRib,
  extendedCommunities,
  ip4,
  LOCAL_PREF,
  mac,
  macIp,
  message,
  multiprotocol,
  notification,
  ORIGIN,
  rd,
  routeTarget,
  u16,
  u24,
  u32,
  u8,
  update,
  vpn,
} from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { asBmp, bmpTypes, captureOf, complaints, fields, startCapture } from "./lib/tshark.js";
import { waitFor } from "./lib/wait.js";
import { EVPN, IPV4, IPV6, RTC, VPN4, VPN6 } from "./lib/wire.js";

const RR = "10.99.0.254";
const PATHS = "10.99.0.1";
const KEPT = "10.99.0.2";
const PLAIN = "10.99.0.3";
const HTTP = 8179;
const ALL = 11019;
const SECOND = 11020;
const FAMILIES = [EVPN, IPV4, IPV6, VPN4, VPN6, RTC];
const HOP6 = "20010db8000000000000000000000001";
const V6 = "3020010db80001";

const BASE: readonly Capability[] = [...FAMILIES.map(multiprotocol), [2, ""], [65, u32(65000)]];
const tuple = (family: number): string => u16(family >> 8) + u8(family & 0xff);
/** Restart time 60 and long-lived for 600 seconds, forwarding kept, in every family that carries routes. */
const RESTART: readonly Capability[] = [
  [
    64,
    u16(60) +
      FAMILIES.slice(0, 5)
        .map((family) => `${tuple(family)}80`)
        .join(""),
  ],
  [
    71,
    FAMILIES.slice(0, 5)
      .map((family) => `${tuple(family)}80${u24(600)}`)
      .join(""),
  ],
];
/** Sends and receives several paths of EVPN and IPv4. */
const SEVERAL: Capability = [69, `${tuple(EVPN)}03${tuple(IPV4)}03`];

interface CollectorState {
  readonly name: string;
  readonly state: string;
  readonly connects: number;
  readonly dropped: number;
}

describeInterop("feeds of every family", ["tshark", "bgpdump"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let mrt: string;
  let captures: readonly [Dumpcap, Dumpcap];
  let first: BmpCollector;
  let second: BmpCollector;
  let paths: SpeakerClient;
  let kept: SpeakerClient;
  let plain: SpeakerClient;

  const collectors = async (): Promise<readonly CollectorState[]> =>
    (await evpnd.get<{ collectors: CollectorState[] }>("/v1/feeds")).collectors;
  const up = (localAddress: string, ...more: readonly Capability[]): Promise<SpeakerClient> =>
    SpeakerClient.up({
      lab,
      label: "lo",
      localAddress,
      remoteAddress: RR,
      capabilities: [...BASE, ...more],
      addPathIn: more.includes(SEVERAL) ? [EVPN, IPV4] : [],
    });

  /** What the one with routes to keep says, all of it. */
  function tellAll(speaker: SpeakerClient, med = 0): void {
    const more = extendedCommunities(routeTarget(65000, 7)) + attribute(0x80, 4, u32(med));
    const label = 0x641;
    speaker.send(
      announceMac(KEPT, 100, mac(2, 1)),
      announceMac(KEPT, 666, mac(2, 2)),
      announce(IPV6, HOP6, V6),
      announce(
        VPN4,
        `${"00".repeat(8)}${ip4(KEPT)}`,
        vpn([label], rd(KEPT, 7), 24, ip4("198.51.100.0")),
        more,
      ),
      announce(
        VPN6,
        `${"00".repeat(8)}${HOP6}`,
        vpn([label], rd(KEPT, 7), 48, "20010db80007"),
        more,
      ),
      announce(RTC, ip4(KEPT), `60${u32(65000)}${routeTarget(65000, 7)}`),
      announce(RTC, ip4(KEPT), `60${u32(65000)}${routeTarget(65000, 100)}`),
    );
    for (const family of FAMILIES) speaker.send(endOfRib(family));
  }

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16", "fd99::1/64"]);
    mrt = lab.makeDirectory("mrt");
    const relay = await lab.relay("lo");
    await relay.listen("127.0.0.1", ALL);
    await relay.listen("127.0.0.1", SECOND);
    captures = [await startCapture(lab, ALL), await startCapture(lab, SECOND)];
    const several = "{send: true, receive: true, limit: 4}";
    evpnd = await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      http: HTTP,
      config: `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: { listen: "127.0.0.1:${String(HTTP)}" }
policies:
  in:
    - { match: { vni: 666 }, then: reject }
    - { match: { vni: 100 }, set: { community: { add: "65000:100" } } }
  out:
    - { set: { med: 5 } }
dynamic-peers:
  - prefix: 10.99.0.0/24
    idle-hold: 0
    families: [l2vpn-evpn, ipv4-unicast, ipv6-unicast, ipv4-vpn, ipv6-vpn, route-target]
    add-path: { l2vpn-evpn: ${several}, ipv4-unicast: ${several} }
    graceful-restart: { long-lived: { enabled: true } }
    import-policy: [in]
    export-policy: [out]
bmp:
  sys-name: rr1
  collectors:
    - { name: all, address: 127.0.0.1, port: ${String(ALL)}, statistics-interval: 1,
        monitor: [adj-rib-in-pre, adj-rib-in-post, adj-rib-out-pre, adj-rib-out-post, loc-rib] }
    - { name: second, address: 127.0.0.1, port: ${String(SECOND)}, connect-retry-max: 1,
        monitor: [adj-rib-in-post, loc-rib] }
mrt:
  updates: { directory: ${mrt}, direction: both, rotate-seconds: 0 }
  tables: { directory: ${mrt}, interval: 0, view: pre-policy }
`,
    });
    [first, second] = await Promise.all([
      BmpCollector.accept(lab, ALL),
      BmpCollector.accept(lab, SECOND),
    ]);
    [paths, kept, plain] = await Promise.all([up(PATHS, SEVERAL), up(KEPT, ...RESTART), up(PLAIN)]);
    plain.send(announce(RTC, ip4(PLAIN), "00"), endOfRib(RTC));
    paths.send(announce(RTC, ip4(PATHS), "00"), endOfRib(RTC));
    const nlri = macIp({ rd: rd(PATHS, 1), mac: mac(1, 1), label: 100 });
    const set = ORIGIN + AS_PATH_EMPTY + attribute(0x40, 3, ip4(PATHS)) + LOCAL_PREF;
    for (const id of [7, 8]) {
      paths.send(announce(EVPN, ip4(PATHS), u32(id) + nlri, attribute(0x80, 4, u32(id))));
      paths.send(update(set + attribute(0x80, 4, u32(id)), `${u32(id)}18c63364`));
    }
    plain.send(update(set, "18c63364"));
    tellAll(kept);
    await waitFor("the last route at the last receiver", () => plain.table.size >= 5);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test("both collectors see paths by their ids, rules on both sides, every family", async () => {
    await waitFor("their pictures to be complete", () => {
      for (const { station } of [first, second]) {
        // Two paths of two destinations, and its membership.
        expect(station.routes(PATHS, "in-post").size).toBe(5);
        // VNI 666 is rejected.
        expect(station.routes(KEPT, "in-post").size).toBe(6);
        // Two peers' IPv4 routes are one destination, and so are their memberships.
        expect(station.routes("loc-rib", "loc-rib").size).toBe(9);
      }
      const { station } = first;
      expect(station.routes(KEPT, "in-pre").size).toBe(7);
      // Five of the others', two of them with ids, none of its own; and our membership.
      expect(station.routes(PATHS, "out-post").size).toBe(6);
      expect(
        [...station.routes(PATHS, "out-post").keys()].filter((key) => /^[0-9a-f]{8}\//.test(key))
          .length,
      ).toBe(2);
      // IPv4, as the export rule leaves it; of EVPN it wants other route targets.
      const marked = [...station.routes(KEPT, "out-post").values()];
      expect(marked.filter((route) => route.includes("80040400000005"))).toHaveLength(1);
      return true;
    });
  });

  test("a killed peer's routes leave its streams, stay in the loc-RIB, and come again with it", async () => {
    kept.drop();
    await waitFor("its Peer Down", () =>
      [first, second].every(({ station }) => station.downs.length > 0),
    );
    await waitFor("its Peer Down to say that it went without a word", () => {
      expect(first.station.downs).toEqual([`${KEPT} 4`]);
      // All but its memberships, which no restart keeps.
      expect(first.station.routes("loc-rib", "loc-rib").size).toBe(7);
      return true;
    });
    kept = await up(KEPT, ...RESTART);
    await waitFor("the kept routes to be told again", () => {
      for (const { station } of [first, second])
        expect(station.routes(KEPT, "in-post").size).toBe(4);
      return true;
    });
    tellAll(kept, 9);
    await waitFor("the new state of its routes", () => {
      const told = [...first.station.routes(KEPT, "in-pre").values()];
      expect(told.filter((route) => route.includes("80040400000009"))).toHaveLength(2);
      return true;
    });
  });

  test("it goes with a NOTIFICATION, another by command", async () => {
    kept.send(notification(6, 9));
    kept.drop();
    await waitFor("the Peer Down of its NOTIFICATION", () =>
      first.station.downs.includes(`${KEPT} 3`),
    );
    expect((await evpnd.request("POST", `/v1/peers/${PLAIN}/reset`, { text: "test" })).status).toBe(
      200,
    );
    await waitFor("the Peer Down of ours", () => first.station.downs.includes(`${PLAIN} 1`));
    await waitFor("the loc-RIB without what went for good", () => {
      for (const { station } of [first, second]) {
        expect([...station.peers.keys()].sort()).toEqual([PATHS, "loc-rib"]);
        expect(station.routes("loc-rib", "loc-rib").size).toBeGreaterThan(1);
      }
      return true;
    });
    [kept, plain] = await Promise.all([up(KEPT, ...RESTART), up(PLAIN)]);
    tellAll(kept, 11);
    await waitFor("it to be back", () => first.station.routes(KEPT, "in-pre").size === 7);
  });

  test("a collector that talks, and hangs up as soon as it is called, costs nobody anything", async () => {
    const held = await evpnd.get<{ established: number }>("/v1/summary");
    const before = first.station.types.length;
    for (let i = 0; i < 50; i++) second.say(Buffer.alloc(60_000, i));
    second.say(message(2, "00"));
    second.kill();
    for (let i = 0; i < 2; i++) (await BmpCollector.accept(lab, SECOND)).kill();
    const [all, other] = await collectors();
    expect(all).toMatchObject({ name: "all", state: "up", connects: 1, dropped: 0 });
    expect(other!.connects).toBeGreaterThan(1);
    expect(await evpnd.get<{ established: number }>("/v1/summary")).toMatchObject({
      established: held.established,
    });
    await waitFor(
      "the other to be told of statistics as before",
      () => first.station.types.length > before,
    );
    second = await BmpCollector.accept(lab, SECOND);
    await waitFor("it to know all again", () => {
      expect(second.station.routes("loc-rib", "loc-rib")).toEqual(
        first.station.routes("loc-rib", "loc-rib"),
      );
      return true;
    });
  });

  test("tshark reads all of it without a complaint", async () => {
    const seen = first.station.types.length;
    const [capture, other] = captures;
    await waitFor(
      "the capture to have what the collector read",
      async () => (await bmpTypes(capture.file, ALL)).length >= seen,
    );
    await Promise.all([capture.stop(), other.stop()]);
    expect(await complaints(capture.file, asBmp(ALL), "bmp")).toBe("");
    expect(await complaints(other.file, asBmp(SECOND), "bmp")).toBe("");
    const reach = "bgp.update.path_attribute.mp_reach_nlri";
    const names = [`${reach}.afi`, `${reach}.safi`, "bgp.nlri_path_id"];
    const frames = await fields(capture.file, asBmp(ALL), "bmp", names);
    const families = frames.flatMap(([afis, safis]) =>
      (afis ?? []).map((afi, i) => `${afi}/${safis?.[i] ?? ""}`),
    );
    expect([...new Set(families)].sort()).toEqual(["1/128", "1/132", "2/1", "2/128", "25/70"]);
    expect(frames.some(([, , ids]) => ids?.includes("7") === true)).toBe(true);
  });

  test("bgpdump reads the MRT files, with path ids", async () => {
    for (const path of ["/v1/mrt/dump", "/v1/mrt/rotate"]) {
      expect((await evpnd.request("POST", path)).status).toBe(200);
    }
    const names = readdirSync(mrt).sort();
    const rib = names.find((name) => name.startsWith("rib"))!;
    const updates = names.find((name) => name.startsWith("updates"))!;
    const rows = (text: string): string[] => text.trim().split("\n");
    const table = rows(await command("bgpdump", ["-m", "-v", join(mrt, rib)]));
    const route = (line: string): string => {
      const [kind, , , peer, , prefix, path] = line.split("|");
      return [kind, peer, prefix, path].join(" ");
    };
    expect(table.map(route).sort()).toEqual([
      `TABLE_DUMP2 ${KEPT} 2001:db8:1::/48 `,
      `TABLE_DUMP2_AP ${PATHS} 198.51.100.0/24 7`,
      `TABLE_DUMP2_AP ${PATHS} 198.51.100.0/24 8`,
    ]);
    const seen = rows(await command("bgpdump", ["-m", "-v", join(mrt, updates)]));
    for (const id of [7, 8]) {
      const line = `|A|${PATHS}|65000|198.51.100.0/24|${String(id)}||IGP|${PATHS}|100|${String(id)}|`;
      expect(seen.some((each) => each.startsWith("BGP4MP_ET_AP|") && each.includes(line))).toBe(
        true,
      );
    }
    const records = [rib, updates].flatMap((name) => readMrt(readFileSync(join(mrt, name))));
    const subtypes = records.flatMap((each) =>
      each.kind === "rib" || each.kind === "message"
        ? [`${each.kind} ${String(each.subtype)}`]
        : [],
    );
    expect([...new Set(subtypes)].sort()).toEqual([
      ...["message 11", "message 4", "message 7", "message 9"],
      ...["rib 12", "rib 4", "rib 6", "rib 8"],
    ]);
    const ribs = records.filter((each): each is MrtRib => each.kind === "rib");
    const messages = records.filter((each): each is MrtMessage => each.kind === "message");
    const file = join(lab.makeDirectory("mrt-pcap"), "messages.pcap");
    captureOf(file, [
      ...messages.map(({ bytes }) => bytes),
      ...ribs.flatMap((each) => each.entries.map((entry) => updateOf(each, entry))),
    ]);
    expect(await complaints(file, [], "bgp")).toBe("");
  });
});
