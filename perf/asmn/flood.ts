/**
 * The paper's flood test: a flood of TCP SYN with data runs through the gateway, and some seconds later a catalog
 * is applied that gives it 10 Mbit/s.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { judged, notRun, type PaperRow, type Part, type PartOptions } from "./part.js";
import { labObstacle, TARGET, TrafficLab } from "./traffic-lab.js";

const TITLE = "Table 4, Fig. 9: a flood, and a catalog with 10 Mbit/s";
const PORT = 5201;
const SAMPLE_SECONDS = 0.02;
/** That the flood is held to, bit/s, with room for how it is measured. */
const HELD = 10_000_000 * 1.15;
/** Over which the rate is to have been low for the flood to count as held. */
const HOLD_MS = 300;
const FLOW = { from: "one", to: "two", protocol: "tcp", port: PORT, answers: true };
const OPEN = { ...FLOW, rate: "10gbit", burst: "64m", opens: 1_000_000 };

interface Sample {
  /** Wall-clock milliseconds. */
  readonly at: number;
  readonly octets: number;
}

export const flood: Part = {
  name: "flood",
  summary:
    "a SYN flood of about 280 Mbit/s through the gateway, held to 10 Mbit/s by a new catalog",
  async run(options) {
    const wanted = [
      { ids: "ASM-47, ASM-48", what: "rate before and after", paper: "280 → 9.76 Mbit/s" },
    ];
    const obstacle = labObstacle();
    if (obstacle !== undefined) return [notRun(TITLE, wanted, obstacle)];
    const lab = await TrafficLab.build();
    try {
      return [{ title: TITLE, rows: await measure(lab, options) }];
    } finally {
      await lab.close();
    }
  },
};

async function measure(lab: TrafficLab, options: PartOptions): Promise<PaperRow[]> {
  const [beforeMs, afterMs] = options.quick ? [2000, 2000] : [11_000, 19_000];
  // The VNF sends no more than this, however fast its generator is.
  lab.run("one", "tc", [
    ..."qdisc add dev eth0 root tbf rate 280mbit burst 256k latency 20ms".split(" "),
  ]);
  await lab.apply([OPEN]);
  const samples = watch(lab);
  const sender = lab.start("one", "hping3", [
    ...["-q", "--flood", "-S", "-p", String(PORT), "-d", "1400", TARGET],
  ]);
  await sleep(beforeMs);
  const begun = Date.now();
  const tookMs = await lab.apply([{ ...FLOW, rate: "10mbit", opens: 1_000_000 }]);
  await sleep(afterMs);
  const before = rate(samples, begun - Math.min(beforeMs - 500, 5000), begun);
  const after = rate(samples, begun + 1000, Date.now());
  const heldAfter = timeToHold(samples, begun);
  await lab.apply([{ ...FLOW, opens: 100 }]);
  await sleep(1000);
  const packets = await packetsPerSecond(lab, options.quick ? 1000 : 3000);
  sender.kill("SIGKILL");
  return [
    {
      ...{ ids: "ASM-47, ASM-48", what: "rate before", paper: "280 Mbit/s" },
      ...{
        ours: megabits(before),
        verdict: "shown",
        note: "TCP SYN with data, sent at 280 Mbit/s",
      },
    },
    {
      ...{ ids: "ASM-48", what: "rate after", paper: "9.76 Mbit/s", ours: megabits(after) },
      verdict: judged(after <= HELD, options),
      note: "policed, in IP packets and 14 octets of link header each",
    },
    {
      ...{ ids: "ASM-37, ASM-48", what: "held after", paper: "within 1 s" },
      ours: heldAfter === undefined ? "never" : `${Math.round(heldAfter)} ms`,
      verdict: judged((heldAfter ?? Infinity) <= 200, options),
      note: "at most 200 ms, from applying; the kernel's limit lets one second's worth pass first",
    },
    {
      ...{ ids: "ASM-37", what: "catalog in the kernel", paper: "–", ours: `${tookMs} ms` },
      ...{ verdict: "shown", note: "signature verified, stored, nft loaded" },
    },
    {
      ...{ ids: "ASM-35", what: "SYN/s with a limit of 100", paper: "–", ours: packets.toFixed(0) },
      verdict: judged(packets <= 130, options),
    },
  ];
}

/** Reads the octets that have arrived, until the lab is closed. */
function watch(lab: TrafficLab): Sample[] {
  const samples: Sample[] = [];
  const file = "/sys/class/net/eth0/statistics/rx_bytes";
  const loop = `while :; do read -r n <${file}; echo "$EPOCHREALTIME $n"; sleep ${SAMPLE_SECONDS}; done`;
  const reader = lab.start("two", "bash", ["-c", loop]);
  let rest = "";
  reader.stdout?.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [time = "0", octets = "0"] = line.split(" ");
      samples.push({ at: Number(time) * 1000, octets: Number(octets) });
    }
  });
  return samples;
}

function rate(samples: readonly Sample[], from: number, to: number): number {
  const within = samples.filter(({ at }) => at >= from && at <= to);
  const [first, last] = [within[0], within.at(-1)];
  if (first === undefined || last === undefined || last.at === first.at) return Number.NaN;
  return ((last.octets - first.octets) * 8000) / (last.at - first.at);
}

/** Milliseconds from `begun` until it is held, and stays so. */
function timeToHold(samples: readonly Sample[], begun: number): number | undefined {
  const start = samples.find(({ at }) => at >= begun && rate(samples, at, at + HOLD_MS) <= HELD);
  return start === undefined ? undefined : start.at - begun;
}

async function packetsPerSecond(lab: TrafficLab, milliseconds: number): Promise<number> {
  lab.run("two", "nft", [
    "add table inet seen; add chain inet seen in { type filter hook prerouting priority 0; }; " +
      `add rule inet seen in tcp dport ${PORT} tcp flags & (syn | ack) == syn counter`,
  ]);
  await sleep(milliseconds);
  const text = lab.run("two", "nft", ["list", "table", "inet", "seen"]);
  return (Number(/packets (\d+)/.exec(text)?.[1]) * 1000) / milliseconds;
}

function megabits(bitsPerSecond: number): string {
  return `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s`;
}
