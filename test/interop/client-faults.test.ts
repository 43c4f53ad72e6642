/**
 * Faults of other programs that evpnd's other tests work around or expect, each provoked by bytes:
 * here the scripted speaker is the reflector. When one of these fails, a newer release has mended it,
 * and what refers to it (clients.test.ts, docs) can go.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Exabgp } from "./lib/exabgp.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import {
  announce,
  announceMac,
  AS_PATH_EMPTY,
  attribute,
  extendedCommunities,
  ip4,
  ipPrefix,
  LOCAL_PREF,
  mac,
  macIp,
  rd,
  reach,
  routeTarget,
  smet,
  update,
  VXLAN,
} from "./lib/messages.js";
import { frrName, gobgpName } from "./lib/names.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { EVPN, IPV4 } from "./lib/wire.js";

const FRR = "10.99.0.1";
const GOBGP = "10.99.0.2";
const EXABGP = "10.99.0.3";

describeInterop("known faults of the clients", ["frr", "gobgp", "exabgp"], () => {
  let lab: Lab;
  const stops: (() => void)[] = [];

  beforeAll(() => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
  });
  afterAll(async () => {
    for (const stop of stops) stop();
    await lab.close();
  });
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** Plays the reflector for a client that calls. */
  async function reflector(
    localAddress: string,
    remoteAddress: string,
    families = [EVPN],
  ): Promise<SpeakerClient> {
    const client = await SpeakerClient.accept({
      lab,
      label: "lo",
      localAddress,
      remoteAddress,
      families,
    });
    await client.waitEstablished();
    return client;
  }

  async function listen(address: string): Promise<void> {
    stops.push(await (await lab.relay("lo")).listen(address, 179));
  }

  test("FRR 8.4 ignores types 6 to 11, and resets an iBGP session where RFC 7606 asks for less", async () => {
    const self = "10.99.1.1";
    await listen(self);
    const frr = await Frr.start({
      lab,
      label: "lo",
      name: "frr",
      address: FRR,
      config: frrClient({ address: FRR, reflectors: [self] }),
    });
    const speaker = await reflector(self, FRR);
    const group = smet(rd(self, 1), ip4("239.1.1.1"), ip4(self), 2);
    const other = macIp({ rd: rd(self, 100), mac: mac(1, 1), label: 100 });
    speaker.send(
      announce(EVPN, ip4(self), group + other, extendedCommunities(routeTarget(65000, 100))),
    );
    await waitFor("FRR to have the type 2 route", async () =>
      (await frr.evpnRoutes()).has(frrName(other) ?? ""),
    );
    expect((await frr.evpnRoutes()).size).toBe(1);
    expect(speaker.closed).toBe(false);
    // ORIGIN 5: treat-as-withdraw (section 7.1). FRR: 3/6 with the attribute.
    speaker.send(
      update(reach(EVPN, ip4(self), other) + attribute(0x40, 1, "05") + AS_PATH_EMPTY + LOCAL_PREF),
    );
    expect(await speaker.waitNotification()).toBe("0306" + "40010105");
  });

  test("GoBGP 3.10 withdraws for an unknown community, and loses an UPDATE for a route type it does not know", async () => {
    const self = "10.99.1.2";
    await listen(self);
    const gobgp = await Gobgp.start({
      lab,
      label: "lo",
      name: "gobgp",
      address: GOBGP,
      neighbor: self,
      families: ["l2vpn-evpn"],
    });
    const speaker = await reflector(self, GOBGP);
    const known = macIp({ rd: rd(self, 100), mac: mac(1, 1), label: 100 });
    const unknown = macIp({ rd: rd(self, 100), mac: mac(1, 2), label: 100 });
    speaker.send(
      announce(
        EVPN,
        ip4(self),
        unknown,
        extendedCommunities(VXLAN, routeTarget(65000, 100), "06ee010203040506"),
      ),
      announceMac(self, 100, mac(1, 1)),
    );
    await waitFor("GoBGP to have the later route", async () =>
      (await gobgp.rib("evpn")).has(gobgpName(known) ?? ""),
    );
    expect((await gobgp.rib("evpn")).size).toBe(1);
    expect(speaker.closed).toBe(false);
    // RFC 7606 section 5.4 has it skip the NLRI; it loses the whole UPDATE ("Capability was disabled").
    const [beside, late] = [3, 4].map((number) =>
      macIp({ rd: rd(self, 100), mac: mac(1, number), label: 100 }),
    );
    speaker.send(
      announce(EVPN, ip4(self), smet(rd(self, 1), ip4("239.1.1.1"), ip4(self), 2) + (beside ?? "")),
      announceMac(self, 100, mac(1, 4)),
    );
    await waitFor("the route behind it", async () =>
      (await gobgp.rib("evpn")).has(gobgpName(late ?? "") ?? ""),
    );
    expect((await gobgp.rib("evpn")).has(gobgpName(beside ?? "") ?? "")).toBe(false);
    await gobgp.program.says("Unknown EVPN Route type: 6");
    expect(speaker.closed).toBe(false);
  });

  test("ExaBGP 4.2 resets on an EVPN next hop of 16 octets, which FRR sends with static type 5 routes", async () => {
    const self = "10.99.1.3";
    await listen(self);
    Exabgp.start({
      lab,
      label: "lo",
      name: "exabgp",
      address: EXABGP,
      neighbor: self,
      families: ["l2vpn evpn", "ipv4 unicast"],
    });
    const speaker = await reflector(self, EXABGP, [EVPN, IPV4]);
    const mapped = "00000000000000000000ffff" + ip4(self);
    speaker.send(announce(EVPN, mapped, ipPrefix(rd(self, 5), 24, ip4("198.51.100.0"), 5000)));
    const text = Buffer.from("invalid l2vpn evpn next-hop length 16 expected 4").toString("hex");
    expect(await speaker.waitNotification()).toBe(`0300${text}`);
  });
});
