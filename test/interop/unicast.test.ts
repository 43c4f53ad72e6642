/** IPv4 and IPv6 unicast of BIRD 2 and FRR through the same evpnd, beside EVPN. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Bird } from "./lib/bird.js";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Lab } from "./lib/lab.js";
import { announceMac, ip4, mac, macIp, rd, u32 } from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { EVPN, IPV4, IPV6 } from "./lib/wire.js";

const RR = "10.99.0.254";
const BIRD = "10.99.0.1";
const FRR = "10.99.0.2";
const OWN = "10.99.0.3";
const BIRD_HOP6 = "fd99::1";
const FRR_HOP6 = "fd99::2";
const BIRD4 = ["203.0.113.0/24", "198.51.100.128/25", "192.0.2.1/32"];
const BIRD6 = ["2001:db8:1::/48", "2001:db8:ffff::1/128"];
const FRR4 = ["198.18.0.0/15", "198.18.7.0/24"];
const FRR6 = ["2001:db8:2::/48"];

describeInterop("IPv4 and IPv6 unicast with BIRD and FRR", ["bird", "frr"], () => {
  let lab: Lab;
  let bird: Bird;
  let frr: Frr;
  let own: SpeakerClient;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16", "fd99::1/64"]);
    await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      clients: "10.99.0.0/24",
      families: ["l2vpn-evpn", "ipv4-unicast", "ipv6-unicast"],
    });
    [bird, frr, own] = await Promise.all([
      Bird.start({
        lab,
        label: "lo",
        name: "bird",
        address: BIRD,
        address6: BIRD_HOP6,
        neighbor: RR,
        ipv4: BIRD4,
        ipv6: BIRD6,
      }),
      Frr.start({
        lab,
        label: "lo",
        name: "frr",
        address: FRR,
        config: [
          ...frrClient({
            address: FRR,
            reflectors: [RR],
            families: ["l2vpn evpn", "ipv4 unicast", "ipv6 unicast"],
          }),
          " address-family ipv4 unicast",
          ...FRR4.map((prefix) => `  network ${prefix}`),
          " exit-address-family",
          " address-family ipv6 unicast",
          ...FRR6.map((prefix) => `  network ${prefix}`),
          // Over IPv4 it would send a mapped next hop, which BIRD refuses.
          `  neighbor ${RR} route-map v6 out`,
          " exit-address-family",
          "route-map v6 permit 10",
          ` set ipv6 next-hop global ${FRR_HOP6}`,
        ],
      }),
      SpeakerClient.up({
        lab,
        label: "lo",
        localAddress: OWN,
        remoteAddress: RR,
        families: [EVPN, IPV4, IPV6],
      }),
    ]);
    await Promise.all([bird.waitEstablished(), frr.waitEstablished(RR)]);
    own.send(announceMac(OWN, 100, mac(3, 1)));
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** Prefix length octet and the octets that count. */
  function nlri(prefix: string): string {
    const [address = "", bits = "0"] = prefix.split("/");
    const octets = Math.ceil(Number(bits) / 8);
    const whole = address.includes(":") ? ip6(address) : ip4(address);
    return Number(bits).toString(16).padStart(2, "0") + whole.slice(0, octets * 2);
  }

  test("the speaker is sent every prefix, next hop and attributes kept", async () => {
    const all = [
      ...[...BIRD4, ...BIRD6].map((prefix) => ({ prefix, from: BIRD })),
      ...[...FRR4, ...FRR6].map((prefix) => ({ prefix, from: FRR })),
    ];
    for (const { prefix, from } of all) {
      const family = prefix.includes(":") ? IPV6 : IPV4;
      const route = await own.waitRoute(family, nlri(prefix));
      expect(route.attributes.get(9)?.value).toBe(ip4(from));
      expect(route.attributes.get(10)?.value).toBe(ip4(RR));
      expect(route.attributes.get(5)?.value).toBe(u32(100));
      if (family === IPV4) expect(route.nextHop).toBe(ip4(from));
      else expect(route.nextHop.slice(0, 32)).toBe(ip6(from === BIRD ? BIRD_HOP6 : FRR_HOP6));
    }
    await own.waitSize(all.length);
  });

  test("BIRD holds FRR's prefixes, FRR holds BIRD's", async () => {
    await waitFor("BIRD to have FRR's prefixes", async () => {
      const learned = await bird.learned();
      return [...FRR4, ...FRR6].every((prefix) => learned.has(prefix));
    });
    const learned = await bird.learned();
    expect([...learned.keys()].sort()).toEqual([...FRR4, ...FRR6].sort());
    expect(learned.get(FRR4[0] ?? "")).toMatch(/BGP.originator_id: 10\.99\.0\.2/);
    expect(learned.get(FRR4[0] ?? "")).toMatch(/BGP.cluster_list: 10\.99\.0\.254/);
    expect(learned.get(FRR4[0] ?? "")).toMatch(/BGP.next_hop: 10\.99\.0\.2/);
    type Table = { routes: Record<string, { peerId?: string; path?: string }[]> };
    for (const [family, list] of [
      ["ipv4", BIRD4],
      ["ipv6", BIRD6],
    ] as const) {
      await waitFor(`FRR to have BIRD's ${family} prefixes`, async () => {
        const { routes } = await frr.json<Table>(`show bgp ${family} unicast`);
        return list.every((prefix) => routes[prefix]?.some(({ peerId }) => peerId === RR));
      });
    }
  });

  test("EVPN runs beside it", async () => {
    await waitFor("FRR to have the MAC", async () => {
      return [...(await frr.evpnRoutes()).keys()].some((key) =>
        key.includes("[02:00:00:03:00:01]"),
      );
    });
    expect(
      own.table.get(EVPN, macIp({ rd: rd(OWN, 100), mac: mac(3, 1), label: 100 })),
    ).toBeUndefined();
  });

  test("withdraws follow", async () => {
    await bird.birdc("disable static4");
    for (const prefix of BIRD4) await own.waitNoRoute(IPV4, nlri(prefix));
    await frr.configure(
      "router bgp 65000",
      "address-family ipv6 unicast",
      `no network ${FRR6[0] ?? ""}`,
    );
    await own.waitNoRoute(IPV6, nlri(FRR6[0] ?? ""));
    await waitFor("BIRD to lose it", async () => !(await bird.learned()).has(FRR6[0] ?? ""));
    await own.waitSize(BIRD6.length + FRR4.length);
    await bird.birdc("enable static4");
    await own.waitSize(BIRD4.length + BIRD6.length + FRR4.length);
  });
});

/** 32 hex digits of an IPv6 address. */
function ip6(address: string): string {
  const [front = "", back = ""] = address.split("::");
  const groups = (text: string): string[] =>
    text === "" ? [] : text.split(":").map((group) => group.padStart(4, "0"));
  const [head, tail] = [groups(front), groups(back)];
  return [
    ...head,
    ...Array.from({ length: 8 - head.length - tail.length }, () => "0000"),
    ...tail,
  ].join("");
}
