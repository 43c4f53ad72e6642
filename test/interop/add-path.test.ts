/**
 * ADD-PATH (RFC 7911) with GoBGP, FRR, BIRD, scripted speakers and evpnd itself, as client and as the other
 * reflector: three PEs announce the same destinations, and each receiver holds the paths it should.
 */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Bird } from "./lib/bird.js";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import {
  addPath,
  announce,
  AS_PATH_EMPTY,
  attribute,
  endOfRib,
  extendedCommunities,
  ip4,
  LOCAL_PREF,
  mac,
  macIp,
  multiprotocol,
  ORIGIN,
  rd,
  refresh,
  routeTarget,
  u32,
  update,
  VXLAN,
  withdraw,
} from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor, waitQuiet } from "./lib/wait.js";
import { EVPN, IPV4 } from "./lib/wire.js";

const RR = "10.99.0.254";
const OTHER = "10.99.0.253";
const CLIENT = "10.99.0.252";
const BEHIND_FRR = ["10.99.0.21", "10.99.0.22"];
const RESTARTER = "10.99.0.23";
const PES = ["10.99.0.1", "10.99.0.2", "10.99.0.3"];
const GOBGP = "10.99.0.11";
const FRR = "10.99.0.12";
const BIRD = "10.99.0.13";
const TAKER = "10.99.0.14";
const BEHIND_OTHER = "10.99.0.15";
const BEHIND_CLIENT = "10.99.0.16";
const HTTP = 8080;
const DEST = macIp({ rd: rd("10.99.0.0", 7), mac: mac(7, 1), label: 100 });
const PREFIX = "18cb0071";
const BIRD_PREFIX = "18c63364";

const BOTH = (limit: number): string => {
  const option = `{send: true, receive: true, limit: ${String(limit)}}`;
  return `add-path: {l2vpn-evpn: ${option}, ipv4-unicast: ${option}}`;
};

/** The reflector under test. @param more of the scripted receiver */
function config(more: string): string {
  const families = "families: [l2vpn-evpn, ipv4-unicast]";
  return `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: {listen: "127.0.0.1:${String(HTTP)}"}
policies:
  without-first: [{match: {next-hop: ${PES[0]!}}, then: reject}, {then: accept}]
peers:
${PES.map((address) => `  - {address: ${address}, passive: true, ${families}}`).join("\n")}
  # Called by evpnd: GoBGP itself takes seconds before it tries.
  - {address: ${GOBGP}, connect-retry: 1, idle-hold: 0, local-address: ${RR}, ${families}, ${BOTH(2)}}
  - {address: ${FRR}, passive: true, ${families}, ${BOTH(8)}}
  - address: ${BIRD}
    passive: true
    families: [ipv4-unicast, ipv6-unicast]
    add-path:
      ipv4-unicast: {send: true, receive: true}
      ipv6-unicast: {send: true, receive: true}
  - {address: ${TAKER}, passive: true, ${families}, ${more}}
  - {address: ${RESTARTER}, passive: true, idle-hold: 0, ${families}, ${BOTH(8)}}
  - {address: ${OTHER}, passive: true, client: false, ${families}, ${BOTH(32)}}
  - {address: ${CLIENT}, passive: true, ${families}, ${BOTH(32)}}
`;
}

/** Another evpnd that knows the first, and one client of its own. */
function neighbourConfig(address: string, behind: string, http: number): string {
  const families = "families: [l2vpn-evpn, ipv4-unicast]";
  return `
as: 65000
router-id: ${address}
listen: ["${address}:179"]
http: {listen: "127.0.0.1:${String(http)}"}
peers:
  - {address: ${RR}, local-address: ${address}, client: false, connect-retry: 1, ${families}, ${BOTH(32)}}
  - {address: ${behind}, passive: true, ${families}, ${BOTH(8)}}
`;
}

/** Next hops and path ids that a speaker holds of a destination, in the order of the ids. */
function held(client: SpeakerClient, family: number, nlri: string): string[] {
  return client.table
    .routes(family)
    .filter((route) => route.nlri === nlri)
    .sort((a, b) => a.pathId - b.pathId)
    .map(({ pathId, nextHop }) => `${String(pathId)}:${nextHop}`);
}

function hops(addresses: readonly string[]): string {
  return addresses.map(ip4).sort().join();
}

async function holds(client: SpeakerClient, family: number, nlri: string, pes: readonly string[]) {
  await waitFor(`${client.options.localAddress} to hold ${pes.join()}`, () => {
    const now = held(client, family, nlri).map((text) => text.split(":")[1]!);
    if (now.sort().join() !== hops(pes)) throw new Error(now.join());
    return true;
  });
}

describeInterop("ADD-PATH", ["frr", "gobgp", "bird"], () => {
  let lab: Lab;
  let file: string;
  let evpnd: Evpnd;
  let pes: SpeakerClient[];
  let taker: SpeakerClient;
  let behindOther: SpeakerClient;
  let behindClient: SpeakerClient;
  let gobgp: Gobgp;
  let frr: Frr;
  let bird: Bird;

  const announceFrom = (pe: number, more = ""): void => {
    const hop = ip4(PES[pe]!);
    const targets = extendedCommunities(VXLAN, routeTarget(65000, 100));
    pes[pe]!.send(announce(EVPN, hop, DEST, more + targets), announce(IPV4, hop, PREFIX, more));
  };

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16", "fd99::1/64"]);
    const common = { lab, label: "lo" } as const;
    file = lab.writeFile("evpnd.yaml", config(BOTH(2)));
    evpnd = await Evpnd.start({ ...common, address: RR, http: HTTP, extra: ["--config", file] });
    const scripted = { ...common, remoteAddress: RR, families: [EVPN, IPV4] } as const;
    const taking = { addPathIn: [EVPN, IPV4] };
    const [gobgpUp, frrUp, birdUp] = await Promise.all([
      Gobgp.start({
        ...{ ...common, name: "gobgp", address: GOBGP, neighbor: RR },
        families: ["l2vpn-evpn", "ipv4-unicast"],
        addPath: { receive: true, sendMax: 4 },
      }),
      Frr.start({
        ...{ ...common, name: "frr", address: FRR },
        config: [
          ...frrClient({
            address: FRR,
            reflectors: [RR],
            families: ["l2vpn evpn", "ipv4 unicast"],
          }),
          ...BEHIND_FRR.flatMap((pe) => [
            ` neighbor ${pe} remote-as 65000`,
            ` neighbor ${pe} passive`,
          ]),
          ...["ipv4 unicast", "l2vpn evpn"].flatMap((family) => [
            ` address-family ${family}`,
            ...(family === "ipv4 unicast" ? [`  neighbor ${RR} addpath-tx-all-paths`] : []),
            ...BEHIND_FRR.flatMap((pe) => [
              `  neighbor ${pe} activate`,
              `  neighbor ${pe} route-reflector-client`,
            ]),
            " exit-address-family",
          ]),
        ],
      }),
      Bird.start({
        ...{ ...common, name: "bird", address: BIRD, address6: "fd99::1", neighbor: RR },
        ...{ ipv4: ["198.51.100.0/24"], ipv6: ["2001:db8:1::/48"] },
        channelWords: "add paths on;",
        lines: [
          "protocol static more4 { ipv4 { preference 150; }; route 198.51.100.0/24 blackhole { bgp_community.add((65000, 2)); }; }",
          "protocol static more6 { ipv6 { preference 150; }; route 2001:db8:1::/48 blackhole { bgp_community.add((65000, 2)); }; }",
        ],
      }),
      Evpnd.start({
        ...{ ...common, name: "other", address: OTHER },
        config: neighbourConfig(OTHER, BEHIND_OTHER, HTTP + 1),
      }),
      Evpnd.start({
        ...{ ...common, name: "client", address: CLIENT },
        config: neighbourConfig(CLIENT, BEHIND_CLIENT, HTTP + 2),
      }),
    ]);
    [gobgp, frr, bird] = [gobgpUp, frrUp, birdUp];
    const up = (localAddress: string, more: object): Promise<SpeakerClient> =>
      SpeakerClient.up({ ...scripted, localAddress, ...more });
    pes = await Promise.all(PES.map((address) => up(address, {})));
    [taker, behindOther, behindClient] = await Promise.all([
      up(TAKER, taking),
      up(BEHIND_OTHER, { ...taking, remoteAddress: OTHER }),
      up(BEHIND_CLIENT, { ...taking, remoteAddress: CLIENT }),
    ]);
    await Promise.all([gobgp.waitEstablished(), frr.waitEstablished(RR), bird.waitEstablished()]);
    for (const pe of PES.keys()) announceFrom(pe);
  }, 60_000);
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** GoBGP's next hops of a route, sorted. */
  async function gobgpHops(family: string, name: string): Promise<string[]> {
    const paths = [...(await gobgp.rib(family))].find(([key]) => key.includes(name))?.[1] ?? [];
    return paths
      .map(({ attrs }) => String(attrs.find(({ nexthop }) => nexthop !== undefined)?.["nexthop"]))
      .sort();
  }

  async function frrHops(): Promise<string[]> {
    const paths = [...(await frr.evpnRoutes())].find(([key]) => key.includes("00:07:00:01"))?.[1];
    return (paths ?? []).map(({ nexthops }) => nexthops?.[0]?.ip ?? "none").sort();
  }

  async function birdHops(): Promise<string[]> {
    const text = (await bird.learned()).get("203.0.113.0/24") ?? "";
    return [...text.matchAll(/BGP\.next_hop: (\S+)/g)].map(([, hop]) => hop!).sort();
  }

  async function waitHops(what: string, read: () => Promise<string[]>, pes: readonly string[]) {
    await waitFor(`${what} to hold the paths of ${pes.join()}`, async () => {
      const now = await read();
      if (now.join() !== pes.join()) throw new Error(now.join());
      return true;
    });
  }

  async function reload(taker: string): Promise<void> {
    writeFileSync(file, config(taker));
    expect(await evpnd.request("POST", "/v1/reload")).toMatchObject({ status: 200 });
  }

  const rows = [
    { family: EVPN, nlri: DEST },
    { family: IPV4, nlri: PREFIX },
  ] as const;

  async function allHold(pes: readonly string[]): Promise<void> {
    for (const { family, nlri } of rows) {
      await holds(taker, family, nlri, pes.slice(0, 2));
      await holds(behindOther, family, nlri, pes);
      await holds(behindClient, family, nlri, pes);
    }
    await waitHops("FRR", frrHops, pes);
    await waitHops("BIRD", birdHops, pes);
    await waitHops("GoBGP", () => gobgpHops("evpn", "00:07:00:01"), pes.slice(0, 2));
    await waitHops("GoBGP", () => gobgpHops("ipv4", "203.0.113.0/24"), pes.slice(0, 2));
  }

  test("each holds every path up to its limit", async () => {
    await allHold(PES);
    expect(held(taker, EVPN, DEST)).toEqual([`1:${ip4(PES[0]!)}`, `2:${ip4(PES[1]!)}`]);
    await waitFor("End-of-RIB", () => taker.table.endOfRib.has(EVPN));
  });

  test("a path that goes is withdrawn alone, and the next one takes its place", async () => {
    const before = taker.updates.length;
    pes[0]!.send(withdraw(EVPN, DEST), withdraw(IPV4, PREFIX));
    await allHold(PES.slice(1));
    for (const { family, nlri } of rows) {
      expect(held(taker, family, nlri)).toEqual([`2:${ip4(PES[1]!)}`, `3:${ip4(PES[2]!)}`]);
    }
    await waitQuiet("its updates", () => taker.updates.length, 200);
    // For each family one announcement and one withdrawal, none of the path that stays.
    expect(taker.updates.length - before).toBeLessThanOrEqual(4);
    announceFrom(0);
    await allHold(PES);
  });

  test("a path that changes goes out under its id, and others are left alone", async () => {
    const before = taker.updates.length;
    announceFrom(1, attribute(0xc0, 8, "fde80009"));
    await waitFor(
      "the community",
      () => taker.table.get(EVPN, DEST, 2)?.attributes.get(8)?.value === "fde80009",
    );
    await waitFor(
      "the community of IPv4",
      () => taker.table.get(IPV4, PREFIX, 2)?.attributes.get(8)?.value === "fde80009",
    );
    await waitQuiet("its updates", () => taker.updates.length, 200);
    expect(taker.updates.length - before).toBe(2);
    expect(held(taker, EVPN, DEST)).toEqual([`1:${ip4(PES[0]!)}`, `2:${ip4(PES[1]!)}`]);
    announceFrom(1);
    await waitFor("no community", () => !taker.table.get(EVPN, DEST, 2)?.attributes.has(8));
  });

  test("a refresh repeats the same paths under the same ids", async () => {
    const ids = held(taker, EVPN, DEST);
    const before = taker.updates.length;
    taker.send(refresh(EVPN));
    await waitFor("the paths once more", () =>
      taker.updates.slice(before).some((bytes) => bytes.includes(Buffer.from(DEST, "hex"))),
    );
    await waitQuiet("its updates", () => taker.updates.length, 200);
    expect(held(taker, EVPN, DEST)).toEqual(ids);
  });

  test("another limit and other rules apply to the session that is up", async () => {
    await reload(BOTH(3));
    for (const { family, nlri } of rows) await holds(taker, family, nlri, PES);
    await reload(BOTH(1));
    for (const { family, nlri } of rows) await holds(taker, family, nlri, PES.slice(0, 1));
    await reload(`${BOTH(2)}, export-policy: [without-first]`);
    for (const { family, nlri } of rows) await holds(taker, family, nlri, PES.slice(1));
    await reload(BOTH(2));
    await allHold(PES);
    const { establishedCount } = await evpnd.get<{ establishedCount: number }>(
      `/v1/peers/${TAKER}`,
    );
    expect(establishedCount).toBe(1);
  });

  test("the paths that BIRD, GoBGP and FRR send arrive, each under its id", async () => {
    const bird4 = await waitFor("two paths of BIRD's", () => {
      const now = behindOther.table.routes(IPV4).filter(({ nlri }) => nlri === BIRD_PREFIX);
      return now.length === 2 ? now : undefined;
    });
    expect(bird4.map(({ attributes }) => attributes.get(8)?.value ?? "").sort()).toEqual([
      "",
      "fde80002",
    ]);
    for (const id of [1, 2]) {
      await gobgp.cli(
        ...["global", "rib", "add", "-a", "ipv4", "192.0.2.0/24", "identifier", String(id)],
        ...["nexthop", GOBGP, "med", String(id)],
      );
    }
    await gobgp.addEvpn(
      "macadv 02:00:00:0b:00:01 0.0.0.0 etag 0 label 300 rd 10.99.0.11:300 rt 65000:300 encap vxlan",
    );
    const gobgps = macIp({ rd: rd(GOBGP, 300), mac: mac(11, 1), label: 300 });
    await holds(taker, EVPN, gobgps, [GOBGP]);
    await holds(taker, IPV4, "18c00002", [GOBGP, GOBGP]);

    const behind = await Promise.all(
      BEHIND_FRR.map((localAddress) =>
        SpeakerClient.up({
          ...{ lab, label: "lo", localAddress, remoteAddress: FRR },
          families: [EVPN, IPV4],
        }),
      ),
    );
    const route = macIp({ rd: rd("10.99.0.0", 8), mac: mac(12, 1), label: 100 });
    for (const [i, pe] of behind.entries()) {
      const hop = ip4(BEHIND_FRR[i]!);
      const targets = extendedCommunities(VXLAN, routeTarget(65000, 100));
      // FRR sends on an IPv4 route that came in MP_REACH_NLRI without any next hop.
      const classic = ORIGIN + AS_PATH_EMPTY + attribute(0x40, 3, hop) + LOCAL_PREF;
      pe.send(announce(EVPN, hop, route, targets), update(classic, "18c6336f"));
    }
    await holds(taker, IPV4, "18c6336f", BEHIND_FRR);
    // EVPN comes with path ids as well, once FRR sends several paths of anything, but one path only.
    await holds(taker, EVPN, route, BEHIND_FRR.slice(0, 1));
    behind[0]!.send(update("", "", "18c6336f"), withdraw(EVPN, route));
    await holds(taker, IPV4, "18c6336f", BEHIND_FRR.slice(1));
    await holds(taker, EVPN, route, BEHIND_FRR.slice(1));
    for (const pe of behind) pe.close();
    await holds(taker, IPV4, "18c6336f", []);
    await holds(taker, EVPN, route, []);
    await gobgp.cli(
      ...["global", "rib", "del", "-a", "ipv4", "192.0.2.0/24", "identifier", "1"],
      ...["nexthop", GOBGP, "med", "1"],
    );
    await holds(taker, IPV4, "18c00002", [GOBGP]);
  });

  test("a lost PE with graceful restart keeps its paths; what it does not repeat goes when it is back", async () => {
    const restart = [64, "40780019468000010180"] as const;
    const capabilities = [
      ...[multiprotocol(EVPN), multiprotocol(IPV4)],
      ...([
        [2, ""],
        [65, u32(65000)],
      ] as const),
      [69, addPath(EVPN, true, true)] as const,
      restart,
    ];
    const options = {
      ...{ lab, label: "lo", localAddress: RESTARTER, remoteAddress: RR, capabilities },
      addPathIn: [EVPN],
    };
    const own = macIp({ rd: rd("10.99.0.0", 9), mac: mac(13, 1), label: 100 });
    const targets = extendedCommunities(VXLAN, routeTarget(65000, 100));
    const pathOf = (id: number, hop: string): Buffer =>
      announce(EVPN, ip4(hop), u32(id) + own, targets);
    let pe = await SpeakerClient.up(options);
    pe.send(pathOf(0, PES[0]!), pathOf(0xffffffff, PES[1]!), endOfRib(EVPN), endOfRib(IPV4));
    await holds(taker, EVPN, own, PES.slice(0, 2));
    await holds(behindOther, EVPN, own, PES.slice(0, 2));
    const ids = held(taker, EVPN, own);
    const before = taker.updates.length;

    pe.drop();
    await waitFor("evpnd to see it gone", async () => {
      const peer = await evpnd.get<{ state: string }>(`/v1/peers/${RESTARTER}`);
      return peer.state !== "Established";
    });
    pe = await SpeakerClient.up(options);
    pe.send(pathOf(0, PES[0]!));
    await waitQuiet("its updates", () => taker.updates.length, 300);
    expect(held(taker, EVPN, own)).toEqual(ids);
    expect(taker.updates.length).toBe(before);
    pe.send(endOfRib(EVPN));
    await holds(taker, EVPN, own, PES.slice(0, 1));
    expect(held(taker, EVPN, own)).toEqual(ids.filter((text) => text.endsWith(ip4(PES[0]!))));
    await holds(behindOther, EVPN, own, PES.slice(0, 1));

    // A new attribute set under an id replaces the path; an id that was never used is ignored.
    pe.send(pathOf(0, PES[2]!), withdraw(EVPN, u32(77) + own));
    await holds(taker, EVPN, own, PES.slice(2));
    pe.send(withdraw(EVPN, u32(0) + own));
    await holds(taker, EVPN, own, []);
    pe.close();
  });

  test("a receiver that comes back is sent the same paths; those of a PE that goes are gone", async () => {
    taker.close();
    taker = await SpeakerClient.up(taker.options);
    await bird.birdc("restart reflector");
    await waitFor("BIRD to have lost the paths", async () => (await birdHops()).length === 0, {
      every: 5,
    });
    await bird.waitEstablished();
    await allHold(PES);
    pes[0]!.drop();
    await allHold(PES.slice(1));
    pes[0] = await SpeakerClient.up(pes[0]!.options);
    announceFrom(0);
    await allHold(PES);
  });

  test("nothing is left when all have withdrawn, and the audit has no complaint", async () => {
    for (const pe of pes) pe.send(withdraw(EVPN, DEST), withdraw(IPV4, PREFIX));
    await allHold([]);
    expect(await evpnd.get("/v1/audit")).toMatchObject({ ok: true, findings: [] });
  });
});
