/**
 * Maintenance of one of two reflectors: FRR and GoBGP, clients of both, move their best paths to the other
 * one's copies before the first goes down, and never are without a route. And an FRR that shuts down
 * gracefully as an eBGP peer is the last choice (RFC 8326).
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import { announceMac, mac } from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { IPV4 } from "./lib/wire.js";

const RR_A = "10.99.0.253";
const RR_B = "10.99.0.254";
const SENDER = "10.99.0.1";
const FRR = "10.99.0.3";
const GOBGP = "10.99.0.4";
const MACS = 200;
const HTTP: Readonly<Record<string, number>> = { [RR_A]: 8080, [RR_B]: 8081 };

interface View {
  readonly active: boolean;
  readonly drained: boolean;
  readonly peers: readonly { readonly peer: string; readonly state: string }[];
}

describeInterop("maintenance", ["frr", "gobgp"], () => {
  let lab: Lab;
  let first: Evpnd;
  let frr: Frr;
  let gobgp: Gobgp;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
    const start = (address: string): Promise<Evpnd> =>
      Evpnd.start({
        ...{ lab, label: "lo", name: `evpnd-${address}`, address, clients: "10.99.0.0/24" },
        http: HTTP[address] ?? 0,
      });
    [first] = await Promise.all([start(RR_A), start(RR_B)]);
    [frr, gobgp] = await Promise.all([
      Frr.start({
        ...{ lab, label: "lo", name: "frr", address: FRR },
        config: frrClient({ address: FRR, reflectors: [RR_A, RR_B] }),
      }),
      Gobgp.start({
        ...{ lab, label: "lo", name: "gobgp", address: GOBGP },
        neighbor: RR_A,
        others: [RR_B],
        families: ["l2vpn-evpn"],
      }),
    ]);
    for (const remoteAddress of [RR_A, RR_B]) {
      const options = { lab, label: "lo", localAddress: SENDER, remoteAddress };
      const sender = await SpeakerClient.up(options);
      for (let n = 0; n < MACS; n++) sender.send(announceMac(SENDER, 1, mac(1, n)));
      await Promise.all([frr.waitEstablished(remoteAddress), gobgp.waitEstablished(remoteAddress)]);
    }
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** How many routes the client has by each reflector's best path. */
  async function frrBest(): Promise<Record<string, number>> {
    const count: Record<string, number> = {};
    for (const paths of (await frr.evpnRoutes()).values()) {
      const best = paths.find(({ bestpath }) => bestpath === true);
      const from = best?.peerId ?? "none";
      count[from] = (count[from] ?? 0) + 1;
    }
    return count;
  }

  async function gobgpBest(): Promise<Record<string, number>> {
    const count: Record<string, number> = {};
    for (const [best] of (await gobgp.rib("evpn")).values()) {
      const from = best?.["neighbor-ip"] ?? "none";
      count[from] = (count[from] ?? 0) + 1;
    }
    return count;
  }

  async function prefer(reflector: string): Promise<void> {
    for (const read of [frrBest, gobgpBest]) {
      await waitFor(`${read.name}: all by ${reflector}`, async () => {
        const now = await read();
        // At no time has a client lost a route, wherever it takes it from.
        expect(Object.values(now).reduce((sum, each) => sum + each, 0)).toBe(MACS);
        if (now[reflector] !== MACS) throw new Error(JSON.stringify(now));
        return true;
      });
    }
  }

  async function post(path: string, body: object): Promise<View> {
    const answer = await first.request("POST", path, body);
    expect(answer).toMatchObject({ status: 200 });
    return JSON.parse(answer.body) as View;
  }

  test("clients hold both copies of every route", async () => {
    await waitFor("two paths each", async () => {
      const paths = [...(await frr.evpnRoutes()).values()];
      const rib = [...(await gobgp.rib("evpn")).values()];
      const full = [paths, rib].every(
        (table) => table.length === MACS && table.every((each) => each.length === 2),
      );
      if (!full) throw new Error(`${String(paths.length)} and ${String(rib.length)}`);
      return true;
    });
  });

  test("clients turn to the other reflector, without a reset, and come back", async () => {
    await post("/v1/maintenance/begin", { peers: "all", drainSeconds: 1 });
    await prefer(RR_B);
    await waitFor("all to be drained", async () => {
      const view = await first.get<View>("/v1/maintenance");
      if (!view.drained) throw new Error(JSON.stringify(view.peers));
      expect(view.peers.map(({ peer }) => peer).sort()).toEqual([SENDER, FRR, GOBGP].sort());
      return true;
    });
    expect(await first.get("/v1/summary")).toMatchObject({ maintenance: { drained: true } });
    expect(await first.get("/health")).toMatchObject({ maintenance: { all: true } });
    expect((await frr.neighbor(RR_A)).connectionsEstablished).toBe(1);
    await post("/v1/maintenance/end", { peers: "all" });
    expect(await first.get("/v1/maintenance")).toMatchObject({ active: false });
    // Equal again: the mark is gone from what the first one sends.
    await waitFor("the mark to be gone", async () => {
      const text = await frr.vtysh("show bgp l2vpn evpn route detail");
      if (/graceful-shutdown|65535:0/i.test(text)) throw new Error("still marked");
      return true;
    });
  });

  test("once drained the sessions are shut down, and nothing is lost", async () => {
    const text = "upgrade";
    const order = { peers: "all", drainSeconds: 2, then: "shutdown", text };
    await post("/v1/maintenance/begin", order);
    await prefer(RR_B);
    await waitFor("the session to be down", async () => {
      expect((await frr.evpnRoutes()).size).toBe(MACS);
      expect((await gobgp.rib("evpn")).size).toBe(MACS);
      const { state } = await frr.neighbor(RR_A);
      if (state === "Established") throw new Error(state);
      return true;
    });
    const { peers } = await first.get<View>("/v1/maintenance");
    expect(peers.find(({ peer }) => peer === FRR)?.state).toBe("shut-down");
    expect((await frr.neighbor(RR_A)).lastShutdownDescription ?? text).toContain(text);
    await first.program.stop("SIGTERM");
    expect(await frrBest()).toEqual({ [RR_B]: MACS });
    expect(await gobgpBest()).toEqual({ [RR_B]: MACS });
  });
});

describeInterop("graceful shutdown of an eBGP peer", ["frr"], () => {
  let lab: Lab;

  beforeAll(() => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test("FRR's routes are the last choice while it leaves", async () => {
    await Evpnd.start({
      lab,
      label: "lo",
      address: RR_B,
      config: `
as: 65000
router-id: ${RR_B}
listen: ["${RR_B}:179"]
http: {listen: "off"}
peers:
  - address: ${FRR}
    peer-as: 65010
    passive: true
    ttl: 2
    families: [ipv4-unicast]
    ebgp-accept-in: true
  - {address: ${SENDER}, passive: true, families: [ipv4-unicast]}
`,
    });
    const frr = await Frr.start({
      ...{ lab, label: "lo", name: "frr", address: FRR },
      config: [
        "router bgp 65010",
        ` bgp router-id ${FRR}`,
        " no bgp ebgp-requires-policy",
        " no bgp network import-check",
        ` neighbor ${RR_B} remote-as 65000`,
        ` neighbor ${RR_B} ebgp-multihop 2`,
        ` neighbor ${RR_B} update-source ${FRR}`,
        ` neighbor ${RR_B} timers connect 1`,
        " address-family ipv4 unicast",
        "  network 192.0.2.0/24",
        " exit-address-family",
      ],
    });
    const client = await SpeakerClient.up({
      ...{ lab, label: "lo", localAddress: SENDER, remoteAddress: RR_B },
      families: [IPV4],
    });
    await frr.waitEstablished(RR_B);
    const preference = async (wanted: number): Promise<void> => {
      const octets = `400504${wanted.toString(16).padStart(8, "0")}`;
      await waitFor(`LOCAL_PREF ${String(wanted)}`, () => {
        const last = client.updates.filter((one) => one.length > 30).at(-1);
        return last?.toString("hex").includes(octets) === true;
      });
    };
    await preference(100);
    await frr.configure("router bgp 65010", "bgp graceful-shutdown");
    await preference(0);
    await frr.configure("router bgp 65010", "no bgp graceful-shutdown");
    await preference(100);
  });
});
