/**
 * What passes the router, in phases: one capture over all of them, taken apart by tshark at the end. A packet
 * whose own header (not one inside ESP) has an address of a protected network passed in clear.
 */
import { join } from "node:path";
import { command } from "../../lib/command.js";
import { Dumpcap } from "../../lib/dumpcap.js";
import type { Lab } from "../../lib/lab.js";

const FIELDS = [
  ...["frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "frame.protocols", "ip.len"],
];

export interface PhaseTraffic {
  /** `source > destination`, of packets in clear. */
  readonly clear: string[];
  /** Packets of ESP. */
  protected: number;
  /** `source length`: octets of IPv4 packets of ESP, each once. */
  readonly lengths: Set<string>;
}

export class WireWatch {
  private readonly dumpcap: Dumpcap;
  private readonly phases: { readonly name: string; readonly start: number }[] = [];

  private constructor(dumpcap: Dumpcap) {
    this.dumpcap = dumpcap;
  }

  static async start(lab: Lab, label: string): Promise<WireWatch> {
    const file = join(lab.makeDirectory("capture"), `${label}.pcapng`);
    const filter = "ip or ip6";
    return new WireWatch(await Dumpcap.start(lab, { label, interface: "any", filter, file }));
  }

  /** What passes from now on belongs to this phase. */
  phase(name: string): void {
    this.phases.push({ name, start: Date.now() / 1000 });
  }

  /** @param networks display filters of protected networks: `10.1.0.0/16` */
  async finish(networks: readonly string[]): Promise<Map<string, PhaseTraffic>> {
    await this.dumpcap.stop();
    const text = await command("tshark", [
      ...["-r", this.dumpcap.file, "-n", "-T", "fields"],
      ...FIELDS.flatMap((field) => ["-e", field]),
      ...["-Y", `esp || ${networks.map(isOf).join(" || ")}`],
    ]);
    const traffic = new Map<string, PhaseTraffic>();
    for (const { name } of this.phases)
      traffic.set(name, { clear: [], protected: 0, lengths: new Set() });
    for (const line of text.split("\n").filter((one) => one !== "")) {
      const [time = "0", from4 = "", to4 = "", from6 = "", to6 = "", protocols = "", length = ""] =
        line.split("\t");
      const phase = this.phases.findLast(({ start }) => start <= Number(time));
      const entry = phase && traffic.get(phase.name);
      if (entry === undefined) continue;
      if (/(^|:)esp(:|$)/.test(protocols)) {
        entry.protected++;
        entry.lengths.add(`${from4} ${length}`);
      } else entry.clear.push(`${from4}${from6} > ${to4}${to6} ${protocols}`);
    }
    return traffic;
  }
}

function isOf(network: string): string {
  return `${network.includes(":") ? "ipv6" : "ip"}.addr == ${network}`;
}
