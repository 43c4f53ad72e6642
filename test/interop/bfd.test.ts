/** BFD with FRR's bfdd and with BIRD: up, timers, a cut link takes BGP down and comes back. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { CANARY_MARK } from "../lib/canary.js";
import { Bird } from "./lib/bird.js";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Lab } from "./lib/lab.js";
import { announce, ip4, macIp, rd } from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { EVPN } from "./lib/wire.js";

const HTTP = 8080;
/** evpnd's end and the other one, by link. */
const NEAR = ["10.77.1.1", "10.77.1.2"] as const;
const NEAR6 = ["fd77:1::1", "fd77:1::2"] as const;
const BIRD = ["10.77.2.1", "10.77.2.2"] as const;
const FAR_LINK = ["10.77.3.1", "10.77.3.2"] as const;
const FAR = ["10.88.0.1", "10.88.0.3"] as const;
const LOAD = ["10.77.4.1", "10.77.4.2"] as const;
/** Of at most 16 octets. */
const KEY = CANARY_MARK;
const ROUTES = 200_000;

/** @param fast milliseconds of the two quickest sessions */
const config = (keyFile: string, minRx = 150, fast = 100): string => `
as: 65000
router-id: 10.88.0.1
listen: ["0.0.0.0:179", "[::]:179"]
http: { listen: "127.0.0.1:${String(HTTP)}" }
peer-groups:
  base: { hold-time: 90, connect-retry: 1, idle-hold: 1, idle-hold-max: 1, evpn-types-out: [3] }
peers:
  - { address: ${LOAD[1]}, group: base, passive: true }
  - { address: ${NEAR[1]}, group: base, passive: true, bfd: { min-tx-ms: 100, min-rx-ms: ${String(minRx)} } }
  - { address: "${NEAR6[1]}", group: base, bfd: { min-tx-ms: ${String(fast)}, min-rx-ms: ${String(fast)} } }
  - { address: ${FAR[1]}, group: base, local-address: ${FAR[0]}, bfd: true }
  - address: ${BIRD[1]}
    group: base
    families: [ipv4-unicast]
    bfd:
      min-tx-ms: ${String(fast)}
      min-rx-ms: ${String(fast)}
      strict: true
      auth: { type: meticulous-keyed-sha1, key-id: 7, key-file: ${keyFile} }
`;

interface PeerView {
  readonly state: string;
  readonly lastError?: string;
  readonly establishedCount: number;
  readonly bfd?: { readonly state: string; readonly diag: string };
}
interface BfdView {
  readonly sessions: readonly {
    readonly peer: string;
    readonly state: string;
    readonly multihop: boolean;
    readonly txIntervalMs: number;
    readonly detectionTimeMs: number;
    readonly remoteMultiplier: number;
    readonly upCount: number;
    readonly downCount: number;
  }[];
  readonly stats: { readonly ttlChecked: boolean; readonly unknownSource: number };
}
interface FrrBfdPeer {
  readonly peer: string;
  readonly status: string;
  readonly "remote-receive-interval": number;
  readonly "remote-transmit-interval": number;
  readonly "remote-detect-multiplier": number;
}

describeInterop("BFD", ["frr", "bird"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let near: Frr;
  let far: Frr;
  let bird: Bird;
  let keyFile: string;

  const peer = (address: string) => evpnd.get<PeerView>(`/v1/peers/${encodeURIComponent(address)}`);

  async function session(address: string) {
    const { sessions } = await evpnd.get<BfdView>("/v1/bfd");
    const found = sessions.find((candidate) => candidate.peer === address);
    if (found === undefined) throw new Error(`no BFD session with ${address}`);
    return found;
  }

  function load(text: string): void {
    const words = readFileSync(`/proc/${String(evpnd.program.pid)}/cmdline`, "utf8").split("\0");
    writeFileSync(words[words.indexOf("--config") + 1]!, text);
    evpnd.program.signal("SIGHUP");
  }

  function allUp(address: string) {
    return waitFor(`BFD and BGP with ${address}`, async () => {
      const view = await peer(address);
      if (view.state === "Established" && view.bfd?.state === "Up") return true;
      throw new Error(JSON.stringify([view.state, view.lastError, view.bfd]));
    });
  }

  function wire(
    label: string,
    near4: readonly [string, string],
    near6?: readonly [string, string],
  ) {
    lab.namespace(label);
    lab.ip("rr", [
      `link add ${label} type veth peer name eth0 netns ${lab.name(label)}`,
      `addr add ${near4[0]}/24 dev ${label}`,
      ...(near6 === undefined ? [] : [`addr add ${near6[0]}/64 dev ${label} nodad`]),
      `link set ${label} up`,
    ]);
    lab.ip(label, [
      `addr add ${near4[1]}/24 dev eth0`,
      ...(near6 === undefined ? [] : [`addr add ${near6[1]}/64 dev eth0 nodad`]),
      "link set eth0 up",
    ]);
  }

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("rr", [`${FAR[0]}/32`]);
    wire("near", NEAR, NEAR6);
    wire("bird", BIRD);
    wire("far", FAR_LINK);
    wire("load", LOAD);
    lab.ip("far", [`addr add ${FAR[1]}/32 dev lo`, `route add ${FAR[0]}/32 via ${FAR_LINK[0]}`]);
    lab.ip("rr", [`route add ${FAR[1]}/32 via ${FAR_LINK[1]}`]);
    keyFile = lab.secretFile("bfd-key", KEY);
    evpnd = await Evpnd.start({
      lab,
      label: "rr",
      address: NEAR[0],
      config: config(keyFile),
      http: HTTP,
    });
    const nearConfig = frrClient({
      address: NEAR[1],
      reflectors: [NEAR[0]],
      neighborLines: ["bfd 4 120 80"],
    });
    const v6 = ["remote-as 65000", "timers 3 9", "timers connect 1", "bfd 3 50 50"];
    const family = nearConfig.findIndex((line) => line.startsWith(" address-family"));
    nearConfig.splice(family, 0, ...v6.map((line) => ` neighbor ${NEAR6[0]} ${line}`));
    nearConfig.splice(family + v6.length + 1, 0, `  neighbor ${NEAR6[0]} activate`);
    [near, far, bird] = await Promise.all([
      Frr.start({
        lab,
        label: "near",
        name: "near",
        address: NEAR[1],
        bfd: [],
        config: nearConfig,
      }),
      Frr.start({
        lab,
        label: "far",
        name: "far",
        address: FAR[1],
        bfd: [],
        config: frrClient({ address: FAR[1], reflectors: [FAR[0]], neighborLines: ["bfd"] }),
      }),
      Bird.start({
        lab,
        label: "bird",
        name: "bird",
        address: BIRD[1],
        address6: "fd77:2::2",
        neighbor: BIRD[0],
        ipv4: [],
        ipv6: [],
        direct: true,
        bgpLines: ["  bfd on;"],
        lines: [
          "protocol bfd {",
          '  interface "*" {',
          "    interval 50 ms;",
          "    multiplier 3;",
          "    authentication meticulous keyed sha1;",
          `    password "${KEY}" { id 7; };`,
          "  };",
          "}",
        ],
      }),
    ]);
  }, 120_000);
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test("FRR, one hop: up, with the timers both agreed on", async () => {
    await allUp(NEAR[1]);
    const { stats } = await evpnd.get<BfdView>("/v1/bfd");
    expect(stats.ttlChecked).toBe(true);
    const found = await waitFor("the fast timers", async () => {
      const view = await session(NEAR[1]);
      return view.txIntervalMs === 120 && view.detectionTimeMs === 4 * 150 ? view : undefined;
    });
    expect(found).toMatchObject({ multihop: false, remoteMultiplier: 4 });
    const peers = await near.json<FrrBfdPeer[]>("show bfd peers");
    expect(peers.find((entry) => entry.peer === NEAR[0])).toMatchObject({
      status: "up",
      "remote-receive-interval": 150,
      "remote-transmit-interval": 100,
      "remote-detect-multiplier": 3,
    });
  });

  test("FRR over IPv6, and over several hops", async () => {
    await Promise.all([allUp(NEAR6[1]), allUp(FAR[1])]);
    expect((await session(NEAR6[1])).multihop).toBe(false);
    expect((await session(FAR[1])).multihop).toBe(true);
  });

  test("BIRD with authentication; BGP waits for BFD", async () => {
    await allUp(BIRD[1]);
    expect(await bird.birdc("show bfd sessions")).toMatch(/10\.77\.2\.1\s+\S+\s+Up/);
  });

  test("other timers after a reload, without a flap", async () => {
    const before = await session(NEAR[1]);
    const { establishedCount } = await peer(NEAR[1]);
    load(config(keyFile, 250));
    await waitFor("the new detection time", async () => {
      return (await session(NEAR[1])).detectionTimeMs === 4 * 250;
    });
    await waitFor("FRR to know", async () => {
      const peers = await near.json<FrrBfdPeer[]>("show bfd peers");
      const entry = peers.find((candidate) => candidate.peer === NEAR[0]);
      return entry?.["remote-receive-interval"] === 250;
    });
    expect(await session(NEAR[1])).toMatchObject({
      upCount: before.upCount,
      downCount: before.downCount,
    });
    expect((await peer(NEAR[1])).establishedCount).toBe(establishedCount);
  });

  for (const [name, label, address] of [
    ["FRR", "near", NEAR[1]],
    ["FRR, several hops", "far", FAR[1]],
    ["BIRD", "bird", BIRD[1]],
  ] as const) {
    test(`a silent link to ${name} takes BGP down long before its hold timer, and back`, async () => {
      await allUp(address);
      const { establishedCount } = await peer(address);
      // Nothing passes any more, and no carrier tells either side.
      await lab.run(label, "tc", ["qdisc", "add", "dev", "eth0", "root", "blackhole"]);
      const cut = performance.now();
      const down = await waitFor("BGP to go down", async () => {
        const view = await peer(address);
        return view.state === "Established" ? undefined : view;
      });
      // Well below the hold time, which is 9 s there: detection takes 0.3 to 1.2 s.
      expect(performance.now() - cut).toBeLessThan(6000);
      expect(down.lastError).toMatch(/BFD/);
      await lab.run(label, "tc", ["qdisc", "del", "dev", "eth0", "root"]);
      await allUp(address);
      expect((await peer(address)).establishedCount).toBe(establishedCount + 1);
    });
  }

  test("a peer that switches BFD off keeps its BGP session", async () => {
    await allUp(FAR[1]);
    const { establishedCount } = await peer(FAR[1]);
    const session = `peer ${FAR[0]} multihop local-address ${FAR[1]}`;
    await far.configure("bfd", session, "shutdown");
    await waitFor("BFD to be down", async () => (await peer(FAR[1])).bfd?.state !== "Up");
    expect(await peer(FAR[1])).toMatchObject({ state: "Established", establishedCount });
  });

  test("200,000 routes come and go, five times, while three packets in 150 ms decide: nobody is lost", async () => {
    const fast = [NEAR6[1], BIRD[1]];
    await Promise.all(fast.map((address) => allUp(address)));
    load(config(keyFile, 250, 50));
    await waitFor("the fast timers", async () => {
      const views = await Promise.all(fast.map((address) => session(address)));
      return views.every(
        ({ txIntervalMs, detectionTimeMs }) => txIntervalMs === 50 && detectionTimeMs === 150,
      );
    });
    const messages = floodOf(ROUTES);
    // Others may keep the machine from running anybody for 150 ms, now and then; a thread that our table
    // starves is starved each time.
    const lost: number[] = [];
    while (lost.length < 5 && lost.at(-1) !== 0) {
      const before = await Promise.all(fast.map((address) => session(address)));
      for (let round = 0; round < 5; round++) {
        const speaker = await SpeakerClient.up({
          lab,
          label: "load",
          localAddress: LOAD[1],
          remoteAddress: LOAD[0],
        });
        speaker.send(messages);
        await waitFor("the routes to be there", async () => (await routes()) >= ROUTES);
        speaker.close();
        await waitFor("the routes to be gone", async () => (await routes()) < ROUTES / 100);
      }
      const after = await Promise.all(fast.map((address) => session(address)));
      lost.push(after.reduce((sum, view, at) => sum + view.downCount - before[at]!.downCount, 0));
    }
    expect(lost.at(-1)).toBe(0);
  });

  async function routes(): Promise<number> {
    const { destinations } = await evpnd.get<{ readonly destinations: number }>("/v1/summary");
    return destinations;
  }
});

/** UPDATEs with so many MAC routes. */
function floodOf(count: number): Buffer {
  const distinguisher = rd(LOAD[1], 1);
  const messages: Buffer[] = [];
  for (let at = 0; at < count; at += 100) {
    let nlri = "";
    for (let number = at; number < at + 100; number++) {
      const mac = `02${number.toString(16).padStart(10, "0")}`;
      nlri += macIp({ rd: distinguisher, mac, label: 1 });
    }
    messages.push(announce(EVPN, ip4(LOAD[1]), nlri));
  }
  return Buffer.concat(messages);
}
