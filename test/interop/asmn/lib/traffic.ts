/** Traffic from the first VNF to the second, and what arrives of it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../../lib/lab.js";
import { TWO, type GatewayNet } from "./gateway-net.js";

interface IperfJson {
  readonly end: { readonly sum_received?: { readonly bits_per_second?: number } };
}

/** Runs iperf3 against the server of the second VNF. @returns what arrived, bit/s */
export async function iperf(lab: Lab, args: readonly string[]): Promise<number> {
  const text = await lab.run("one", "iperf3", ["-c", TWO, "-p", "5201", "-J", ...args]);
  return (JSON.parse(text) as IperfJson).end.sum_received?.bits_per_second ?? 0;
}

const FLOODS = {
  udp: ["--udp", "-p", "5201", "-d", "1400"],
  icmp: ["--icmp", "-d", "1400"],
  syn: ["-S", "-p", "5201"],
} as const;

/** As fast as hping3 can. @returns ends it */
export async function flood(lab: Lab, kind: keyof typeof FLOODS): Promise<() => Promise<void>> {
  const program = lab.start("one", `flood-${kind}`, "hping3", [
    ...["-q", "-i", "u20", ...FLOODS[kind], TWO],
  ]);
  await sleep(300);
  program.mustRun();
  return async () => {
    await program.stop("SIGINT");
  };
}

/** Counts, in a VNF's own packet filter, what goes to port 5201. @returns how many so far */
export async function countUdp(lab: Lab, label: "one" | "two"): Promise<() => Promise<number>> {
  const hook = label === "one" ? "postrouting" : "prerouting";
  await lab.run(label, "nft", [
    `add table inet seen; add chain inet seen passing { type filter hook ${hook} priority 0; }; ` +
      `add rule inet seen passing ip daddr ${TWO} udp dport 5201 counter`,
  ]);
  return async () => {
    const text = await lab.run(label, "nft", ["list", "table", "inet", "seen"]);
    return Number(/counter packets (\d+)/.exec(text)?.[1]);
  };
}

/** What arrives at the second VNF, bit/s (or packets/s), over so long. */
export async function rateDuring(
  net: GatewayNet,
  milliseconds: number,
  what: "bits" | "packets" = "bits",
): Promise<number> {
  const read = () => Number(net.lab.runSync("two", "cat", [`${STATISTICS}/rx_${WORDS[what]}`]));
  const [begun, before] = [performance.now(), read()];
  await sleep(milliseconds);
  const [ended, after] = [performance.now(), read()];
  return ((after - before) * (what === "bits" ? 8 : 1) * 1000) / (ended - begun);
}

const STATISTICS = "/sys/class/net/eth0/statistics";
const WORDS = { bits: "bytes", packets: "packets" } as const;
