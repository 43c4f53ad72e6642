/**
 * An EVPN fabric in namespaces: PEs (FRR zebra and bgpd, a kernel bridge and VXLAN device per VNI)
 * and reflectors on one segment, hosts on veth behind the PEs.
 *
 *   host h1a ── pe1 ─┐             ┌─ pe2 ── host h2a
 *   host h1b ──┘     ├─ net (br0) ─┤
 *   reflectors rr1, rr2 ───────────┴─ pe3 …
 */
import { command } from "./command.js";
import { Frr, frrClient } from "./frr.js";
import type { Lab } from "./lab.js";
import { waitFor } from "./wait.js";

export const VNIS = [100, 200] as const;
export const PES = [1, 2, 3] as const;
export const CLIENTS = "10.99.0.0/24";

export interface Host {
  readonly label: string;
  readonly vni: number;
  readonly mac: string;
  /** Without prefix length. */
  readonly address: string;
}

export function peAddress(pe: number): string {
  return `10.99.0.${String(pe)}`;
}

/** The host of a VNI behind a PE. */
export function hostOf(pe: number, vni: number): Host {
  return {
    label: `h${String(pe)}v${String(vni)}`,
    vni,
    mac: `52:54:00:00:${vni.toString(16).padStart(2, "0")}:0${String(pe)}`,
    address: `192.168.${String(vni)}.${String(pe)}`,
  };
}

export class Fabric {
  readonly lab: Lab;
  readonly pes = new Map<number, Frr>();
  private readonly reflectors: readonly string[];
  private readonly familyLines: readonly string[];

  /**
   * Makes the segment; `reflectors` are the addresses every PE peers with, `familyLines` more of the PEs'
   * configuration for EVPN.
   */
  constructor(lab: Lab, reflectors: readonly string[], familyLines: readonly string[] = []) {
    this.lab = lab;
    this.familyLines = familyLines;
    this.reflectors = reflectors;
    lab.namespace("net");
    quiet(lab, "net");
    lab.ip("net", ["link add br0 type bridge", "link set br0 up"]);
  }

  /** A namespace with one leg on the segment. */
  attach(label: string, address: string): void {
    this.lab.namespace(label);
    quiet(this.lab, label);
    this.lab.ip("net", [
      `link add ${label} type veth peer name eth0 netns ${this.lab.name(label)}`,
      `link set ${label} master br0 up`,
    ]);
    this.lab.ip(label, [`addr add ${address}/24 dev eth0`, "link set eth0 up"]);
  }

  /** A PE with its bridges, VXLAN devices and daemons. */
  async startPe(pe: number): Promise<Frr> {
    const label = `pe${String(pe)}`;
    this.attach(label, peAddress(pe));
    for (const vni of VNIS) {
      const [bridge, vxlan] = [`br${String(vni)}`, `vx${String(vni)}`];
      this.lab.ip(label, [
        `link add ${bridge} type bridge`,
        `link set ${bridge} up`,
        `link add ${vxlan} type vxlan id ${String(vni)} local ${peAddress(pe)} dstport 4789 nolearning`,
        `link set ${vxlan} master ${bridge}`,
        `link set ${vxlan} type bridge_slave neigh_suppress on learning off`,
        `link set ${vxlan} up`,
      ]);
    }
    return this.startDaemons(pe);
  }

  async startDaemons(pe: number): Promise<Frr> {
    const label = `pe${String(pe)}`;
    const frr = await Frr.start({
      lab: this.lab,
      label,
      name: label,
      address: peAddress(pe),
      zebra: true,
      config: frrClient({
        address: peAddress(pe),
        reflectors: this.reflectors,
        vtep: true,
        familyLines: this.familyLines,
      }),
    });
    this.pes.set(pe, frr);
    return frr;
  }

  pe(pe: number): Frr {
    const frr = this.pes.get(pe);
    if (frr === undefined) throw new Error(`no PE ${String(pe)}`);
    return frr;
  }

  /** A host in a namespace of its own behind the PE; `as` tells several with one MAC apart. */
  plug(pe: number, host: Host, as = host.label): void {
    this.lab.namespace(as);
    quiet(this.lab, as);
    const port = `p${as}`;
    this.lab.ip(`pe${String(pe)}`, [
      `link add ${port} type veth peer name eth0 address ${host.mac} netns ${this.lab.name(as)}`,
      `link set ${port} master br${String(host.vni)} up`,
    ]);
    this.lab.ip(as, [`addr add ${host.address}/24 dev eth0`, "link set eth0 up"]);
  }

  /** The host and its port are gone, at once. */
  unplug(pe: number, label: string): void {
    this.lab.ip(`pe${String(pe)}`, [`link del p${label}`]);
    this.lab.removeNamespace(label);
  }

  /** One ping; true when it was answered within a second. */
  async ping(from: string, to: Host): Promise<boolean> {
    try {
      await this.lab.run(from, "ping", ["-n", "-c", "1", "-W", "1", to.address]);
      return true;
    } catch {
      return false;
    }
  }

  async waitPing(from: string, to: Host): Promise<void> {
    await waitFor(`${from} to ping ${to.label}`, () => this.ping(from, to));
  }

  /** Says "I am here" once. */
  async gratuitousArp(label: string, address: string): Promise<void> {
    await this.lab
      .run(label, "arping", ["-U", "-c", "1", "-w", "1", "-I", "eth0", address])
      .catch(() => {
        // arping -U ends with 1 when nobody answers, and nobody does.
      });
  }

  /**
   * Where the PE's kernel forwards a MAC: a remote VTEP, "local", or undefined. The bridge decides
   * which port; only behind the VXLAN port does the VXLAN device's own entry count (zebra 8.4 leaves
   * such an entry behind when the MAC has become local).
   */
  async fdb(pe: number, vni: number, mac: string): Promise<string | undefined> {
    const text = await command("bridge", ["-n", this.lab.name(`pe${String(pe)}`), "fdb", "show"]);
    const lines = text.split("\n").filter((line) => line.startsWith(`${mac} `));
    const vxlan = ` dev vx${String(vni)} `;
    const port = lines.find((line) => line.includes(` master br${String(vni)}`));
    if (port === undefined) return undefined;
    if (!port.includes(vxlan)) return "local";
    const remote = lines.find((line) => line.includes(vxlan) && line.includes(" dst "));
    return remote && / dst (\S+)/.exec(remote)?.[1];
  }

  async waitFdb(pe: number, host: Host, wanted: string | undefined): Promise<void> {
    await waitFor(`FDB of pe${String(pe)}: ${host.mac} at ${wanted ?? "nowhere"}`, async () => {
      const now = await this.fdb(pe, host.vni, host.mac);
      if (now !== wanted) throw new Error(now ?? "nowhere");
      return true;
    });
  }

  /** Highest MAC mobility sequence among the routes a PE holds for the MAC; 0 without community. */
  async mobility(pe: number, mac: string): Promise<number> {
    const routes = await this.pe(pe).evpnRoutes();
    const sequences = [...routes]
      .filter(([prefix]) => prefix.includes(`[${mac}]`))
      .flatMap(([, paths]) => paths)
      .map((path) => Number(/MM:(\d+)/.exec(path.extendedCommunity?.string ?? "")?.[1] ?? 0));
    return Math.max(0, ...sequences);
  }
}

/** No IPv6 neighbour discovery and no MLD: a silent host stays silent. */
function quiet(lab: Lab, label: string): void {
  lab.runSync(label, "sh", [
    "-c",
    "for i in all default; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done",
  ]);
}
