/**
 * VNFs of a tenant with a gateway between them, and the Sec-EM (with the reflector) behind it too:
 *
 *   v1 ──┐
 *   v2 ──┼── gw ── em
 *   v3 ──┘
 *
 * Each has a /24 of its own and reaches the others through `gw`, so a rule there sees every packet.
 */
import type { Lab } from "../../lib/lab.js";

export const GATEWAY = "gw";
export const MANAGER = "em";
/** Of the Sec-EM and the reflector. */
export const MANAGER_ADDRESS = "10.97.0.10";

export class VnfNet {
  readonly lab: Lab;

  constructor(lab: Lab) {
    this.lab = lab;
    lab.namespace(GATEWAY);
    lab.runSync(GATEWAY, "sh", [
      "-c",
      "echo 1 > /proc/sys/net/ipv4/ip_forward; " +
        "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done",
    ]);
    this.attach(MANAGER, 0);
  }

  /** Label of the namespace of a VNF, 1 to 99. */
  static label(vnf: number): string {
    return `v${String(vnf)}`;
  }

  static address(vnf: number): string {
    return `10.97.${String(vnf)}.10`;
  }

  /** The gateway's interface towards a VNF; 0 = the Sec-EM. */
  static port(vnf: number): string {
    return `p${String(vnf)}`;
  }

  /** Makes the VNF's namespace. @returns its label */
  vnf(vnf: number): string {
    const label = VnfNet.label(vnf);
    this.attach(label, vnf);
    return label;
  }

  /** One more address at the VNF, routed there: what it could steal, or move to. */
  addAddress(vnf: number, address: string): void {
    this.lab.ip(VnfNet.label(vnf), [`addr add ${address}/32 dev eth0`]);
    this.lab.ip(GATEWAY, [`route replace ${address}/32 via ${VnfNet.address(vnf)}`]);
  }

  /** Takes the VNF, or with 0 the Sec-EM, off the net, or puts it back. */
  cut(vnf: number, isCut: boolean): void {
    this.lab.ip(GATEWAY, [`link set ${VnfNet.port(vnf)} ${isCut ? "down" : "up"}`]);
  }

  private attach(label: string, net: number): void {
    this.lab.namespace(label);
    const subnet = `10.97.${String(net)}`;
    const port = VnfNet.port(net);
    this.lab.ip(GATEWAY, [
      `link add ${port} type veth peer name eth0 netns ${this.lab.name(label)}`,
      `addr add ${subnet}.254/24 dev ${port}`,
      `link set ${port} up`,
    ]);
    this.lab.ip(label, [
      `addr add ${subnet}.10/24 dev eth0`,
      "link set eth0 up",
      `route add default via ${subnet}.254`,
    ]);
  }
}
