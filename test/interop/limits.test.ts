/** Limits with an FRR PE and a scripted speaker as clients, and GoBGP beside them that must not notice. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Fabric, hostOf, peAddress } from "./lib/fabric.js";
import type { Frr } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import { announce, attribute, ip4, ipPrefix, macIp, rd, u32, withdraw } from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { EVPN } from "./lib/wire.js";

const RR = "10.99.0.254";
const GOBGP = "10.99.0.11";
const SPEAKER = "10.99.0.12";
const PE = peAddress(1);
const HTTP = 8080;
const RESTART = 4;
const STOP = `{ in: [{ family: l2vpn-evpn, maximum: 8, action: stop }], restart-seconds: ${String(RESTART)} }`;

interface Limits {
  readonly pe?: string;
  readonly gobgp?: string;
  readonly speaker?: string;
}

const config = ({ pe, gobgp, speaker }: Limits): string => `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: { listen: "127.0.0.1:${String(HTTP)}" }
peer-groups:
  base: { passive: true, idle-hold: 1, idle-hold-max: 1, hold-time: 9 }
peers:
  - { address: ${PE}, group: base, limits: ${pe ?? "{}"} }
  - { address: ${GOBGP}, group: base, limits: ${gobgp ?? "{}"} }
  - { address: ${SPEAKER}, group: base, limits: ${speaker ?? "{}"} }
`;

interface PeerView {
  readonly state: string;
  readonly establishedCount: number;
  readonly lastError?: string;
  readonly limits?: {
    readonly routes: readonly {
      readonly direction: string;
      readonly routeType?: number;
      readonly perVni: boolean;
      readonly vni?: number;
      readonly count: number;
      readonly maximum: number;
    }[];
    readonly held: number;
    readonly refused: Readonly<Record<string, number>>;
    readonly reading: { readonly paused: boolean; readonly pauses: number };
  };
}

describeInterop("limits", ["frr", "gobgp"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let frr: Frr;
  let gobgp: Gobgp;
  let speaker: SpeakerClient;
  let file: string;
  let loads = 0;

  const peer = (address: string) => evpnd.get<PeerView>(`/v1/peers/${address}`);
  const macAt = (number: number): string =>
    `02:aa:00:00:00:${number.toString(16).padStart(2, "0")}`;
  const nlri = (number: number, label = 7): string =>
    macIp({ rd: rd(SPEAKER, 1), mac: `02bb0000${number.toString(16).padStart(4, "0")}`, label });

  /** MACs behind the PE's port in VNI 100, as the kernel would learn them. */
  function macs(verb: "replace" | "del", from: number, to: number): void {
    const port = `p${hostOf(1, 100).label}`;
    for (let number = from; number <= to; number++) {
      const how = verb === "del" ? ["master"] : ["master", "dynamic"];
      lab.runSync("pe1", "bridge", ["fdb", verb, macAt(number), "dev", port, ...how]);
    }
  }

  /** The PE's MACs that GoBGP has. */
  async function known(): Promise<number> {
    return [...(await gobgp.rib("evpn")).keys()].filter((name) => name.includes("02:aa:")).length;
  }

  async function has(name: string): Promise<boolean> {
    return [...(await gobgp.rib("evpn")).keys()].some((each) => each.includes(name));
  }

  async function waitKnown(wanted: number): Promise<void> {
    await waitFor(`GoBGP to have ${String(wanted)} MACs of the PE`, async () => {
      const now = await known();
      if (now !== wanted) throw new Error(String(now));
      return true;
    });
  }

  async function load(limits: Limits): Promise<void> {
    writeFileSync(file, config(limits));
    evpnd.program.signal("SIGHUP");
    loads++;
    await waitFor("the reload", () => lines("configuration reloaded").length >= loads);
  }

  const lines = (text: string): string[] =>
    evpnd.program
      .log()
      .split("\n")
      .filter((line) => line.includes(text));

  beforeAll(async () => {
    lab = new Lab();
    const fabric = new Fabric(lab, [RR]);
    fabric.attach("rr", RR);
    fabric.attach("gobgp", GOBGP);
    fabric.attach("speaker", SPEAKER);
    file = join(lab.directory, "evpnd.yaml");
    writeFileSync(file, config({ pe: STOP }));
    evpnd = await Evpnd.start({
      lab,
      label: "rr",
      address: RR,
      http: HTTP,
      config: "",
      extra: ["--config", file],
    });
    [frr, gobgp, speaker] = await Promise.all([
      fabric.startPe(1),
      Gobgp.start({
        lab,
        label: "gobgp",
        name: "gobgp",
        address: GOBGP,
        neighbor: RR,
        families: ["l2vpn-evpn"],
      }),
      SpeakerClient.up({
        lab,
        label: "speaker",
        localAddress: SPEAKER,
        remoteAddress: RR,
        holdTime: 9,
      }),
    ]);
    fabric.plug(1, hostOf(1, 100));
    await Promise.all([frr.waitEstablished(RR), gobgp.waitEstablished()]);
  }, 120_000);
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test("stop: FRR gets Cease 6/1, stays away for restart-seconds and comes back by itself", async () => {
    macs("replace", 1, 3);
    await waitKnown(3);
    const { establishedCount } = await peer(PE);
    const began = performance.now();
    macs("replace", 4, 14);
    await waitFor("FRR to be told", async () => {
      const { lastNotificationReason } = await frr.neighbor(RR);
      return lastNotificationReason === "Cease/Maximum Number of Prefixes Reached";
    });
    expect((await peer(PE)).lastError).toMatch(/more than 8 routes \(limit on l2vpn-evpn\)/);
    await waitKnown(0);
    macs("del", 4, 14);
    await waitFor("FRR to be back", async () => {
      const view = await peer(PE);
      return view.state === "Established" && view.establishedCount > establishedCount;
    });
    expect(performance.now() - began).toBeGreaterThan(1000 * RESTART);
    await waitKnown(3);
    expect(await peer(GOBGP)).toMatchObject({ state: "Established", establishedCount: 1 });
  });

  test("warn: a reload makes it a line in the log, and the session lives on", async () => {
    const { establishedCount } = await peer(PE);
    await load({ pe: "{ in: [{ family: l2vpn-evpn, maximum: 8, action: warn }] }" });
    macs("replace", 4, 14);
    await waitKnown(14);
    expect(lines("more routes than its limit")).toHaveLength(1);
    const view = await peer(PE);
    expect(view).toMatchObject({
      establishedCount,
      limits: { routes: [{ direction: "in", maximum: 8, perVni: false }], held: 0 },
    });
    expect(view.limits!.routes[0]!.count).toBeGreaterThan(8);
  });

  test("discard, by VNI and by route type: what is too much is held, and let in when there is room", async () => {
    const { establishedCount } = await peer(PE);
    await load({
      pe: "{ in: [{ per-vni: true, maximum: 6, action: discard }, { route-type: 3, maximum: 1, action: discard }] }",
    });
    const { limits } = await waitFor("routes to be held", async () => {
      const view = await peer(PE);
      const [byVni, byType] = view.limits?.routes ?? [];
      if (byVni?.count !== 6 || byType?.count !== 1) throw new Error(JSON.stringify(view.limits));
      return view;
    });
    expect(limits!.routes[0]).toMatchObject({ perVni: true, vni: 100, maximum: 6 });
    const { now: before } = await waitFor("GoBGP to have fewer MACs", async () => {
      const now = await known();
      return now <= 6 ? { now } : undefined;
    });
    const held = limits!.held;
    expect(before + held).toBeGreaterThanOrEqual(14);
    // Room: MACs that go make place for those that were held.
    macs("del", 1, 10);
    await waitKnown(4);
    await waitFor("the VNI to have room", async () => {
      const view = await peer(PE);
      return view.limits!.routes[0]!.count <= 6 && view.limits!.held <= 1;
    });
    await load({});
    macs("replace", 1, 10);
    await waitKnown(14);
    expect(await peer(PE)).toMatchObject({ establishedCount });
  });

  test("stop by route type: the data of the Cease says family and maximum", async () => {
    await load({
      speaker: "{ in: [{ route-type: 5, maximum: 2, action: stop }], restart-seconds: 1 }",
    });
    for (let number = 1; number <= 20; number++) {
      speaker.send(announce(EVPN, ip4(SPEAKER), nlri(number)));
    }
    const prefix = (number: number): string =>
      ipPrefix(rd(SPEAKER, 1), 16, `0a0${String(number)}0000`, 9);
    for (const number of [1, 2]) speaker.send(announce(EVPN, ip4(SPEAKER), prefix(number)));
    await waitFor("the prefixes to be counted", async () => {
      return (await peer(SPEAKER)).limits?.routes[0]?.count === 2;
    });
    expect(speaker.closed).toBe(false);
    speaker.send(announce(EVPN, ip4(SPEAKER), prefix(3)));
    expect(await speaker.waitNotification()).toBe(`0601001946${u32(2)}`);
    await load({});
    speaker = await SpeakerClient.up(speaker.options);
  });

  test("attributes beyond a limit: refused, counted, and one line however often", async () => {
    await load({ speaker: "{ communities: 10 }" });
    const communities = (count: number): string =>
      attribute(0xc0, 8, u32(0xfde80001).repeat(count));
    for (let time = 0; time < 50; time++) {
      speaker.send(announce(EVPN, ip4(SPEAKER), nlri(1), communities(11)));
    }
    speaker.send(announce(EVPN, ip4(SPEAKER), nlri(2), communities(10)));
    await waitFor("GoBGP to have the other route", () => has("02:bb:00:00:00:02"));
    const names = [...(await gobgp.rib("evpn")).keys()];
    expect(names.filter((name) => name.includes("02:bb:00:00:00:01"))).toEqual([]);
    expect((await peer(SPEAKER)).limits!.refused).toMatchObject({ communities: 50 });
    expect(lines("more communities than allowed")).toHaveLength(1);
    expect(speaker.closed).toBe(false);
    speaker.send(withdraw(EVPN, nlri(2)));
  });

  test("update rate: reading pauses, sending does not, and the others are served", async () => {
    await load({ speaker: "{ update-rate: { updates: 100, burst: 1 } }" });
    const before = speaker.messages.length;
    const began = performance.now();
    const burst = (from: number, to: number): void => {
      for (let number = from; number <= to; number++) {
        speaker.send(announce(EVPN, ip4(SPEAKER), nlri(number)));
      }
    };
    burst(1, 500);
    await waitFor("all of it to be read", () => has("02:bb:00:00:01:f4"), { every: 100 });
    const reading = (await peer(SPEAKER)).limits!.reading;
    expect(reading.pauses).toBeGreaterThanOrEqual(1);
    // Behind four seconds of debt.
    burst(501, 501);
    macs("del", 1, 14);
    await waitKnown(0);
    await waitFor("the last route", () => has("02:bb:00:00:01:f5"), { every: 100 });
    // 501 UPDATEs at 100 a second, of which a second's worth may come at once.
    expect(performance.now() - began).toBeGreaterThan(3900);
    expect(speaker.closed).toBe(false);
    // It is not read, and is sent what is new all the same.
    expect(speaker.messages.length).toBeGreaterThan(before);
    for (let number = 1; number <= 501; number++) speaker.send(withdraw(EVPN, nlri(number)));
  });

  test("out: GoBGP is sent no more than its maximum, and the rest when that is raised", async () => {
    await load({});
    await waitFor("the speaker's routes to be gone", async () => !(await has("02:bb:")));
    const { establishedCount } = await peer(GOBGP);
    const before = (await gobgp.rib("evpn")).size;
    await load({ gobgp: `{ out: [{ maximum: ${String(before + 3)}, action: withhold }] }` });
    macs("replace", 1, 10);
    await waitFor("routes to be withheld", async () => {
      return (await peer(GOBGP)).limits!.refused["withheld"]! > 0;
    });
    await waitFor("GoBGP to be full", async () => (await gobgp.rib("evpn")).size === before + 3);
    await load({ gobgp: `{ out: [{ maximum: ${String(before + 8)}, action: withhold }] }` });
    await waitFor("GoBGP to have more", async () => (await gobgp.rib("evpn")).size === before + 8);
    await load({});
    await waitKnown(10);
    expect(await peer(GOBGP)).toMatchObject({ state: "Established", establishedCount });
    macs("del", 1, 10);
    await waitKnown(0);
    await load({ gobgp: "{ out: [{ route-type: 2, per-vni: true, maximum: 4 }] }" });
    macs("replace", 1, 10);
    await waitKnown(4);
    const rule = (await peer(GOBGP)).limits!.routes[0];
    expect(rule).toMatchObject({ direction: "out", routeType: 2, vni: 100, count: 4 });
    await load({});
    await waitKnown(10);
    expect(await peer(GOBGP)).toMatchObject({ state: "Established", establishedCount });
  });
});
