/**
 * Clients get what they want without RFC 4684: FRR by a list, GoBGP by what it announces, a scripted
 * client in shadow mode. And the other way round: evpnd as RT-constraint client of GoBGP is sent what its own
 * clients want, and no more.
 */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import {
  announce,
  endOfRib,
  extendedCommunities,
  ip4,
  mac,
  macIp,
  multiprotocol,
  rd,
  routeTarget,
  u32,
  VXLAN,
  withdraw,
} from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor, waitQuiet } from "./lib/wait.js";
import { EVPN, RTC } from "./lib/wire.js";

const HTTP = 8080;
const VNIS = [100, 200, 300];

interface InterestView {
  readonly peer: string;
  readonly by: string;
  readonly learning: boolean;
  readonly withheld: number;
  readonly wouldWithhold?: number;
}

const macOf = (address: string, vni: number): string =>
  macIp({ rd: rd(address, vni), mac: mac(1, vni), label: vni });

function announceAll(client: SpeakerClient, address: string): void {
  for (const vni of VNIS) {
    const more = extendedCommunities(VXLAN, routeTarget(65000, vni));
    client.send(announce(EVPN, ip4(address), macOf(address, vni), more));
  }
}

function macsIn(table: Iterable<string>): number[] {
  const found = [...table].flatMap((name) => {
    const last = /02:00:00:01:([0-9a-f]{2}):([0-9a-f]{2})/i.exec(name);
    return last === null ? [] : [parseInt(`${last[1]!}${last[2]!}`, 16)];
  });
  return found.sort((a, b) => a - b);
}

async function holds(what: string, read: () => Promise<number[]>, vnis: number[]): Promise<void> {
  await waitFor(`${what} to hold the MACs of ${vnis.join(" and ")}`, async () => {
    const now = await read();
    if (now.join() !== vnis.join()) throw new Error(now.join());
    return true;
  });
}

describeInterop("clients without RFC 4684", ["frr", "gobgp"], () => {
  const RR = "10.99.0.254";
  const SENDER = "10.99.0.1";
  const SHADOW = "10.99.0.2";
  const FRR = "10.99.0.3";
  const GOBGP = "10.99.0.4";
  const CONFIG = (list: string): string => `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: {listen: "127.0.0.1:${String(HTTP)}"}
peers:
  - {address: ${SENDER}, passive: true}
  - {address: ${SHADOW}, passive: true, route-target-inference: shadow}
  - {address: ${FRR}, passive: true, route-targets: [${list}]}
  # Called by evpnd: GoBGP itself takes seconds before it tries.
  - {address: ${GOBGP}, connect-retry: 1, idle-hold: 0, local-address: ${RR}, route-target-inference: "on", route-target-inference-hold: 2}
`;
  let lab: Lab;
  let config: string;
  let evpnd: Evpnd;
  let shadow: SpeakerClient;
  let frr: Frr;
  let gobgp: Gobgp;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
    config = lab.writeFile("evpnd.yaml", CONFIG('"65000:100", "65000:300"'));
    evpnd = await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      http: HTTP,
      extra: ["--config", config],
    });
    const options = { lab, label: "lo", remoteAddress: RR } as const;
    const sender = await SpeakerClient.up({ ...options, localAddress: SENDER });
    announceAll(sender, SENDER);
    sender.send(endOfRib(EVPN));
    shadow = await SpeakerClient.up({ ...options, localAddress: SHADOW });
    [frr, gobgp] = await Promise.all([
      Frr.start({
        lab,
        label: "lo",
        name: "frr",
        address: FRR,
        config: frrClient({ address: FRR, reflectors: [RR] }),
      }),
      Gobgp.start({
        lab,
        label: "lo",
        name: "gobgp",
        address: GOBGP,
        neighbor: RR,
        families: ["l2vpn-evpn"],
        gracefulRestart: true,
      }),
    ]);
    await Promise.all([frr.waitEstablished(RR), gobgp.waitEstablished()]);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  const frrMacs = async (): Promise<number[]> => macsIn((await frr.evpnRoutes()).keys());
  const gobgpMacs = async (): Promise<number[]> => macsIn((await gobgp.rib("evpn")).keys());

  test("FRR is sent what its list names, and what a new list names after a reload", async () => {
    await holds("FRR", frrMacs, [100, 300]);
    writeFileSync(config, CONFIG('"65000:200", "65000:300"'));
    const { status, body } = await evpnd.request("POST", "/v1/reload");
    expect([status, body]).toEqual([200, expect.any(String)]);
    await holds("FRR", frrMacs, [200, 300]);
    expect((await frr.neighbor(RR)).connectionsEstablished).toBe(1);
  });

  test("GoBGP is sent what it announces itself, from its End-of-RIB on", async () => {
    await holds("GoBGP", gobgpMacs, []);
    const imet = `multicast ${GOBGP} etag 0 rd ${GOBGP}:200 rt 65000:200 encap vxlan`;
    await gobgp.addEvpn(imet);
    await holds("GoBGP", gobgpMacs, [200]);
    await gobgp.cli("global", "rib", "del", "-a", "evpn", ...imet.split(" "));
    // Looked at every ten seconds, and counted for two more.
    await holds("GoBGP", gobgpMacs, []);
  });

  test("shadow mode sends everything and says what it would hold back", async () => {
    await waitFor("everything", () => shadow.table.routes(EVPN).length >= VNIS.length);
    const more = extendedCommunities(VXLAN, routeTarget(65000, 100));
    const own = macIp({ rd: rd(SHADOW, 100), mac: mac(2, 100), label: 100 });
    shadow.send(announce(EVPN, ip4(SHADOW), own, more), endOfRib(EVPN));
    await waitFor("the report", async () => {
      const { peers } = await evpnd.get<{ peers: InterestView[] }>("/v1/interest");
      const view = peers.find(({ peer }) => peer === SHADOW);
      if (view?.learning !== false || view.wouldWithhold !== 2)
        throw new Error(JSON.stringify(view));
      expect(view).toMatchObject({ by: "everything", withheld: 0 });
      return true;
    });
    expect(shadow.table.routes(EVPN)).toHaveLength(VNIS.length);
    const detail = await evpnd.get<object>(`/v1/interest/${FRR}`);
    expect(detail).toMatchObject({
      by: "list",
      targetList: [{ target: "65000:200" }, { target: "65000:300" }],
    });
  });
});

describeInterop("evpnd as RT-constraint client of GoBGP", ["gobgp"], () => {
  const RR = "10.99.0.254";
  const GOBGP = "10.99.0.4";
  /** Told the default membership alone: GoBGP 3.10 crashes when that comes beside others. */
  const SIMPLE = "10.99.0.5";
  const LISTED = "10.99.0.1";
  const ASKING = "10.99.0.2";
  const PLAIN = "10.99.0.3";
  let lab: Lab;
  let gobgp: Gobgp;
  let simple: Gobgp;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
    await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      config: `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: {listen: "off"}
peer-groups:
  reflectors: {client: false, families: [l2vpn-evpn, route-target], connect-retry: 1, idle-hold: 0, local-address: ${RR}}
peers:
  # Called by evpnd: GoBGP itself takes seconds before it tries.
  - {address: ${GOBGP}, group: reflectors}
  - {address: ${SIMPLE}, group: reflectors, default-membership: true}
  - {address: ${LISTED}, passive: true, route-targets: ["65000:100"]}
  - {address: ${ASKING}, passive: true, families: [l2vpn-evpn, route-target]}
  - {address: ${PLAIN}, passive: true}
`,
    });
    const start = async (address: string, apiPort: number): Promise<Gobgp> => {
      const started = await Gobgp.start({
        ...{ lab, label: "lo", name: `gobgp-${address}`, address, apiPort, neighbor: RR },
        families: ["l2vpn-evpn", "rtc"],
        gracefulRestart: true,
        reflector: true,
      });
      await started.waitEstablished();
      for (const vni of VNIS) {
        const [high, low] = [vni >> 8, vni & 255].map((n) => n.toString(16).padStart(2, "0"));
        const where = `label ${String(vni)} rd ${address}:${String(vni)} rt 65000:${String(vni)}`;
        const name = `02:00:00:01:${String(high)}:${String(low)}`;
        await started.addEvpn(`macadv ${name} 0.0.0.0 etag 0 ${where} encap vxlan`);
      }
      return started;
    };
    [gobgp, simple] = await Promise.all([start(GOBGP, 50051), start(SIMPLE, 50052)]);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** MACs that GoBGP has sent to evpnd. */
  const sentBy = (from: Gobgp) => async (): Promise<number[]> => {
    const text = await from.cli("neighbor", RR, "adj-out", "-a", "evpn");
    return macsIn(text.split("\n"));
  };

  const up = (localAddress: string, families: readonly number[]): Promise<SpeakerClient> =>
    SpeakerClient.up({
      ...{ lab, label: "lo", localAddress, remoteAddress: RR },
      capabilities: [...families.map(multiprotocol), [2, ""], [64, "0000"], [65, u32(65000)]],
    });

  test("nothing is asked for while nobody wants anything, unless by the default", async () => {
    await holds("evpnd", sentBy(simple), VNIS);
    await holds("evpnd", sentBy(gobgp), []);
  });

  test("what a client's list names, and what a client asks for itself", async () => {
    const listed = await up(LISTED, [EVPN]);
    await holds("evpnd", sentBy(gobgp), [100]);
    await listed.waitRoute(EVPN, macOf(GOBGP, 100));
    const asking = await up(ASKING, [EVPN, RTC]);
    const membership = `60${u32(65000)}${routeTarget(65000, 200)}`;
    asking.send(announce(RTC, ip4(ASKING), membership), endOfRib(RTC));
    await holds("evpnd", sentBy(gobgp), [100, 200]);
    for (const reflector of [GOBGP, SIMPLE]) {
      await asking.waitRoute(EVPN, macOf(reflector, 200));
      await listed.waitRoute(EVPN, macOf(reflector, 100));
    }
    asking.send(withdraw(RTC, membership));
    await holds("evpnd", sentBy(gobgp), [100]);
    await waitQuiet("the clients", () => listed.table.updates + asking.table.updates, 300);
    expect(listed.table.routes(EVPN)).toHaveLength(2);
    expect(asking.table.routes(EVPN)).toHaveLength(0);
  });

  test("a client that wants everything gets it", async () => {
    await gobgp.program.stop("SIGKILL");
    const plain = await up(PLAIN, [EVPN]);
    for (const vni of VNIS) await plain.waitRoute(EVPN, macOf(SIMPLE, vni));
    simple.program.mustRun();
  });
});
