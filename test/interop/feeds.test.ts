/**
 * Monitoring feeds judged by others: tshark decodes BMP, MRT and recordings without a complaint,
 * bgpdump reads MRT for the families it knows, and a fresh evpnd that is played a recording holds the
 * same routes.
 */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { readMrt, updateOf } from "../bgp/feeds/lib/mrt.js";
import type { Dumpcap } from "./lib/dumpcap.js";
import { Bird } from "./lib/bird.js";
import { BmpCollector } from "./lib/bmp-collector.js";
import { command } from "./lib/command.js";
import { DIST, Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Lab } from "./lib/lab.js";
import { announce, announceMac, ip4, mac, macIp, multiprotocol, rd } from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { asBmp, bmpTypes, captureOf, complaints, fields, startCapture } from "./lib/tshark.js";
import { waitFor } from "./lib/wait.js";
import { EVPN, IPV4 } from "./lib/wire.js";

const RR = "10.99.0.254";
const BIRD = "10.99.0.1";
const FRR = "10.99.0.2";
const OWN = "10.99.0.3";
const OLD = "10.99.0.4";
const HTTP = 8179;
const COLLECTOR = 11019;
const DEAF = 11020;
const CTL = join(DIST, "src", "cli", "main.js");
const CLIENTS = [BIRD, FRR, OWN, OLD];

interface CollectorState {
  readonly name: string;
  readonly state: string;
  readonly connects: number;
  readonly dropped: number;
}
interface FilesState {
  readonly records: number;
  readonly dropped: number;
  readonly alarm?: string;
}
interface FeedsState {
  readonly collectors: readonly CollectorState[];
  readonly eventLogBytes: number;
  readonly updates: FilesState;
}

async function frrWithRoutes(lab: Lab): Promise<Frr> {
  return Frr.start({
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
      "  network 198.18.0.0/15",
      "  network 198.18.7.0/24",
      " exit-address-family",
    ],
  });
}

describeInterop("feeds", ["bird", "frr", "tshark", "bgpdump"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let own: SpeakerClient;
  let old: SpeakerClient;
  let collector: BmpCollector;
  let capture: Dumpcap;
  let mrt: string;

  const feeds = (): Promise<FeedsState> => evpnd.get<FeedsState>("/v1/feeds");
  const post = async (path: string): Promise<{ file: string; records: number }> => {
    const { status, body } = await evpnd.request("POST", path);
    if (status !== 200) throw new Error(`${path}: ${String(status)} ${body}`);
    return JSON.parse(body) as { file: string; records: number };
  };

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16", "fd99::1/64"]);
    mrt = lab.makeDirectory("mrt");
    const relay = await lab.relay("lo");
    await relay.listen("127.0.0.1", COLLECTOR);
    await relay.listen("127.0.0.1", DEAF);
    capture = await startCapture(lab, COLLECTOR);
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
dynamic-peers:
  - prefix: 10.99.0.0/24
    families: [l2vpn-evpn, ipv4-unicast, ipv6-unicast]
bmp:
  sys-name: rr1
  backlog-limit: 1048576
  collectors:
    - { name: all, address: 127.0.0.1, port: ${String(COLLECTOR)}, statistics-interval: 1,
        monitor: [adj-rib-in-pre, adj-rib-in-post, adj-rib-out-pre, adj-rib-out-post, loc-rib] }
mrt:
  updates: { directory: ${mrt}, direction: both, rotate-seconds: 0 }
  tables: { directory: ${mrt}, interval: 0 }
recorder: { enabled: true, octets-per-peer: 1048576 }
`,
    });
    collector = await BmpCollector.accept(lab, COLLECTOR);
    const [, frr] = await Promise.all([
      Bird.start({
        lab,
        label: "lo",
        name: "bird",
        address: BIRD,
        address6: "fd99::1",
        neighbor: RR,
        ipv4: ["203.0.113.0/24", "192.0.2.1/32"],
        ipv6: ["2001:db8:1::/48"],
      }).then((bird) => bird.waitEstablished()),
      frrWithRoutes(lab),
    ]);
    await frr.waitEstablished(RR);
    // One with path ids on EVPN, and one without 4-octet ASes.
    own = await SpeakerClient.up({
      lab,
      label: "lo",
      localAddress: OWN,
      remoteAddress: RR,
      families: [EVPN],
    });
    old = await SpeakerClient.up({
      lab,
      label: "lo",
      localAddress: OLD,
      remoteAddress: RR,
      capabilities: [multiprotocol(EVPN), multiprotocol(IPV4)],
    });
    for (let id = 1; id <= 3; id++) own.send(announceMac(OWN, 100, mac(3, id)));
    old.send(announceMac(OLD, 100, mac(4, 1)), announceMac(OLD, 200, mac(4, 2)));
    await own.waitSize(2);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test("a collector knows who is up and what each has and gets", async () => {
    const { station } = collector;
    await waitFor("the collector to know all peers and End-of-RIBs", () => {
      const known = CLIENTS.every((address) => station.peers.has(address));
      return known && (station.peers.get("loc-rib")?.endOfRibs.length ?? 0) > 0;
    });
    await waitFor("its picture to be complete", () => {
      expect(station.routes(OWN, "in-pre").size).toBe(3);
      expect(station.routes(OWN, "in-post").size).toBe(3);
      expect(station.routes(OLD, "in-post").size).toBe(2);
      expect(station.routes(BIRD, "in-pre").size).toBe(3);
      expect(station.routes("loc-rib", "loc-rib").size).toBe(10);
      expect(station.routes(OWN, "out-post").size).toBe(2);
      // Its own routes are not sent back to it; FRR's and BIRD's IPv4 and the other's MAC are.
      expect(station.routes(OLD, "out-post").size).toBe(7);
      return true;
    });
    await waitFor("statistics", () => station.statistics.some((each) => each.get(7) === 3));
  });

  test("tshark reads every BMP message without a complaint", async () => {
    collector.kill();
    const again = await BmpCollector.accept(lab, COLLECTOR);
    await waitFor("the collector to be told all anew", () => {
      expect(again.station.routes("loc-rib", "loc-rib").size).toBe(10);
      expect(again.station.routes(OLD, "out-post")).toEqual(
        collector.station.routes(OLD, "out-post"),
      );
      return true;
    });
    old.close();
    await waitFor("a Peer Down", () => again.station.downs.length > 0);
    const bmp = asBmp(COLLECTOR);
    const seen = again.station.types.length + collector.station.types.length;
    await waitFor(
      "the capture to have what the collector read",
      async () => (await bmpTypes(capture.file, COLLECTOR)).length >= seen,
    );
    await capture.stop();
    expect(await complaints(capture.file, bmp, "bmp")).toBe("");
    const types = new Set(await bmpTypes(capture.file, COLLECTOR));
    expect([...types].sort()).toEqual(["0", "1", "2", "3", "4"]);
    expect((await feeds()).collectors[0]).toMatchObject({ state: "up", connects: 2, dropped: 0 });
  });

  test("bgpdump reads MRT, for the families it knows, as the tables are", async () => {
    const { file } = await post("/v1/mrt/dump");
    const rib = (await command("bgpdump", ["-m", "-v", file])).trim().split("\n");
    const rows = rib.map((line) => line.split("|"));
    expect(
      rows.map((row) => [row[0], row[3], row[4], row[5], row[7], row[8], row[9]].join(" ")).sort(),
    ).toEqual([
      `TABLE_DUMP2 ${BIRD} 65000 192.0.2.1/32 IGP ${BIRD} 100`,
      `TABLE_DUMP2 ${BIRD} 65000 2001:db8:1::/48 IGP fd99::1 100`,
      `TABLE_DUMP2 ${BIRD} 65000 203.0.113.0/24 IGP ${BIRD} 100`,
      `TABLE_DUMP2 ${FRR} 65000 198.18.0.0/15 IGP ${FRR} 100`,
      `TABLE_DUMP2 ${FRR} 65000 198.18.7.0/24 IGP ${FRR} 100`,
    ]);
    const updates = (await post("/v1/mrt/rotate")).file;
    const lines = (await command("bgpdump", ["-m", "-v", updates])).trim().split("\n");
    const seen = (start: string, end: string): boolean =>
      lines.some((line) => line.startsWith(start) && line.includes(end));
    expect(seen("BGP4MP_ET|", `|A|${BIRD}|65000|203.0.113.0/24||IGP|${BIRD}|100|`)).toBe(true);
    expect(seen("BGP4MP_ET|", `|STATE|${FRR}|65000|5|6`)).toBe(true);
    expect(seen("BGP4MP_ET_LOCAL|", `|A|${BIRD}|65000|198.18.7.0/24||IGP|${FRR}|100|`)).toBe(true);
  });

  test("tshark reads every message of the MRT files without a complaint, EVPN too", async () => {
    const files = readdirSync(mrt).sort();
    expect(files.every((name) => /^(rib|updates)\.\d{8}\.\d{6}(-\d+)?$/.test(name))).toBe(true);
    const messages = files.flatMap((name) => bgpMessagesOf(readFileSync(join(mrt, name))));
    const file = join(lab.makeDirectory("mrt-pcap"), "messages.pcap");
    captureOf(file, messages);
    expect(await complaints(file, [], "bgp")).toBe("");
    const frames = await fields(file, [], "bgp", ["bgp.type", "bgp.evpn.nlri.rt"]);
    expect(frames).toHaveLength(messages.length);
    expect(frames.some(([, types]) => types?.includes("2") === true)).toBe(true);
  });

  test("tshark reads the recordings; played to a fresh evpnd they make the same table", async () => {
    const file = join(lab.makeDirectory("recorder"), "all.pcap");
    await evpnctl("recorder", "export", "all", "--out", file);
    expect(await complaints(file, [], "tcp || bgp")).toBe("");
    const frames = await fields(file, [], "bgp", ["bgp.type", "ip.src", "ip.dst"]);
    const opens = frames.filter(([types]) => types?.[0] === "1");
    for (const address of CLIENTS) {
      expect(opens.filter(([, from]) => from?.[0] === address)).toHaveLength(1);
      expect(opens.filter(([, , to]) => to?.[0] === address)).toHaveLength(1);
      const said = frames.filter(([types, from]) => types?.includes("2") && from?.[0] === address);
      expect(said.length).toBeGreaterThan(0);
    }
    lab.namespace("fresh", []);
    const fresh = await Evpnd.start({
      lab,
      label: "fresh",
      name: "fresh",
      address: "127.0.0.1",
      clients: "127.0.0.0/8",
      families: ["l2vpn-evpn", "ipv4-unicast", "ipv6-unicast"],
      http: HTTP,
    });
    const player = lab.start("fresh", "replay", process.execPath, [
      ...[CTL, "replay", file, "--to", "127.0.0.1:179"],
    ]);
    await waitFor("the recording to be played", () => player.log().includes("until Ctrl-C"));
    await player.says("of 4 peers played");
    const wanted = await routesOf(evpnd);
    await waitFor("the tables to be the same", async () => {
      expect(await routesOf(fresh)).toEqual(wanted);
      return true;
    });
    await player.stop("SIGINT");
    await fresh.kill();
  });

  test("a collector that stops reading costs bounded memory, and no route is late for it", async () => {
    const config = readdirSync(lab.directory).find((name) => name.endsWith("-evpnd.yaml"))!;
    const path = join(lab.directory, config);
    const text = readFileSync(path, "utf8");
    const before = await evpnd.get<{ established: number }>("/v1/summary");
    writeFileSync(
      path,
      text.replace(
        "  collectors:\n",
        `  collectors:\n    - { name: deaf, address: 127.0.0.1, port: ${String(DEAF)},\n        monitor: [adj-rib-in-pre, adj-rib-in-post, adj-rib-out-post, loc-rib] }\n`,
      ),
    );
    expect((await evpnd.request("POST", "/v1/reload")).status).toBe(200);
    const relay = await lab.relay("lo");
    // Accepted, and never read.
    const deaf = await relay.accept("127.0.0.1", DEAF);
    expect(await evpnd.get<{ established: number }>("/v1/summary")).toMatchObject({
      established: before.established,
    });
    const receiver = await SpeakerClient.up({
      lab,
      label: "lo",
      localAddress: "10.99.0.5",
      remoteAddress: RR,
      families: [EVPN],
    });
    const most: number[] = [];
    // How much the kernel and the relay take before, is theirs.
    for (let round = 0; round < 200; round++) {
      const messages = Array.from({ length: 2000 }, (_unused, i) =>
        announce(EVPN, ip4(OWN), macIp({ rd: rd(OWN, 1), mac: mac(7, i), label: 100 + round })),
      );
      own.send(...messages);
      const last = macIp({ rd: rd(OWN, 1), mac: mac(7, 1999), label: 100 + round });
      await receiver.waitRoute(EVPN, last);
      most.push((await feeds()).eventLogBytes);
      if ((await feeds()).collectors[0]!.dropped > 0) break;
    }
    const { collectors } = await feeds();
    expect(collectors[0]).toMatchObject({ name: "deaf" });
    expect(collectors[0]!.dropped).toBeGreaterThan(0);
    expect(Math.max(...most)).toBeLessThanOrEqual(1048576);
    deaf.socket.destroy();
  });

  test("a full disk is an alarm, and it goes on when there is room", async () => {
    const directory = lab.makeDirectory("small");
    const starter = lab.writeFile(
      "small.sh",
      `#!/bin/sh\nmount -t tmpfs -o size=64k none ${directory} && exec ${process.execPath} "$@"\n`,
    );
    chmodSync(starter, 0o755);
    lab.namespace("small", ["10.98.0.1/16"]);
    const small = await Evpnd.start({
      lab,
      label: "small",
      name: "small",
      node: starter,
      address: "10.98.0.254",
      http: HTTP,
      config: `
as: 65000
router-id: 10.98.0.254
listen: ["10.98.0.254:179"]
http: { listen: "127.0.0.1:${String(HTTP)}" }
dynamic-peers: [{ prefix: 10.98.0.0/24 }]
mrt: { updates: { directory: ${directory} } }
`,
    });
    const talker = await SpeakerClient.up({
      lab,
      label: "small",
      localAddress: "10.98.0.1",
      remoteAddress: "10.98.0.254",
    });
    const state = async (): Promise<FilesState> =>
      (await small.get<FeedsState>("/v1/feeds")).updates;
    for (let i = 0; i < 2000; i++) talker.send(announceMac("10.98.0.1", 100, mac(1, i)));
    await waitFor("the alarm", async () => (await state()).alarm?.includes("disk is full"));
    expect((await state()).dropped).toBeGreaterThan(0);
    const inside = ["-t", String(small.program.pid), "-m", "sh", "-c"];
    await command("nsenter", [...inside, `mount -o remount,size=8m ${directory}`]);
    talker.send(announceMac("10.98.0.1", 100, mac(2, 1)));
    await waitFor("the end of the alarm", async () => (await state()).alarm === undefined);
    const { status, body } = await small.request("POST", "/v1/mrt/rotate");
    expect(`${String(status)} ${body}`).toMatch(/^200/);
    const { file } = JSON.parse(body) as { file: string };
    const copy = join(lab.makeDirectory("copy"), "updates");
    await command("nsenter", [...inside, `cat ${file} > ${copy}`]);
    // Whole records only, although the disk ran full in the middle of one.
    const records = readMrt(readFileSync(copy));
    expect(records.length).toBe((await state()).records);
    expect(talker.closed).toBe(false);
    talker.close();
  });

  /** What evpnctl prints, run inside the namespace. */
  function evpnctl(...args: string[]): Promise<string> {
    return lab.run("lo", process.execPath, [
      CTL,
      "--url",
      `http://127.0.0.1:${String(HTTP)}`,
      ...args,
    ]);
  }
});

/** Every route of every peer, without who it came from: stand-ins have other addresses. */
async function routesOf(evpnd: Evpnd): Promise<string[]> {
  interface ShownRoute {
    readonly nextHop: string;
    readonly originator: string;
    readonly nlriHex: string;
    readonly attributesHex: string;
  }
  const routes = await evpnd.routes<ShownRoute>("table=all");
  return routes
    .map(({ nextHop, originator, nlriHex, attributesHex }) =>
      [nlriHex, nextHop, originator, attributesHex].join(" "),
    )
    .sort();
}

/** All BGP messages in an MRT file; of a table dump the UPDATEs that its entries stand for. */
function bgpMessagesOf(file: Uint8Array): Uint8Array[] {
  return readMrt(file).flatMap((record) => {
    if (record.kind === "message") return [record.bytes];
    return record.kind === "rib" ? record.entries.map((entry) => updateOf(record, entry)) : [];
  });
}
