/**
 * EVPN over IPsec: two data centres, three FRR VTEPs, the reflector in the first, and the link between the two
 * in a tunnel. Hosts ping across; the tunnel goes, nothing leaks; it comes back without hands.
 *
 *   h1 ─ pe1 ─┐                                       ┌─ pe3 ─ h3
 *   h2 ─ pe2 ─┤ gateway of dc1 ═ router ═ gateway of dc2
 *        rr ──┘
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import { Evpnd } from "../lib/evpnd.js";
import { Frr, frrClient } from "../lib/frr.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { sidesOf } from "./lib/definition.js";
import { Driven, type TestSecrets } from "./lib/driven.js";
import { TunnelNet, type Site } from "./lib/tunnel-net.js";
import { WireWatch } from "./lib/wire-watch.js";

const VNI = 100;
const PROTECTED = ["10.1.0.0/16", "10.2.0.0/16"];

interface Vtep {
  readonly label: string;
  readonly address: string;
  readonly host: string;
  readonly hostAddress: string;
}

describeInterop(
  "EVPN between data centres",
  ["ping", "frr", "tshark", "strongswan", "nftables"],
  () => {
    let lab: Lab;
    let net: TunnelNet;
    let first: Site;
    let second: Site;
    let near: Driven;
    let far: Driven;
    let watch: WireWatch;
    let reflector: string;
    const vteps: Vtep[] = [];
    const secrets: TestSecrets = new Map([["dci-key", { values: [canary("dci")] }]]);

    async function startVtep(site: Site, number: number): Promise<void> {
      const n = String(number);
      const label = `pe${n}`;
      const address = net.leg(site, label, `${site === first ? "10.1" : "10.2"}.1${n}.0/24`);
      lab.ip(label, [
        "link add br100 type bridge",
        "link set br100 up mtu 1280",
        `link add vx100 type vxlan id ${String(VNI)} local ${address} dstport 4789 nolearning`,
        "link set vx100 master br100",
        "link set vx100 type bridge_slave neigh_suppress on learning off",
        "link set vx100 up",
      ]);
      const host = `h${n}`;
      lab.namespace(host);
      lab.ip(label, [
        `link add p${host} type veth peer name eth0 netns ${lab.name(host)}`,
        `link set p${host} master br100 up`,
      ]);
      const hostAddress = `192.168.100.${n}`;
      lab.ip(host, [`addr add ${hostAddress}/24 dev eth0`, "link set eth0 up mtu 1280"]);
      await Frr.start({
        lab,
        label,
        name: label,
        address,
        zebra: true,
        config: frrClient({ address, reflectors: [reflector], vtep: true }),
      });
      vteps.push({ label, address, host, hostAddress });
    }

    async function pings(from: Vtep, to: Vtep): Promise<boolean> {
      try {
        await lab.run(from.host, "ping", ["-n", "-c", "1", "-W", "1", to.hostAddress]);
        return true;
      } catch {
        return false;
      }
    }

    async function everyonePings(): Promise<void> {
      for (const from of vteps) {
        for (const to of vteps) {
          if (from === to) continue;
          await waitFor(`${from.host} to ping ${to.host}`, () => pings(from, to));
        }
      }
    }

    beforeAll(async () => {
      lab = new Lab();
      net = new TunnelNet(lab);
      [first, second] = await Promise.all([
        net.site({ name: "dc1", outside: ["198.51.100.1"], networks: ["10.1.1.0/24"] }),
        net.site({ name: "dc2", outside: ["203.0.113.1"], networks: ["10.2.1.0/24"] }),
      ]);
      near = new Driven(lab, first, secrets);
      far = new Driven(lab, second, secrets);
      const [one, other] = sidesOf({ name: "dci", ends: [first, second] });
      const wide = {
        local: "10.1.0.0/16",
        remote: "10.2.0.0/16",
        protocol: 0,
        localPort: 0,
        remotePort: 0,
      };
      const mirrored = { ...wide, local: wide.remote, remote: wide.local };
      watch = await WireWatch.start(lab, net.router);
      watch.phase("all the time");
      await near.install([
        { ...one, selectors: [wide], remoteNetworks: [], remoteVteps: [wide.remote] },
      ]);
      await far.install([
        { ...other, selectors: [mirrored], remoteNetworks: [], remoteVteps: [mirrored.remote] },
      ]);
      await near.waitUp();
      reflector = net.leg(first, "rr", "10.1.19.0/24");
      await Evpnd.start({ lab, label: "rr", address: reflector, clients: "10.0.0.0/8" });
      await Promise.all([startVtep(first, 1), startVtep(first, 2), startVtep(second, 3)]);
      vteps.sort((a, b) => (a.label < b.label ? -1 : 1));
    });
    afterAll(async () => {
      await Driven.stopAll();
      await lab.close();
    });
    beforeEach(() => {
      showLogsOnFailure(() => lab);
    });

    test(
      "IPS-03: hosts ping across: EVPN, and its sessions, run through the tunnel",
      { timeout: 90_000 },
      everyonePings,
    );

    test(
      "the tunnel goes down: across nothing, within a data centre as before",
      { timeout: 60_000 },
      async () => {
        await second.swan!.kill();
        const [h1, h2, h3] = vteps as [Vtep, Vtep, Vtep];
        expect(await pings(h1, h3)).toBe(false);
        expect(await pings(h1, h2)).toBe(true);
        const status = await near.guard.status();
        expect(status.prefixes).toEqual(["10.2.0.0/16"]);
      },
    );

    test("it comes back without hands", { timeout: 120_000 }, async () => {
      await second.swan!.start();
      await everyonePings();
    });

    test("IPS-90: no VXLAN and no BGP between the data centres was in clear", async () => {
      const traffic = await watch.finish(PROTECTED);
      expect(traffic.get("all the time")?.clear).toEqual([]);
      expect(traffic.get("all the time")?.protected).toBeGreaterThan(50);
    });
  },
);
