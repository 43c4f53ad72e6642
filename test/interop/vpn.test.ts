/**
 * VPNv4 and VPNv6 (RFC 4364, RFC 4659) of FRR, GoBGP, BIRD and scripted speakers through one evpnd,
 * constrained by route targets for those who know the constraint, beside EVPN.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import {
  announce,
  announceMac,
  endOfRib,
  extendedCommunities,
  ip4,
  mac,
  rd,
  refresh,
  routeTarget,
  u32,
  vpn,
  withdraw,
} from "./lib/messages.js";
import type { Program } from "./lib/processes.js";
import { command } from "./lib/command.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { EVPN, RTC, VPN4, VPN6 } from "./lib/wire.js";

const RR = "10.99.0.254";
const HTTP = 8179;
const FRR = "10.99.0.1";
const GOBGP = "10.99.0.2";
const BIRD = "10.99.0.3";
const OWN = "10.99.0.4";
const ASKING = "10.99.0.5";
const NO_RD = "00".repeat(8);
/** Label 100 with the bottom-of-stack bit. */
const LABEL = 0x641;
const BIRD_ROUTE = "198.51.100.0/24";
const FRR4 = "203.0.113.0/24";
const FRR6 = "2001:db8:1::/48";
const FRR_RD = "65000:1";

interface ShownRoute {
  readonly prefix: string;
  readonly nextHop: string;
  readonly nlri: { readonly labels: readonly { readonly mpls20: number }[] };
}

function ip6(address: string): string {
  const [front = "", back = ""] = address.split("::");
  const groups = (text: string): string[] =>
    text === "" ? [] : text.split(":").map((group) => group.padStart(4, "0"));
  const [head, tail] = [groups(front), groups(back)];
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0000");
  return [...head, ...zeros, ...tail].join("");
}

/** RD of type 0. */
function rd0(as: number, number: number): string {
  return `0000${as.toString(16).padStart(4, "0")}${u32(number)}`;
}

describeInterop("VPNv4 and VPNv6", ["frr", "gobgp", "bird"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let frr: Frr;
  let gobgp: Gobgp;
  let bird: Program;
  let birdSocket: string;
  let own: SpeakerClient;
  let asking: SpeakerClient;

  const frr4 = vpn([LABEL], rd0(65000, 1), 24, ip4("203.0.113.0"));
  const frr6 = vpn([LABEL], rd0(65000, 1), 48, ip6("2001:db8:1::"));
  const own4 = vpn([0xc81], rd(OWN, 7), 25, ip4("192.0.2.128"));
  const own6 = vpn([0xc81], rd(OWN, 7), 128, ip6("2001:db8:7::1"));

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16", "fd99::1/64"]);
    const families = ["l2vpn-evpn", "ipv4-vpn", "ipv6-vpn", "route-target"];
    evpnd = await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      clients: "10.99.0.0/24",
      families,
      http: HTTP,
    });
    const vrf = (family: string, prefix: string): string[] => [
      ` address-family ${family} vpn`,
      `  neighbor ${RR} route-map out-${family} out`,
      `  network ${prefix} rd ${FRR_RD} label 100`,
      " exit-address-family",
    ];
    birdSocket = `${lab.directory}/bird.ctl`;
    bird = lab.start("lo", "bird", "bird", [
      ...["-f", "-s", birdSocket, "-c"],
      lab.writeFile(
        "bird.conf",
        `router id ${BIRD};
log stderr all;
vpn4 table vpn4tab;
protocol device {}
protocol static { vpn4 { table vpn4tab; };
  route 65000:3 ${BIRD_ROUTE} via ${BIRD}%lo mpls 300 onlink { bgp_ext_community.add((rt, 65000, 3)); };
}
protocol bgp reflector {
  local ${BIRD} as 65000;
  neighbor ${RR} as 65000;
  strict bind yes;
  multihop;
  connect retry time 1;
  connect delay time 0;
  error wait time 1, 2;
  hold time 9;
  vpn4 mpls { table vpn4tab; import all; export all; next hop self; gateway recursive; };
}
`,
      ),
    ]);
    [frr, gobgp] = await Promise.all([
      Frr.start({
        lab,
        label: "lo",
        name: "frr",
        address: FRR,
        config: [
          ...frrClient({
            address: FRR,
            reflectors: [RR],
            families: ["l2vpn evpn", "ipv4 vpn", "ipv6 vpn"],
          }),
          ...vrf("ipv4", FRR4),
          ...vrf("ipv6", FRR6),
          "route-map out-ipv4 permit 10",
          " set extcommunity rt 65000:1",
          "route-map out-ipv6 permit 10",
          " set extcommunity rt 65000:1",
          " set ipv6 next-hop global fd99::1",
        ],
      }),
      Gobgp.start({
        lab,
        label: "lo",
        name: "gobgp",
        address: GOBGP,
        neighbor: RR,
        families: ["l3vpn-ipv4-unicast", "l3vpn-ipv6-unicast", "rtc"],
        gracefulRestart: true,
      }),
    ]);
    const capabilities = [
      ...[EVPN, VPN4, VPN6, RTC].map(
        (family) => [1, `${u32(((family >> 8) << 16) | (family & 255))}`] as const,
      ),
      [2, ""],
      [64, "0000"],
      [65, u32(65000)],
    ] as const;
    const options = { lab, label: "lo", remoteAddress: RR };
    own = await SpeakerClient.up({
      ...options,
      localAddress: OWN,
      families: [EVPN, VPN4, VPN6],
    });
    asking = await SpeakerClient.up({
      ...options,
      localAddress: ASKING,
      families: [EVPN, VPN4, VPN6, RTC],
      capabilities,
    });
    await Promise.all([frr.waitEstablished(RR), gobgp.waitEstablished()]);
    await waitFor("BIRD to be Established", async () => {
      bird.mustRun();
      const text = await command("birdc", ["-s", birdSocket, "show", "protocols", "reflector"]);
      if (!text.includes("Established")) throw new Error(text);
      return true;
    });
    for (const line of [
      "-a vpnv4 10.20.0.0/16 label 200 rd 65000:2 rt 65000:2",
      "-a vpnv6 2001:db8:2::/48 label 200 rd 65000:2 rt 65000:2 nexthop fd99::1",
    ]) {
      await gobgp.cli("global", "rib", "add", ...line.split(" "));
    }
    const target = extendedCommunities(routeTarget(65000, 7));
    own.send(
      announce(VPN4, NO_RD + ip4(OWN), own4, target),
      announce(VPN6, NO_RD + ip6("fd99::1"), own6, target),
      announceMac(OWN, 100, mac(4, 1)),
    );
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test("every route reaches the speaker as it was sent, next hop and RD kept", async () => {
    const four = await own.waitRoute(VPN4, frr4);
    expect(four.nlri).toBe(frr4);
    expect(four.nextHop).toBe(NO_RD + ip4(FRR));
    expect(four.attributes.get(16)?.value).toBe(routeTarget(65000, 1));
    expect(four.attributes.get(9)?.value).toBe(ip4(FRR));
    expect(four.attributes.get(10)?.value).toBe(ip4(RR));
    const six = await own.waitRoute(VPN6, frr6);
    expect(six.nlri).toBe(frr6);
    expect(six.nextHop.slice(0, 48)).toBe(NO_RD + ip6("fd99::1"));
    const gobgp4 = await own.waitRoute(VPN4, vpn([1], rd0(65000, 2), 16, ip4("10.20.0.0")));
    expect(gobgp4.nextHop).toBe(NO_RD + ip4(GOBGP));
    await own.waitRoute(VPN6, vpn([1], rd0(65000, 2), 48, ip6("2001:db8:2::")));
    const bird4 = await own.waitRoute(VPN4, vpn([1], rd0(65000, 3), 24, ip4("198.51.100.0")));
    // With "next hop self" BIRD says implicit null.
    expect(bird4.nlri.slice(2, 8)).toBe("000031");
    await own.waitSize(5);
  });

  test("FRR and BIRD hold the routes of the others", async () => {
    type Table = {
      routes: { routeDistinguishers: Record<string, Record<string, object>> };
    } & Record<string, unknown>;
    await waitFor("FRR to have VPNv4 and VPNv6 routes", async () => {
      const text = [
        JSON.stringify(await frr.json<Table>("show bgp ipv4 vpn")),
        JSON.stringify(await frr.json<Table>("show bgp ipv6 vpn")),
      ].join("\n");
      const missing = [
        "10.20.0.0",
        BIRD_ROUTE,
        "192.0.2.128/25",
        "2001:db8:2::/48",
        "2001:db8:7::1/128",
      ].filter((prefix) => !text.includes(prefix));
      if (missing.length > 0) throw new Error(`${missing.join()} in ${text}`);
      return true;
    });
    await waitFor("BIRD to have VPNv4 routes", async () => {
      const text = await command("birdc", [
        ...["-s", birdSocket, "show", "route", "table", "vpn4tab"],
      ]);
      const missing = ["10.20.0.0/16", FRR4, "192.0.2.128/25"].filter((p) => !text.includes(p));
      if (missing.length > 0) throw new Error(`${missing.join()} in ${text}`);
      return true;
    });
  });

  test("GoBGP is sent what its VRF imports", async () => {
    const names = async (): Promise<string> =>
      [...(await gobgp.rib("vpnv4")).keys(), ...(await gobgp.rib("vpnv6")).keys()].join();
    expect(await names()).not.toContain("203.0.113.0/24");
    await gobgp.cli("vrf", "add", "blue", "rd", "65000:20", "rt", "both", "65000:1");
    await waitFor("GoBGP to have FRR's routes", async () => {
      const now = await names();
      if (!now.includes(`${FRR_RD}:${FRR4}`) || !now.includes(`${FRR_RD}:${FRR6}`)) {
        throw new Error(now);
      }
      return true;
    });
    expect(await names()).not.toContain("192.0.2.128");
  });

  test("who knows the constraint is sent what it asked for, of both families and of EVPN", async () => {
    const ask = (target: string): void =>
      asking.send(announce(RTC, ip4(ASKING), `60${u32(65000)}${target}`));
    ask(routeTarget(65000, 7));
    asking.send(endOfRib(RTC));
    await asking.waitRoute(VPN4, own4);
    await asking.waitRoute(VPN6, own6);
    await waitFor("End-of-RIB", () =>
      [EVPN, VPN4, VPN6].every((family) => asking.table.endOfRib.has(family)),
    );
    expect(asking.table.routes(VPN4)).toHaveLength(1);
    expect(asking.table.routes(EVPN)).toHaveLength(0);
    ask(routeTarget(65000, 1));
    await asking.waitRoute(VPN4, frr4);
    await asking.waitRoute(VPN6, frr6);
    ask(routeTarget(65000, 100));
    await waitFor("the MAC", () => asking.table.routes(EVPN).length === 1);
    asking.send(withdraw(RTC, `60${u32(65000)}${routeTarget(65000, 1)}`));
    await asking.waitNoRoute(VPN4, frr4);
    expect(asking.table.get(VPN4, own4)).toBeDefined();
  });

  test("a new label replaces the old one; a withdrawal finds the route whatever label it has", async () => {
    const target = extendedCommunities(routeTarget(65000, 7));
    const relabelled = vpn([0xc90, 0xd01], rd(OWN, 7), 25, ip4("192.0.2.128"));
    own.send(announce(VPN4, NO_RD + ip4(OWN), relabelled, target));
    await waitFor("the new labels", () => asking.table.get(VPN4, own4)?.nlri === relabelled);
    own.send(withdraw(VPN4, vpn([0x800000], rd(OWN, 7), 25, ip4("192.0.2.128"))));
    await asking.waitNoRoute(VPN4, own4);
    await waitFor("FRR to lose it", async () => {
      return !(await frr.vtysh("show bgp ipv4 vpn json")).includes("192.0.2.128");
    });
    own.send(announce(VPN4, NO_RD + ip4(OWN), own4, target));
    await asking.waitRoute(VPN4, own4);
    // The form of RFC 3107's time.
    own.send(withdraw(VPN4, vpn([0], rd(OWN, 7), 25, ip4("192.0.2.128"))));
    await asking.waitNoRoute(VPN4, own4);
    own.send(announce(VPN4, NO_RD + ip4(OWN), own4, target));
    await asking.waitRoute(VPN4, own4);
  });

  test("FRR's withdrawal and a route refresh", async () => {
    await frr.configure(
      "router bgp 65000",
      "address-family ipv4 vpn",
      `no network ${FRR4} rd ${FRR_RD} label 100`,
    );
    await own.waitNoRoute(VPN4, frr4);
    const before = own.messages.length;
    own.send(refresh(VPN6));
    await waitFor("VPNv6 once more", () =>
      own.messages.slice(before).some(({ bytes }) => bytes.includes(Buffer.from(frr6, "hex"))),
    );
  });

  test("routes are shown with RD, prefix, label and next hop", async () => {
    const routes = await evpnd.routes<ShownRoute>("family=ipv4-vpn&vni=200");
    const shown = routes.map(({ prefix, nextHop, nlri }) => [
      prefix,
      nextHop,
      nlri.labels.map(({ mpls20 }) => mpls20),
    ]);
    expect(shown.sort()).toEqual([
      [`${OWN}:7:192.0.2.128/25`, OWN, [200]],
      ["65000:2:10.20.0.0/16", GOBGP, [200]],
    ]);
    const six = await evpnd.routes<ShownRoute>("family=ipv6-vpn&rd=65000:1");
    expect(six.map(({ prefix, nextHop }) => [prefix, nextHop.split(" ")[0]])).toEqual([
      [`${FRR_RD}:${FRR6}`, "fd99::1"],
    ]);
  });
});
