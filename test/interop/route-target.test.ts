/**
 * Route-target constraint (RFC 4684) with a Junos-like client, GoBGP, and FRR, which does not know it:
 * each is sent what it asked for, and evpnd asks for everything.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import {
  announce,
  endOfRib,
  ethernetSegment,
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

const RR = "10.99.0.254";
const SENDER = "10.99.0.1";
const ASKING = "10.99.0.2";
const FRR = "10.99.0.3";
const GOBGP = "10.99.0.4";
const ESI = "01aabbccddee01000700";
const ES_IMPORT = "0602aabbccddee01";
const DEFAULT = "00";

/** Membership NLRI: bits, origin AS, target. */
function membership(target: string): string {
  return `60${u32(65000)}${target}`;
}

describeInterop("route-target constraint", ["frr", "gobgp"], () => {
  let lab: Lab;
  let sender: SpeakerClient;
  let asking: SpeakerClient;
  let frr: Frr;
  let gobgp: Gobgp;

  const macOf = (vni: number): string =>
    macIp({ rd: rd(SENDER, vni), mac: mac(1, vni), label: vni });
  const segment = ethernetSegment(rd(SENDER, 0), ESI, ip4(SENDER));
  const bare = macIp({ rd: rd(SENDER, 9), mac: mac(1, 9), label: 9 });
  const everything = [macOf(100), macOf(200), macOf(300), segment, bare];

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
    await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      clients: "10.99.0.0/24",
      families: ["l2vpn-evpn", "route-target"],
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
        families: ["l2vpn-evpn", "rtc"],
        // Without End-of-RIB its routes are held back for a minute.
        gracefulRestart: true,
      }),
    ]);
    // Graceful restart without families: whoever offers it sends End-of-RIB, and is waited for.
    const capabilities = [
      multiprotocol(EVPN),
      multiprotocol(RTC),
      [2, ""],
      [64, "0000"],
      [65, u32(65000)],
    ] as const;
    const options = { lab, label: "lo", remoteAddress: RR, families: [EVPN, RTC], capabilities };
    sender = await SpeakerClient.up({ ...options, localAddress: SENDER });
    asking = await SpeakerClient.up({ ...options, localAddress: ASKING });
    await Promise.all([frr.waitEstablished(RR), gobgp.waitEstablished()]);
    const hop = ip4(SENDER);
    for (const vni of [100, 200, 300]) {
      sender.send(
        announce(EVPN, hop, macOf(vni), extendedCommunities(VXLAN, routeTarget(65000, vni))),
      );
    }
    sender.send(
      announce(EVPN, hop, segment, extendedCommunities(VXLAN, ES_IMPORT)),
      announce(EVPN, hop, bare, extendedCommunities(VXLAN)),
    );
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  async function holds(client: SpeakerClient, wanted: readonly string[]): Promise<void> {
    const text = [...wanted].sort().join();
    await waitFor(`${client.options.localAddress} to hold ${String(wanted.length)} routes`, () => {
      const now = client.table
        .routes(EVPN)
        .map(({ nlri }) => nlri)
        .sort()
        .join();
      if (now !== text) throw new Error(now);
      return true;
    });
    await waitQuiet("its table", () => client.table.updates, 300);
    expect(
      client.table
        .routes(EVPN)
        .map(({ nlri }) => nlri)
        .sort()
        .join(),
    ).toBe(text);
  }

  function ask(nlri: string): void {
    asking.send(announce(RTC, ip4(ASKING), nlri));
  }

  test("evpnd asks every client for everything", async () => {
    for (const client of [sender, asking]) await client.waitRoute(RTC, DEFAULT);
  });

  test("who does not know the family is sent everything", async () => {
    await waitFor(
      "FRR to have all",
      async () => (await frr.evpnRoutes()).size === everything.length,
    );
  });

  test("who asked for nothing is sent nothing, who asked for a target is sent its routes", async () => {
    await holds(asking, []);
    ask(membership(routeTarget(65000, 100)));
    // Held back until it has named all it wants (RFC 4684 section 6).
    await holds(asking, []);
    asking.send(endOfRib(RTC));
    await holds(asking, [macOf(100)]);
    ask(membership(routeTarget(65000, 300)));
    await holds(asking, [macOf(100), macOf(300)]);
  });

  test("ES-Import is a route target too (RFC 7432 section 7.6)", async () => {
    ask(membership(ES_IMPORT));
    await holds(asking, [macOf(100), macOf(300), segment]);
  });

  test("a membership withdrawn takes its routes along; the default brings all, those without a target too", async () => {
    asking.send(withdraw(RTC, membership(routeTarget(65000, 100)) + membership(ES_IMPORT)));
    await holds(asking, [macOf(300)]);
    ask(DEFAULT);
    await holds(asking, everything);
    asking.send(withdraw(RTC, DEFAULT));
    await holds(asking, [macOf(300)]);
  });

  test("a route whose targets change comes and goes", async () => {
    const retarget = (vni: number): void => {
      const more = extendedCommunities(VXLAN, routeTarget(65000, vni));
      sender.send(announce(EVPN, ip4(SENDER), macOf(200), more));
    };
    retarget(300);
    await holds(asking, [macOf(300), macOf(200)]);
    retarget(200);
    await holds(asking, [macOf(300)]);
  });

  test("GoBGP is sent what its VRF imports, and sends what evpnd asked for", async () => {
    expect((await gobgp.rib("evpn")).size).toBe(0);
    await gobgp.cli("vrf", "add", "blue", "rd", `${GOBGP}:100`, "rt", "both", "65000:100");
    await waitFor("GoBGP to have the route of its target", async () => {
      const names = [...(await gobgp.rib("evpn")).keys()];
      if (names.length !== 1 || !names[0]?.includes("[mac:02:00:00:01:00:64]"))
        throw new Error(names.join());
      return true;
    });
    await gobgp.addEvpn(
      "macadv 02:00:00:04:00:01 0.0.0.0 etag 0 label 300 rd 10.99.0.4:300 rt 65000:300 encap vxlan",
    );
    await asking.waitRoute(EVPN, macIp({ rd: rd(GOBGP, 300), mac: mac(4, 1), label: 300 }));
    // Clients are sent the default membership alone: they need not know each other's.
    expect(sender.table.routes(RTC).map(({ nlri }) => nlri)).toEqual([DEFAULT]);
  });

  test("a client that comes back has to ask again", async () => {
    asking.close();
    asking = await SpeakerClient.up(asking.options);
    asking.send(endOfRib(RTC));
    await holds(asking, []);
    ask(DEFAULT);
    const gobgps = macIp({ rd: rd(GOBGP, 300), mac: mac(4, 1), label: 300 });
    await holds(asking, [...everything, gobgps]);
  });
});
