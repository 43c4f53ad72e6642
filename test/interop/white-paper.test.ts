/**
 * What the white paper behind the project asks of a control plane for E-VPN, sentence by sentence, each a
 * test by name. A fabric of FRR PEs with hosts, PEs played by the scripted speaker for what FRR cannot do
 * here, and a triple star of reflectors, of which none runs with privileges.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Fabric, hostOf, peAddress, PES, VNIS } from "./lib/fabric.js";
import { Lab } from "./lib/lab.js";
import { mac } from "./lib/messages.js";
import { MAX_ESI, PlayedPe } from "./lib/played-pe.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { WatchClient } from "./lib/watch-client.js";
import { EVPN, IPV4 } from "./lib/wire.js";

const STAR = ["10.99.0.254", "10.99.0.253", "10.99.0.252"] as const;
const PLAYED = ["10.99.0.11", "10.99.0.12"] as const;
const LISTENER = "10.99.0.13";
const HTTP = 8179;
const ESI = "00112233445566778899";
const BACKBONE = 500;
/** Four seconds of them. */
const PINGS = 200;

const config = (own: string): string => `
as: 65000
router-id: ${own}
listen: ["${own}:179"]
user: nobody
http: { listen: "127.0.0.1:${String(HTTP)}" }
dynamic-peers:
  - { prefix: 10.99.0.0/24, client: true, families: [l2vpn-evpn, ipv4-unicast] }
fib:
  enabled: true
  domains:
    - { name: servers, route-targets: ["65000:100"], host-routes: unicast }
    - { name: backbone, service: pbb, route-targets: ["65000:${String(BACKBONE)}"] }
`;

interface MacRow {
  readonly domain: string;
  readonly mac: string;
  readonly pe: string;
  readonly label: object;
  readonly esi?: string;
  readonly sequence: number;
  readonly nextHops: readonly { readonly address: string; readonly role: string }[];
  readonly bindings: readonly { readonly ip: string; readonly lost: boolean }[];
}

describeInterop("the white paper asks for", ["ping", "frr"], () => {
  let lab: Lab;
  let fabric: Fabric;
  const star = new Map<string, Evpnd>();
  /** The played PEs' sessions, by PE and then by reflector. */
  const played: PlayedPe[][] = [];

  beforeAll(async () => {
    lab = new Lab();
    fabric = new Fabric(lab, STAR);
    for (const address of STAR) fabric.attach(`rr${address.slice(-3)}`, address);
    await Promise.all(STAR.map(startOne));
    fabric.attach("played", PLAYED[0]);
    lab.ip(
      "played",
      [PLAYED[1], LISTENER].map((address) => `addr add ${address}/24 dev eth0`),
    );
    await Promise.all(PES.map((pe) => fabric.startPe(pe)));
    for (const pe of PES) for (const vni of VNIS) fabric.plug(pe, hostOf(pe, vni));
    for (const address of PLAYED) {
      played.push(await Promise.all(STAR.map((rr) => PlayedPe.up(lab, "played", address, rr))));
    }
    for (const rr of STAR) await Promise.all(PES.map((pe) => fabric.pe(pe).waitEstablished(rr)));
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  async function startOne(address: string): Promise<void> {
    const label = `rr${address.slice(-3)}`;
    const name = `${label}-${String(performance.now() | 0)}`;
    const options = { lab, label, name, address, http: HTTP, config: config(address) };
    star.set(address, await Evpnd.start(options));
  }

  async function killOne(address: string): Promise<void> {
    await star.get(address)?.kill();
    star.delete(address);
  }

  function reflector(index = 0): Evpnd {
    return star.get(STAR[index]!)!;
  }

  function macs(evpnd: Evpnd, query = ""): Promise<MacRow[]> {
    return evpnd.macs<MacRow>(query);
  }

  /** Every reflector that runs has the MAC so. */
  async function everyStarHas(of: string, wanted: object, domain = "servers"): Promise<void> {
    for (const [address, evpnd] of star) {
      await waitFor(`${of} in the FIB of ${address}`, async () => {
        const [row] = await macs(evpnd, `mac=${of}&domain=${domain}`);
        expect(row).toMatchObject(wanted);
        return true;
      });
    }
  }

  async function everyStarLacks(query: string): Promise<void> {
    for (const [address, evpnd] of star) {
      await waitFor(`nothing of ${query} in the FIB of ${address}`, async () => {
        return (await macs(evpnd, query)).length === 0;
      });
    }
  }

  /** A FIB without what is its own history and numbering. */
  async function contents(evpnd: Evpnd): Promise<string> {
    const rows = await macs(evpnd);
    return rows
      .map(({ domain, mac, pe, label, esi, sequence, nextHops, bindings }) => {
        const hops = nextHops.map(({ address, role }) => `${address} ${role}`).sort();
        const ips = bindings.map(({ ip, lost }) => `${ip} ${String(lost)}`).sort();
        return JSON.stringify({ domain, mac, pe, label, esi, sequence, hops, ips });
      })
      .sort()
      .join("\n");
  }

  async function allFibsEqual(): Promise<void> {
    await waitFor("all FIBs to be equal", async () => {
      const texts = await Promise.all([...star.values()].map(contents));
      for (const text of texts) expect(text).toBe(texts[0]);
      expect(texts[0]?.split("\n").length).toBeGreaterThanOrEqual(PES.length * VNIS.length);
      return true;
    });
  }

  /** Hosts of all PEs ping in a ring; gives how many answers each got. */
  function startPings(): Promise<string[]> {
    const pings = PES.map((pe) =>
      lab.run(hostOf(pe, 100).label, "ping", [
        ...["-n", "-q", "-i", "0.02", "-c", String(PINGS), "-W", "2"],
        hostOf((pe % 3) + 1, 100).address,
      ]),
    );
    return Promise.all(pings);
  }

  /** Every PE has the others' MACs from all reflectors that run. */
  async function everyPeHasAll(): Promise<void> {
    await waitFor("every PE to have every MAC from all reflectors", async () => {
      for (const pe of PES) {
        const routes = [...(await fabric.pe(pe).evpnRoutes())];
        for (const behind of PES.filter((each) => each !== pe)) {
          const { mac } = hostOf(behind, 100);
          const paths = routes.find(([prefix]) => prefix.includes(`[${mac}]`))?.[1] ?? [];
          if (new Set(paths.map(({ peerId }) => peerId)).size < star.size) return false;
        }
      }
      return true;
    });
  }

  /** Kills these while hosts ping: not one answer may be missing. */
  async function killWhilePinging(...addresses: readonly string[]): Promise<void> {
    await everyPeHasAll();
    const pings = startPings();
    for (const address of addresses) await killOne(address);
    for (const output of await pings) {
      expect(output).toContain(`${String(PINGS)} packets transmitted, ${String(PINGS)} received`);
    }
  }

  test("every client MAC in the control plane, so that one BGP route locates a station", async () => {
    for (const vni of VNIS) {
      await fabric.waitPing(hostOf(1, vni).label, hostOf(2, vni));
      await fabric.waitPing(hostOf(2, vni).label, hostOf(3, vni));
    }
    for (const pe of PES) {
      for (const vni of VNIS) {
        const host = hostOf(pe, vni);
        await everyStarHas(host.mac, { pe: peAddress(pe) }, vni === 100 ? "servers" : "65000:200");
        for (const other of PES.filter((each) => each !== pe)) {
          await fabric.waitFdb(other, host, peAddress(pe));
          const names = [...(await fabric.pe(other).evpnRoutes()).keys()];
          expect(names.filter((name) => name.includes(`[${host.mac}]`))).toHaveLength(1);
        }
      }
    }
    await allFibsEqual();
  });

  test("MAC mobility with a non-decreasing sequence", async () => {
    const host = hostOf(1, 100);
    fabric.plug(2, host, "twin");
    const moves = await WatchClient.open(
      reflector(),
      `/v1/watch/events?mac=${host.mac}&kinds=move`,
    );
    const sequences: number[] = [0];
    for (const [label, pe] of [
      ["twin", 2],
      [host.label, 1],
      ["twin", 2],
      [host.label, 1],
    ] as const) {
      await fabric.gratuitousArp(label, host.address);
      await everyStarHas(host.mac, { pe: peAddress(pe) });
      const [row] = await macs(reflector(), `mac=${host.mac}`);
      expect(row?.sequence).toBeGreaterThan(sequences.at(-1)!);
      sequences.push(row!.sequence);
    }
    await waitFor("the events", () => moves.events.length >= 4);
    const told = moves.events.map(({ sequence }) => sequence);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    moves.close();
    fabric.unplug(2, "twin");
    await fabric.waitPing(hostOf(3, 100).label, host);
  });

  test("all-active multihoming with load balancing and a designated forwarder", async () => {
    const station = mac(11, 1);
    for (const sessions of played) {
      for (const pe of sessions) {
        pe.perEs(ESI, [100]);
        pe.perEvi(ESI, 100);
        pe.segment(ESI);
      }
    }
    for (const pe of played[0]!) pe.mac({ vni: 100, mac: station, esi: ESI });
    await everyStarHas(station, { pe: PLAYED[0], nextHops: { length: 2 } });
    for (const evpnd of star.values()) {
      const [row] = await macs(evpnd, `mac=${station}`);
      const hops = row!.nextHops.map(({ address, role }) => `${address} ${role}`).sort();
      expect(hops).toEqual([`${PLAYED[0]} advertised`, `${PLAYED[1]} aliased`]);
      // VNI 100 of two PEs: 100 mod 2 is the first (RFC 7432 section 8.5).
      const segments = await evpnd.rows<{
        readonly mode: string;
        readonly forwarders: readonly object[];
      }>("/v1/fib/segments?", "segments", 50);
      expect(segments).toMatchObject([{ mode: "all-active" }]);
      expect(segments[0]?.forwarders).toMatchObject([{ domain: "servers", forwarder: PLAYED[0] }]);
    }
  });

  test("mass withdrawal and flush on segment loss", async () => {
    const stations = Array.from({ length: 1000 }, (_, n) => mac(12, n));
    for (const pe of played[0]!)
      pe.macs(stations.map((each) => ({ vni: 100, mac: each, esi: ESI })));
    await everyStarHas(stations.at(-1)!, { nextHops: { length: 2 } });
    const events = await WatchClient.open(reflector(), "/v1/watch/events");
    for (const pe of played[0]!) pe.withdrawPerEs(ESI);
    const left = { nextHops: [{ address: PLAYED[1], role: "aliased" }] };
    for (const each of [stations[0]!, stations.at(-1)!]) await everyStarHas(each, left);
    await waitFor("the event", () => events.events.length > 0);
    expect(events.events).toMatchObject([{ kind: "segment-down", from: PLAYED[0], count: 1001 }]);
    events.close();
    const lines = reflector().program.log().split("\n");
    const told = lines.filter((line) => line.includes("left an Ethernet segment"));
    expect(told).toHaveLength(1);
    expect(JSON.parse(told[0]!)).toMatchObject({ pe: PLAYED[0], macs: 1001 });
    // Without any PE, the MACs of the segment are reached nowhere.
    for (const pe of played[1]!) pe.withdrawPerEs(ESI);
    await everyStarHas(stations[0]!, { nextHops: [] });
    for (const pe of played[0]!) {
      pe.withdrawMacs([...stations, mac(11, 1)].map((each) => ({ vni: 100, mac: each })));
    }
    await everyStarLacks(`pe=${PLAYED[0]}`);
  });

  test("a host IP route that moves together with the MAC, so that L2 and L3 stay coherent", async () => {
    const station = { vni: 100, mac: mac(13, 1), ip: "c0a86463" };
    const route = "20c0a86463";
    const options = { lab, label: "played", localAddress: LISTENER, families: [EVPN, IPV4] };
    const listener = await SpeakerClient.up({ ...options, remoteAddress: STAR[0] });
    for (const [index, sessions] of played.entries()) {
      for (const pe of sessions) pe.mac({ ...station, sequence: index });
      const here = { pe: PLAYED[index], bindings: [{ ip: "192.168.100.99", lost: false }] };
      await everyStarHas(station.mac, here);
      await waitFor("the host route to be with the MAC", () => {
        const found = listener.table.get(IPV4, route);
        expect(found?.nextHop).toBe(`0a63000${index === 0 ? "b" : "c"}`);
        return true;
      });
    }
    for (const sessions of played) for (const pe of sessions) pe.withdrawMacs([station]);
    await everyStarLacks(`mac=${station.mac}`);
    await listener.waitNoRoute(IPV4, route);
    listener.close();
  });

  test("PBB-EVPN's backbone MACs carried the same way", async () => {
    const events = await WatchClient.open(reflector(), "/v1/watch/events?kinds=flush,move");
    const backbone = { vni: BACKBONE, mac: mac(14, 1), esi: MAX_ESI };
    for (const sessions of played) for (const pe of sessions) pe.mac({ ...backbone, sequence: 1 });
    // Of one segment: every PE that announces it is a next hop, and none is a move (RFC 7623 section 6).
    await everyStarHas(backbone.mac, { nextHops: { length: 2 } }, "backbone");
    for (const pe of played[0]!) pe.mac({ ...backbone, sequence: 2 });
    await waitFor("the flush of its customers' MACs", () => events.events.length > 0);
    expect(events.events.map(({ kind }) => kind)).toEqual(["flush"]);
    events.close();
    for (const sessions of played) for (const pe of sessions) pe.withdrawMacs([backbone]);
    await everyStarLacks("domain=backbone");
  });

  test("mass withdrawal and flush on node loss", async () => {
    const stations = Array.from({ length: 100 }, (_, n) => mac(15, n));
    const last = stations.at(-1)!.match(/../g)!.join(":");
    for (const pe of played[1]!) pe.macs(stations.map((each) => ({ vni: 100, mac: each })));
    await everyStarHas(last, { pe: PLAYED[1] });
    const host = { label: "played", vni: 100, mac: last, address: "" };
    await fabric.waitFdb(1, host, PLAYED[1]);
    // The node dies: no word, and its connections end.
    for (const pe of played[1]!) pe.speaker.drop();
    await everyStarLacks(`pe=${PLAYED[1]}`);
    await fabric.waitFdb(1, host, undefined);
    await allFibsEqual();
  });

  test("the FIB virtualised on ordinary x86 reflectors: plain processes without a privilege", async () => {
    for (const evpnd of star.values()) {
      const text = readFileSync(`/proc/${String(evpnd.program.pid)}/status`, "utf8");
      const line = (name: string): string =>
        new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)?.[1] ?? "";
      expect(line("Uid").split("\t")).toEqual(Array(4).fill("65534"));
      expect([line("CapEff"), line("CapPrm")]).toEqual(Array(2).fill("0".repeat(16)));
      expect((await macs(evpnd)).length).toBeGreaterThan(0);
    }
  });

  test("a triple star of reflectors: two of three are killed, no ping is lost, all FIBs equal", async () => {
    await allFibsEqual();
    const before = await contents(reflector(2));
    await killWhilePinging(STAR[0], STAR[1]);
    expect(await contents(reflector(2))).toBe(before);
    await Promise.all([startOne(STAR[0]), startOne(STAR[1])]);
    await allFibsEqual();
    expect(await contents(reflector(0))).toBe(before);
  });

  test("a dual star of reflectors: one of two is killed, no ping is lost, both FIBs equal", async () => {
    await killOne(STAR[2]);
    const before = await contents(reflector(1));
    await killWhilePinging(STAR[0]);
    expect(await contents(reflector(1))).toBe(before);
    await startOne(STAR[0]);
    await allFibsEqual();
    expect(await contents(reflector(0))).toBe(before);
  });
});
