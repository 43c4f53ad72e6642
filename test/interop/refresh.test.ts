/** Route refresh in both directions, plain (RFC 2918) and enhanced (RFC 7313), against FRR, GoBGP, BIRD and the scripted speaker. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Bird } from "./lib/bird.js";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import {
  announce,
  announceMac,
  ip4,
  mac,
  macIp,
  multiprotocol,
  rd,
  refresh,
  u32,
  withdrawMac,
} from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import type { SpeakerOptions } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor, waitQuiet } from "./lib/wait.js";
import { EVPN, hex, IPV4, MessageType, WireTable } from "./lib/wire.js";

const RR = "10.99.0.254";
const SENDER = "10.99.0.1";
const ENHANCED = "10.99.0.2";
const FRR = "10.99.0.3";
const GOBGP = "10.99.0.4";
const BIRD = "10.99.0.5";
const OBSERVER = "10.99.0.6";
const HTTP = 8080;
/** What BIRD announces. */
const PREFIXES = 400;
const MACS = 500;
const [REQUEST, BEGIN, END] = [refresh(EVPN), refresh(EVPN, 1), refresh(EVPN, 2)].map(hex);

describeInterop("route refresh", ["frr", "gobgp", "bird"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let sender: SpeakerClient;
  let enhanced: SpeakerClient;
  let frr: Frr;
  let gobgp: Gobgp;

  const nlri = (number: number): string =>
    macIp({ rd: rd(SENDER, 1), mac: mac(1, number), label: 1 });

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
    evpnd = await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      clients: "10.99.0.0/24",
      families: ["l2vpn-evpn", "ipv4-unicast"],
      http: HTTP,
    });
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
      }),
    ]);
    const options: SpeakerOptions = {
      lab,
      label: "lo",
      localAddress: SENDER,
      remoteAddress: RR,
      capabilities: [multiprotocol(EVPN), [2, ""], [70, ""], [65, u32(65000)]],
    };
    sender = await SpeakerClient.up(options);
    enhanced = await SpeakerClient.up({ ...options, localAddress: ENHANCED });
    await Promise.all([frr.waitEstablished(RR), gobgp.waitEstablished()]);
    for (let number = 0; number < MACS; number += 1)
      sender.send(announceMac(SENDER, 1, mac(1, number)));
    await enhanced.waitSize(MACS);
    await waitFor("FRR and GoBGP to have all", async () => {
      return (await frr.evpnRoutes()).size === MACS && (await gobgp.rib("evpn")).size === MACS;
    });
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  async function counter(address: string, kind: "in" | "out"): Promise<number> {
    const view = await evpnd.get<{ messages: Record<"in" | "out", { refresh: number }> }>(
      `/v1/peers/${address}`,
    );
    return view.messages[kind].refresh;
  }

  test("an enhanced refresh is framed by BoRR and EoRR and holds the whole table", async () => {
    await waitQuiet("the speaker", () => enhanced.messages.length, 300);
    const before = enhanced.messages.length;
    enhanced.send(refresh(EVPN));
    const since = (): string[] => enhanced.messages.slice(before).map(({ bytes }) => hex(bytes));
    await waitFor("EoRR", () => since().includes(END ?? ""));
    const got = since();
    const [begin, end] = [got.indexOf(BEGIN ?? ""), got.indexOf(END ?? "")];
    expect(begin).toBeGreaterThanOrEqual(0);
    const table = new WireTable();
    for (const { type, bytes } of enhanced.messages.slice(before + begin, before + end)) {
      if (type === MessageType.Update) table.apply(bytes);
    }
    expect(table.size).toBe(MACS);
  });

  test("changes in the middle of a refresh are not lost", async () => {
    enhanced.send(refresh(EVPN), refresh(EVPN));
    for (let number = 0; number < MACS; number += 5)
      sender.send(withdrawMac(SENDER, 1, mac(1, number)));
    enhanced.send(refresh(EVPN));
    for (let number = 0; number < MACS; number += 10)
      sender.send(announceMac(SENDER, 1, mac(1, number)));
    await waitQuiet("the speaker", () => enhanced.messages.length, 500);
    const left = Array.from({ length: MACS }, (_, number) => number).filter(
      (number) => number % 5 !== 0 || number % 10 === 0,
    );
    expect(
      enhanced.table
        .routes()
        .map((route) => route.nlri)
        .sort(),
    ).toEqual(left.map(nlri).sort());
    for (let number = 5; number < MACS; number += 10)
      sender.send(announceMac(SENDER, 1, mac(1, number)));
    await enhanced.waitSize(MACS);
  });

  test("soft clear in: what the peer does not repeat between BoRR and EoRR is withdrawn", async () => {
    await evpnd.request("POST", `/v1/peers/${SENDER}/soft-in`);
    await waitFor("the request", () => sender.messages.some(({ bytes }) => hex(bytes) === REQUEST));
    sender.send(refresh(EVPN, 1));
    for (let number = 0; number < MACS; number += 2)
      sender.send(announceMac(SENDER, 1, mac(1, number)));
    sender.send(refresh(EVPN, 2));
    await enhanced.waitSize(MACS / 2);
    expect(enhanced.table.get(EVPN, nlri(0))).toBeDefined();
    expect(enhanced.table.get(EVPN, nlri(1))).toBeUndefined();
    await waitFor("FRR to lose them", async () => (await frr.evpnRoutes()).size === MACS / 2);
    for (let number = 1; number < MACS; number += 2)
      sender.send(announceMac(SENDER, 1, mac(1, number)));
    await enhanced.waitSize(MACS);
  });

  test("FRR and GoBGP ask for a refresh, and keep every route", async () => {
    await waitFor("FRR to have all", async () => (await frr.evpnRoutes()).size === MACS);
    const before = { frr: await counter(FRR, "in"), gobgp: await counter(GOBGP, "in") };
    await frr.vtysh(`clear bgp l2vpn evpn ${RR} soft in`);
    await gobgp.cli("neighbor", RR, "softresetin", "-a", "evpn");
    await waitFor("FRR's request", async () => (await counter(FRR, "in")) > before.frr);
    await waitQuiet("FRR's table", async () => (await frr.evpnRoutes()).size, 500);
    expect((await frr.evpnRoutes()).size).toBe(MACS);
    expect((await gobgp.rib("evpn")).size).toBe(MACS);
    for (const address of [FRR, GOBGP]) {
      expect(
        (await evpnd.get<{ establishedCount: number }>(`/v1/peers/${address}`)).establishedCount,
      ).toBe(1);
    }
  });

  test("soft clear out and in of a real router cost no session and no route", async () => {
    for (const direction of ["out", "in"]) {
      const { status } = await evpnd.request("POST", `/v1/peers/${FRR}/soft-${direction}`);
      expect(status).toBe(200);
    }
    await waitFor("evpnd's request", async () => (await counter(FRR, "out")) > 0);
    await waitQuiet("FRR's table", async () => (await frr.evpnRoutes()).size, 500);
    expect((await frr.evpnRoutes()).size).toBe(MACS);
    expect((await frr.neighbor(RR)).state).toBe("Established");
  });

  test("BIRD repeats all between its markers, asked again in the middle and while routes go: nothing is lost", async () => {
    const prefix = (number: number): string =>
      `198.18.${String(number >> 6)}.${String((number & 63) * 4)}/30`;
    const bird = await Bird.start({
      lab,
      label: "lo",
      name: "bird",
      address: BIRD,
      address6: "2001:db8::5",
      neighbor: RR,
      ipv4: Array.from({ length: PREFIXES }, (_, number) => prefix(number)),
      ipv6: [],
      lines: [
        `protocol static more { ipv4; route 192.0.2.0/24 blackhole; route 203.0.113.0/24 blackhole; }`,
      ],
    });
    const observer = await SpeakerClient.up({
      lab,
      label: "lo",
      localAddress: OBSERVER,
      remoteAddress: RR,
      families: [IPV4],
    });
    await bird.waitEstablished();
    await observer.waitSize(PREFIXES + 2);
    const updates = observer.table.updates;
    const before = await counter(BIRD, "in");
    for (let round = 0; round < 5; round += 1) {
      await evpnd.request("POST", `/v1/peers/${BIRD}/soft-in`);
    }
    // BIRD begins anew when it is asked again: several BoRR, and EoRR at the end.
    await waitFor("BIRD's markers", async () => (await counter(BIRD, "in")) >= before + 2);
    await waitQuiet("BIRD's markers", () => counter(BIRD, "in"), 500);
    expect(observer.table.updates).toBe(updates);
    // Routes go while they are being repeated.
    await evpnd.request("POST", `/v1/peers/${BIRD}/soft-in`);
    await bird.birdc("disable more");
    await evpnd.request("POST", `/v1/peers/${BIRD}/soft-in`);
    await observer.waitSize(PREFIXES);
    await waitQuiet("BIRD's markers", () => counter(BIRD, "in"), 500);
    expect(observer.table.size).toBe(PREFIXES);
    // The other way: what evpnd repeats to BIRD is all it has.
    observer.send(announce(IPV4, ip4(OBSERVER), "1864401f"));
    await waitFor("BIRD to learn it", async () => (await bird.learned()).has("100.64.31.0/24"));
    const asked = await counter(BIRD, "in");
    await bird.birdc("reload in reflector");
    await waitFor("BIRD's request", async () => (await counter(BIRD, "in")) > asked);
    await waitQuiet("BIRD's table", async () => (await bird.learned()).size, 500);
    expect((await bird.learned()).has("100.64.31.0/24")).toBe(true);
    expect((await evpnd.get<{ findings: string[] }>("/v1/audit")).findings).toEqual([]);
  });
});
