/**
 * Route-based tunnels: any-to-any selectors, and routing that decides what enters. BGP by FRR over the tunnel's
 * interface brings the far networks, one of them behind a third site, and takes them away with the tunnel; OSPF
 * beside it does the same for networks of its own.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import type { TunnelSide } from "../../../src/ipsec/model/index.js";
import { Frr } from "../lib/frr.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { sidesOf } from "./lib/definition.js";
import { Driven, type TestSecrets } from "./lib/driven.js";
import { TunnelNet, type Site } from "./lib/tunnel-net.js";
import { WireWatch } from "./lib/wire-watch.js";

/** Userland ESP always has routes of its own; asked last, they leave the word to the main table, which FRR fills. */
const ROUTED = ["routing_table_prio = 40000"];
/** Addresses on the tunnel's interface. */
const INSIDE = { hq: "169.254.7.1", branch: "169.254.7.2" };
/** What OSPF alone tells of: an address of each gateway. */
const BY_OSPF = { hq: "10.66.1.1", branch: "10.66.2.1" };
/** Of a third site, reached through the headquarters. */
const THIRD = "10.22.1.0/24";

describeInterop(
  "routing over a tunnel",
  ["ping", "frr", "tshark", "strongswan", "nftables"],
  () => {
    let lab: Lab;
    let net: TunnelNet;
    let hq: Site;
    let branch: Site;
    let near: Driven;
    let far: Driven;
    let watch: WireWatch;
    let frr: Frr;
    let third: string;
    const secrets: TestSecrets = new Map([["any-key", { values: [canary("any")] }]]);

    function routed(side: TunnelSide, networks: readonly string[]): TunnelSide {
      const any = {
        local: "0.0.0.0/0",
        remote: "0.0.0.0/0",
        protocol: 0,
        localPort: 0,
        remotePort: 0,
      };
      const binding = { kind: "interface", interface: "ipsec0" } as const;
      return { ...side, kind: "route-based", binding, selectors: [any], remoteNetworks: networks };
    }

    /** BGP towards the other end, on the tunnel's interface. */
    function startFrr(
      site: Site,
      own: string,
      peer: string,
      as: number,
      networks: readonly string[],
      byOspf: string,
    ): Promise<Frr> {
      lab.ip(site.name, [
        `addr add ${own}/30 dev ipsec0`,
        "link set ipsec0 up",
        `addr add ${byOspf}/32 dev lo`,
      ]);
      return Frr.start({
        lab,
        label: site.name,
        name: site.name,
        address: own,
        zebra: true,
        ospf: [
          "interface ipsec0",
          " ip ospf network point-to-point",
          " ip ospf hello-interval 1",
          " ip ospf dead-interval 3",
          "router ospf",
          ` ospf router-id ${byOspf}`,
          " network 169.254.7.0/30 area 0",
          ` network ${byOspf}/32 area 0`,
        ],
        config: [
          `router bgp ${String(as)}`,
          ` bgp router-id ${own}`,
          " no bgp ebgp-requires-policy",
          " no bgp network import-check",
          ` neighbor ${peer} remote-as ${String(as === 65001 ? 65002 : 65001)}`,
          ` neighbor ${peer} timers 1 3`,
          ` neighbor ${peer} timers connect 1`,
          " address-family ipv4 unicast",
          ...networks.map((network) => `  network ${network}`),
          " exit-address-family",
        ],
      });
    }

    /** Networks that a protocol has put into a site's kernel. */
    async function learned(site: Site, by: "bgp" | "ospf" = "bgp"): Promise<string[]> {
      const text = await lab.run(site.name, "ip", ["-4", "route", "show", "proto", by]);
      return [...text.matchAll(/^(\S+) /gm)].map((match) => match[1] ?? "").sort();
    }

    async function pingThird(): Promise<boolean> {
      try {
        await lab.run(branch.host, "ping", ["-n", "-c", "1", "-W", "1", third]);
        return true;
      } catch {
        return false;
      }
    }

    beforeAll(async () => {
      lab = new Lab();
      net = new TunnelNet(lab);
      [hq, branch] = await Promise.all([
        net.site({
          name: "hq",
          outside: ["198.51.100.1"],
          networks: ["10.30.1.0/24"],
          settings: ROUTED,
        }),
        net.site({
          name: "br",
          outside: ["203.0.113.1"],
          networks: ["10.77.1.0/24"],
          settings: ROUTED,
        }),
      ]);
      third = net.leg(hq, "third", THIRD);
      near = new Driven(lab, hq, secrets);
      far = new Driven(lab, branch, secrets);
      watch = await WireWatch.start(lab, net.router);
      watch.phase("all the time");
      const [one, other] = sidesOf({ name: "any", ends: [hq, branch] });
      await near.install([routed(one, ["10.77.1.0/24"])]);
      await far.install([routed(other, ["10.30.1.0/24", THIRD])]);
      await near.waitUp();
      [frr] = await Promise.all([
        startFrr(hq, INSIDE.hq, INSIDE.branch, 65001, ["10.30.1.0/24", THIRD], BY_OSPF.hq),
        startFrr(branch, INSIDE.branch, INSIDE.hq, 65002, ["10.77.1.0/24"], BY_OSPF.branch),
      ]);
    });
    afterAll(async () => {
      await Driven.stopAll();
      await lab.close();
    });
    beforeEach(() => {
      showLogsOnFailure(() => lab);
    });

    test("IPS-03: BGP over the tunnel installs the far networks on both sides", async () => {
      await frr.waitEstablished(INSIDE.branch);
      await waitFor(
        "routes of the branch",
        async () => (await learned(hq)).join() === "10.77.1.0/24",
      );
      await waitFor(
        "routes of the headquarters",
        async () => (await learned(branch)).join() === `${THIRD},10.30.1.0/24`,
      );
    });

    test("IPS-03: OSPF does the same over the same tunnel", { timeout: 60_000 }, async () => {
      await waitFor(
        "OSPF's route to the branch",
        async () => (await learned(hq, "ospf")).join() === BY_OSPF.branch,
      );
      await waitFor(
        "OSPF's route to the headquarters",
        async () => (await learned(branch, "ospf")).join() === BY_OSPF.hq,
      );
      const words = ["-n", "-c", "1", "-W", "1", "-I", BY_OSPF.hq, BY_OSPF.branch];
      await waitFor("a ping", () => lab.run(hq.name, "ping", words).then(() => true));
    });

    test("IPS-01: what routes lead into the tunnel passes, by one SA of any to any", async () => {
      await waitFor("a ping", async () => (await net.ping(branch, hq)) === 1);
      const [sa] = await near.driver.sas();
      expect(sa?.children).toHaveLength(1);
      expect(sa?.children[0]).toMatchObject({
        localSelectors: ["0.0.0.0/0"],
        remoteSelectors: ["0.0.0.0/0"],
      });
    });

    test("IPS-02: a third site is reached through the headquarters, over the same tunnel", async () => {
      await waitFor("a ping", pingThird);
    });

    test(
      "IPS-03: with the tunnel the routes go, with it they come back",
      { timeout: 60_000 },
      async () => {
        await far.driver.terminate("any");
        await near.driver.terminate("any");
        await waitFor("the routes to go", async () => {
          const left = [...(await learned(hq)), ...(await learned(branch))];
          const ospf = [...(await learned(hq, "ospf")), ...(await learned(branch, "ospf"))];
          return left.length === 0 && ospf.length === 0;
        });
        expect(await net.ping(branch, hq, { count: 2 })).toBe(0);
        expect(await pingThird()).toBe(false);
        await near.driver.initiate("any");
        await waitFor("the routes to come back", async () => (await learned(branch)).length === 2);
        await waitFor("OSPF's, too", async () => (await learned(branch, "ospf")).length === 1);
        await waitFor("a ping", pingThird);
      },
    );

    test("IPS-90: nothing of all this was in clear on the way", async () => {
      const traffic = await watch.finish([
        ...["10.30.1.0/24", "10.77.1.0/24", THIRD],
        ...["169.254.7.0/30", "10.66.0.0/16", "224.0.0.5/32"],
      ]);
      expect(traffic.get("all the time")?.clear).toEqual([]);
      expect(traffic.get("all the time")?.protected).toBeGreaterThan(10);
    });
  },
);
