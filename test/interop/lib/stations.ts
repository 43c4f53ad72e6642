/** Hosts that exist as frames only, many behind each PE of a fabric; they speak, move and fall silent. */
import type { Random } from "../../model/lib/random.js";
import { command } from "./command.js";
import { peAddress, VNIS } from "./fabric.js";
import type { Fabric } from "./fabric.js";
import { Frames } from "./frames.js";

/** Ports of a bridge, each with a device behind it through which its stations speak. */
const PORTS = ["a", "b"] as const;
const MACS = 24;

interface Station {
  readonly vni: number;
  readonly mac: string;
  readonly address: string | undefined;
}

/**
 * Each MAC is in every VNI: two stations that share nothing but their number. Every other one has an address,
 * and says so whenever it speaks, as hosts do that have moved. (Where it would move in silence, zebra 8.4
 * keeps the address of old with the sequence of old, and is deaf to lower ones when all routes have gone.)
 */
const STATIONS: readonly Station[] = Array.from({ length: MACS }, (_, n) =>
  VNIS.map((vni) => ({
    vni,
    mac: `02:aa:00:00:00:${(n + 1).toString(16).padStart(2, "0")}`,
    address: n % 2 === 0 ? `192.168.${String(vni)}.${String(n + 11)}` : undefined,
  })),
).flat();

export class Stations {
  private readonly fabric: Fabric;
  private readonly pes: readonly number[];
  private readonly frames: ReadonlyMap<number, Frames>;

  private constructor(fabric: Fabric, pes: readonly number[], frames: ReadonlyMap<number, Frames>) {
    this.fabric = fabric;
    this.pes = pes;
    this.frames = frames;
  }

  /** Gives the PEs' bridges ports, and has the kernels note who says to have which address. */
  static async make(fabric: Fabric, pes: readonly number[]): Promise<Stations> {
    const frames = new Map<number, Frames>();
    for (const pe of pes) {
      const label = `pe${String(pe)}`;
      for (const vni of VNIS) {
        const bridge = `br${String(vni)}`;
        fabric.lab.runSync(label, "sh", [
          "-c",
          `echo 1 > /proc/sys/net/ipv4/conf/${bridge}/arp_accept`,
        ]);
        for (const port of PORTS.map((name) => name + String(vni))) {
          fabric.lab.ip(label, [
            `link add p${port} type veth peer name x${port}`,
            `link set p${port} master ${bridge} up`,
            `link set x${port} up`,
          ]);
        }
      }
      frames.set(pe, await Frames.start(fabric.lab, label));
    }
    return new Stations(fabric, pes, frames);
  }

  /**
   * So many events at most, as fast as they go, of a station each: a station that does two things at once
   * makes zebra and bgpd of its PE disagree for good (8.4).
   * @returns how many there were, and where those must be found that spoke, `VNI MAC PE`
   */
  async storm(random: Random, most: number): Promise<{ count: number; spoken: string[] }> {
    if (random.oneIn(10)) {
      await this.flushPort(random.pick(this.pes), random.pick(VNIS), random.pick(PORTS));
      return { count: 1, spoken: [] };
    }
    const spoken: string[] = [];
    const chosen = random.shuffle(STATIONS).slice(0, most);
    for (const station of chosen) {
      const pe = random.pick(this.pes);
      const kind = random.weighted([
        [70, "speak"],
        [22, "forget"],
        [4, "forget address"],
      ] as const);
      if (kind === "speak") {
        this.speak(pe, station, `x${random.pick(PORTS)}${String(station.vni)}`);
        spoken.push(`${String(station.vni)} ${station.mac} ${peAddress(pe)}`);
        if (random.oneIn(2)) await this.frames.get(pe)?.flush();
      } else if (kind === "forget") await this.forget(station);
      else await this.forgetAddress(pe, station);
    }
    for (const frames of this.frames.values()) await frames.flush();
    return { count: chosen.length, spoken };
  }

  close(): void {
    for (const frames of this.frames.values()) frames.close();
  }

  private speak(pe: number, { mac, address }: Station, port: string): void {
    const frames = this.frames.get(pe);
    if (address === undefined) frames?.hello(port, mac);
    else frames?.gratuitousArp(port, mac, address);
  }

  /** The bridges that have heard the station forget it, as when it has been silent for long. */
  private async forget({ vni, mac, address }: Station): Promise<void> {
    const entries = PORTS.map((port) => `fdb del ${mac} dev p${port}${String(vni)} master`);
    const neighbour = address === undefined ? [] : [`neigh del ${address} dev br${String(vni)}`];
    await Promise.all(
      this.pes.map(async (pe) => {
        await this.attempt(pe, "bridge", entries);
        await this.attempt(pe, "ip", neighbour);
      }),
    );
  }

  private async forgetAddress(pe: number, { vni, address }: Station): Promise<void> {
    if (address === undefined) return;
    await this.attempt(pe, "ip", [`neigh del ${address} dev br${String(vni)}`]);
  }

  /** The port goes down and comes back: the bridge forgets all behind it. */
  private async flushPort(pe: number, vni: number, port: string): Promise<void> {
    const device = `p${port}${String(vni)}`;
    await this.attempt(pe, "ip", [
      `link set ${device} down`,
      `neigh flush dev br${String(vni)}`,
      `link set ${device} up`,
    ]);
  }

  /** Batches with -force go on after a fault: what is not there cannot be forgotten. */
  private async attempt(pe: number, program: string, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const batch = lines.join("\n");
    const name = this.fabric.lab.name(`pe${String(pe)}`);
    const script = `printf '%s\\n' "$1" | exec ${program} -n ${name} -force -batch - 2>/dev/null`;
    await command("sh", ["-c", script, "sh", batch]).catch(() => "");
  }
}
