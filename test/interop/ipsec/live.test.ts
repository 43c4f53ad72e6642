/**
 * Three tunnels of three profiles from one hub, each to a strongSwan of its own, over a router that would carry
 * everything in clear: what comes up, what is counted, and what is on the wire in every situation.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import { sealedLength } from "../../../src/ipsec/check/index.js";
import { isInstalled, type ChildSa } from "../../../src/ipsec/live/index.js";
import type { TunnelSide } from "../../../src/ipsec/model/index.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { sidesOf } from "./lib/definition.js";
import { Driven, type TestSecrets } from "./lib/driven.js";
import { TunnelNet, type Site } from "./lib/tunnel-net.js";
import { WireWatch, type PhaseTraffic } from "./lib/wire-watch.js";

const PROFILES = ["modern", "ssg", "pix"] as const;
type ProfileName = (typeof PROFILES)[number];
const PROTECTED = ["10.1.0.0/16", "10.2.0.0/16"];
/** As many as in the document that the test is taken from. */
const PINGS = 19;

/** Where nothing may pass in clear; the first is the proof that the capture would show it. */
const PHASES = [
  "before anything is guarded",
  "before set-up",
  "while tunnels carry",
  "during rekeying",
  "after terminate",
  "after a flush",
  "after SIGKILL of the IKE daemon",
  "after its return",
] as const;

describeInterop(
  "IPsec tunnels of three profiles",
  ["ping", "tshark", "strongswan", "nftables"],
  () => {
    let lab: Lab;
    let net: TunnelNet;
    let east: Site;
    let hub: Driven;
    let watch: WireWatch;
    let traffic: Map<string, PhaseTraffic>;
    const wests = new Map<ProfileName, Site>();
    const far = new Map<ProfileName, Driven>();
    const sides = new Map<ProfileName, [TunnelSide, TunnelSide]>();
    const secrets: TestSecrets = new Map();

    const each = <T>(work: (profile: ProfileName) => Promise<T>): Promise<T[]> =>
      Promise.all(PROFILES.map(work));

    /** Answered pings from the hub's host and back, per profile. */
    async function pings(count: number): Promise<number[]> {
      const counts = await each(async (profile) => {
        const [index, west] = [PROFILES.indexOf(profile), wests.get(profile)!];
        const there = await net.ping(east, west, { count, fromIndex: index });
        const back = await net.ping(west, east, { count, toIndex: index });
        return [there, back];
      });
      return counts.flat();
    }

    async function children(driven: Driven, profile: ProfileName): Promise<ChildSa[]> {
      const sas = await driven.driver.sas(profile);
      return sas.flatMap((sa) => sa.children).filter(isInstalled);
    }

    beforeAll(async () => {
      lab = new Lab();
      net = new TunnelNet(lab);
      const numbers = [1, 2, 3];
      const [hubSite, ...others] = await Promise.all([
        net.site({
          name: "east",
          outside: numbers.map((n) => `198.51.100.${String(n)}`),
          networks: numbers.map((n) => `10.1.${String(n)}.0/24`),
        }),
        ...PROFILES.map((profile, index) =>
          net.site({
            name: profile,
            outside: [`203.0.${String(113 + index)}.1`],
            networks: [`10.2.${String(index + 1)}.0/24`],
          }),
        ),
      ]);
      east = hubSite;
      hub = new Driven(lab, east, secrets);
      for (const [index, profile] of PROFILES.entries()) {
        const west = others[index]!;
        wests.set(profile, west);
        secrets.set(`${profile}-key`, { values: [canary(profile)] });
        far.set(profile, new Driven(lab, west, secrets));
        const choice = { name: profile, profile, ends: [east, west] } as const;
        sides.set(profile, sidesOf({ ...choice, outside: [index, 0], network: [index, 0] }));
      }
      watch = await WireWatch.start(lab, net.router);
    });
    afterAll(async () => {
      await Driven.stopAll();
      await lab.close();
    });
    beforeEach(() => {
      showLogsOnFailure(() => lab);
    });

    test("without a guard everything arrives in clear: the capture would show a leak", async () => {
      watch.phase("before anything is guarded");
      expect(await pings(2)).toEqual(PROFILES.flatMap(() => [2, 2]));
    });

    test("IPS-54: nothing passes when it is guarded and the other end is not set up", async () => {
      watch.phase("before set-up");
      // The far guards are there, their tunnels are not.
      await each((profile) => {
        const [, remote] = sides.get(profile)!;
        return far.get(profile)!.guard.protect(remote.remoteNetworks, { interfaces: [] });
      });
      const outcome = await hub.install([...sides.values()].map(([local]) => local));
      expect(outcome).toEqual({ ok: true, problems: [] });
      expect(await pings(3)).toEqual(PROFILES.flatMap(() => [0, 0]));
      expect(hub.driver.tunnels().map(({ up }) => up)).toEqual([false, false, false]);
    });

    test("IPS-04: all three come up from one definition each", async () => {
      watch.phase("while tunnels carry");
      await each((profile) => far.get(profile)!.install([sides.get(profile)![1]]));
      await hub.waitUp();
      await each((profile) => far.get(profile)!.waitUp());
      const sas = await hub.driver.sas();
      const described = Object.fromEntries(
        sas.map(({ connection, version, encryption, integrity, group, children: [child] }) => [
          connection,
          [version, encryption, integrity, group, child?.encryption, child?.integrity],
        ]),
      );
      expect(described).toEqual({
        "evpnd-modern": [2, "AES_GCM_16", undefined, "CURVE_25519", "AES_GCM_16", undefined],
        "evpnd-ssg": [1, "AES_CBC", "HMAC_SHA1_96", "MODP_1024", "AES_CBC", "HMAC_SHA1_96"],
        "evpnd-pix": [1, "3DES_CBC", "HMAC_MD5_96", "MODP_1024", "3DES_CBC", "HMAC_MD5_96"],
      });
    });

    test("IPS-30: hosts ping each other, both ways, through each tunnel", async () => {
      await waitFor("the first pings", async () => (await pings(1)).every((count) => count === 1));
      expect(await pings(3)).toEqual(PROFILES.flatMap(() => [3, 3]));
    });

    test("IPS-58: what one end has encapsulated the other has decapsulated, to the packet", async () => {
      const counters = (): Promise<number[][]> =>
        each(async (profile) => {
          const [near] = await children(hub, profile);
          const [there] = await children(far.get(profile)!, profile);
          return [
            near?.packetsOut ?? -1,
            there?.packetsIn ?? -2,
            there?.packetsOut ?? -3,
            near?.packetsIn ?? -4,
          ];
        });
      const before = await counters();
      expect(await pings(PINGS)).toEqual(PROFILES.flatMap(() => [PINGS, PINGS]));
      const after = await counters();
      // A request and an answer for each ping of either direction.
      expect(after.map((row, n) => row.map((count, i) => count - (before[n]?.[i] ?? 0)))).toEqual(
        PROFILES.map(() => [2 * PINGS, 2 * PINGS, 2 * PINGS, 2 * PINGS]),
      );
      for (const [out, into, back, home] of after) {
        expect(out).toBe(into);
        expect(back).toBe(home);
      }
    });

    test(
      "IPS-90: SAs of both phases are renewed while hosts ping",
      { timeout: 60_000 },
      async () => {
        watch.phase("during rekeying");
        // IKEv1 keeps the old ones to the end of their lifetime, as REKEYED.
        const spis = async (): Promise<string[]> =>
          (await each((profile) => children(hub, profile)))
            .flat()
            .filter(({ state }) => state === "INSTALLED")
            .map(({ spiIn }) => spiIn);
        const before = await spis();
        const running = pings(30);
        await each((profile) => hub.driver.rekey(profile, "child"));
        await waitFor("new children", async () => {
          const now = await spis();
          return now.length === 3 && now.every((spi) => !before.includes(spi));
        });
        await hub.driver.rekey("modern", "ike");
        const answered = await running;
        // Userland ESP may lose a packet between two SAs, on a busy machine some; in clear none may go.
        expect(Math.min(...answered)).toBeGreaterThanOrEqual(15);
        await waitFor("all pings", async () => (await pings(3)).every((count) => count === 3));
      },
    );

    test("IPS-34: one tunnel is negotiated anew from the beginning, both phases", async () => {
      const cookies = async (profile: ProfileName): Promise<string[]> =>
        (await hub.driver.sas(profile)).map(({ initiatorSpi }) => initiatorSpi);
      const before = await each(cookies);
      await hub.driver.renegotiate("ssg");
      await waitFor("the new SA alone", async () => {
        const now = await cookies("ssg");
        const [child] = await children(hub, "ssg");
        return now.length === 1 && now[0] !== before[1]?.[0] && child !== undefined;
      });
      expect(await cookies("pix")).toEqual(before[2]);
      await waitFor("its pings", async () => (await pings(1)).every((count) => count === 1));
    });

    test("after terminate nothing passes, and the operator's word holds", async () => {
      watch.phase("after terminate");
      await each((profile) => far.get(profile)!.driver.terminate(profile));
      await each((profile) => hub.driver.terminate(profile));
      await waitFor("the SAs to go", async () => (await hub.driver.sas()).length === 0);
      expect(await pings(3)).toEqual(PROFILES.flatMap(() => [0, 0]));
      await each((profile) => far.get(profile)!.driver.initiate(profile));
      await each((profile) => hub.driver.initiate(profile));
      await hub.waitUp();
    });

    test("IPS-90: rules that a firewall flushed are put back, without a packet in clear", async () => {
      watch.phase("after a flush");
      await each((profile) => far.get(profile)!.driver.terminate(profile));
      await each((profile) => hub.driver.terminate(profile));
      await waitFor("the SAs to go", async () => (await hub.driver.sas()).length === 0);
      lab.runSync("east", "nft", ["flush ruleset"]);
      expect(await hub.guard.renew()).toBe(true);
      expect(await hub.guard.renew()).toBe(false);
      expect(await pings(2)).toEqual(PROFILES.flatMap(() => [0, 0]));
      expect((await hub.guard.status()).leaving).toBeGreaterThan(0);
      await each((profile) => far.get(profile)!.driver.initiate(profile));
      await each((profile) => hub.driver.initiate(profile));
      await hub.waitUp();
    });

    test("after SIGKILL of the IKE daemon nothing passes", async () => {
      watch.phase("after SIGKILL of the IKE daemon");
      await east.swan!.kill();
      expect(await pings(3)).toEqual(PROFILES.flatMap(() => [0, 0]));
      await waitFor("the loss to be seen", () => !hub.driver.daemon().connected);
    });

    test(
      "IPS-88: when it is back every tunnel is, and none twice",
      { timeout: 60_000 },
      async () => {
        watch.phase("after its return");
        await east.swan!.start();
        await waitFor("pings", async () => (await pings(1)).every((count) => count === 1), {
          every: 500,
        });
        expect(hub.driver.daemon()).toMatchObject({ connected: true, planned: 3, loaded: 3 });
        for (const driven of [hub, ...far.values()]) {
          await waitFor("one SA each", async () => {
            const sas = await driven.driver.sas();
            const names = sas.map(({ connection }) => connection);
            return new Set(names).size === names.length && names.length > 0;
          });
        }
      },
    );

    test("IPS-90: what the capture says", async () => {
      traffic = await watch.finish(PROTECTED);
      const control = traffic.get("before anything is guarded");
      expect(control?.clear.length).toBeGreaterThanOrEqual(24);
      expect(control?.protected).toBe(0);
      expect(traffic.get("while tunnels carry")?.protected).toBeGreaterThan(PINGS * 12);
    });

    test("IPS-87: packets on the wire are as long as was computed", () => {
      // An echo of 56 octets with its two headers. Userland ESP is always in UDP.
      const options = { outer: 4, udp: true, mode: "tunnel" } as const;
      const wanted = PROFILES.map((profile) => {
        const [{ child, local }] = sides.get(profile)!;
        const address = local.reach.kind === "static" ? local.reach.address : "";
        return `${address} ${sealedLength(56 + 8 + 20, child.proposals[0]!, options)}`;
      });
      const seen = [...(traffic.get("while tunnels carry")?.lengths ?? [])];
      expect(seen.filter((one) => one.startsWith("198.51.100.")).sort()).toEqual(wanted.sort());
    });

    test.each(PHASES.slice(1))("IPS-90: nothing of the protected networks in clear %s", (phase) => {
      expect(traffic.get(phase)?.clear).toEqual([]);
    });
  },
);
