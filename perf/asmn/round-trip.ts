/**
 * What the rules cost a round trip, and the processor. With and without them in turn, many times: a machine that is
 * busy with other things is so in both, and the medians of the differences tell.
 */
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { median } from "../fleet/statistics.js";
import { judged, notRun, type PaperRow, type Part, type PartOptions } from "./part.js";
import { labObstacle, TARGET, TrafficLab } from "./traffic-lab.js";

const TRIPS = "Table 3, Fig. 5: what the rules add to a round trip";
const LOAD = "Figs. 6 to 8: what the rules add to the processor's load";
const ENDS = { from: "one", to: "two", rate: "10gbit", burst: "64m" };
/** The flow measured stands among others, as it would. */
const ENTRIES = [
  { ...ENDS, protocol: "icmp" },
  { ...ENDS, protocol: "tcp", port: 5201, opens: 1_000_000 },
  { ...ENDS, protocol: "udp", port: 5201 },
  ...Array.from({ length: 100 }, (_, n) => ({ ...ENDS, protocol: "tcp", port: 10_000 + n })),
];
const SIZES = [64, 4096];
const MOST_MICROSECONDS = 5;
const MOST_PERCENT = 1;
const SATURATED_PERCENT = 90;

export const roundTrip: Part = {
  name: "round-trip",
  summary: "round trips of ICMP, TCP and UDP at 64 and 4,096 octets, with and without the rules",
  run: (options) => inLab(TRIPS, "ASM-45, ASM-44", "< 5 µs (ICMP)", options, measureTrips),
};

export const processor: Part = {
  name: "cpu",
  summary: "the machine's load under ICMP, TCP and UDP, with and without the rules",
  run: (options) => inLab(LOAD, "ASM-46", "< 1 %", options, measureLoad),
};

async function inLab(
  title: string,
  ids: string,
  paper: string,
  options: PartOptions,
  measure: (lab: TrafficLab, options: PartOptions) => Promise<PaperRow[]>,
): ReturnType<Part["run"]> {
  const obstacle = labObstacle();
  if (obstacle !== undefined) return [notRun(title, [{ ids, what: "added", paper }], obstacle)];
  const lab = await TrafficLab.build();
  try {
    await lab.apply(ENTRIES);
    // Loaded and taken out by hand from here on.
    await lab.gateway.close();
    return [{ title, rows: await measure(lab, options) }];
  } finally {
    await lab.close();
  }
}

async function measureTrips(lab: TrafficLab, options: PartOptions): Promise<PaperRow[]> {
  const script = await lab.script();
  const [rounds, trips] = options.quick ? [2, 200] : [16, 500];
  const server = new Lines(lab.start("two", process.execPath, [echo(), "server"]));
  await server.next();
  const rows: PaperRow[] = [];
  for (const protocol of ["ICMP", "TCP", "UDP"] as const) {
    for (const size of SIZES) {
      const once = await traveller(lab, protocol, size);
      await once(trips);
      const without: number[] = [];
      const added: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const pair = new Map<boolean, number>();
        // First with, then without, then the other way round: what drifts cancels out.
        for (const on of round % 2 === 0 ? [true, false] : [false, true]) {
          lab.load(on ? script : undefined);
          pair.set(on, await once(trips));
        }
        without.push(pair.get(false) ?? Number.NaN);
        added.push((pair.get(true) ?? Number.NaN) - (pair.get(false) ?? Number.NaN));
      }
      const more = median(added);
      rows.push({
        ids: "ASM-44, ASM-45",
        what: `${protocol}, ${size} octets`,
        paper: protocol === "ICMP" ? "< 5 µs" : "–",
        ours: `${more >= 0 ? "+" : ""}${more.toFixed(2)} µs`,
        verdict: judged(more < MOST_MICROSECONDS, options),
        note: `on ${median(without).toFixed(1)} µs; median of ${rounds} pairs`,
      });
    }
  }
  return rows;
}

/** @returns makes so many round trips; their median (of ping's: the mean), microseconds */
async function traveller(
  lab: TrafficLab,
  protocol: "ICMP" | "TCP" | "UDP",
  size: number,
): Promise<(trips: number) => Promise<number>> {
  if (protocol === "ICMP") {
    return (trips) => {
      const count = String(Math.ceil(trips / 2));
      // 8 octets are the header's.
      const args = ["-n", "-c", count, "-i", "0.001", "-s", String(size - 8), TARGET];
      const text = lab.run("one", "ping", args);
      const times = [...text.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time) * 1000);
      return Promise.resolve(mean(times.sort((a, b) => a - b).slice(0, times.length >> 1)));
    };
  }
  const args = [echo(), "client", protocol.toLowerCase(), String(size), TARGET];
  const child = lab.start("one", process.execPath, args);
  const client = new Lines(child);
  await client.next();
  return async (trips) => {
    child.stdin?.write(`${trips}\n`);
    return Number(await client.next());
  };
}

const LOADS = [
  { name: "ICMP", args: ["--icmp"] },
  { name: "TCP", args: ["-S", "-p", "5201"] },
  { name: "UDP", args: ["--udp", "-p", "5201"] },
] as const;

async function measureLoad(lab: TrafficLab, options: PartOptions): Promise<PaperRow[]> {
  const script = await lab.script();
  const [slices, sliceMs] = options.quick ? [2, 300] : [25, 1000];
  const rows: PaperRow[] = [];
  for (const { name, args } of LOADS) {
    const sender = lab.start("one", "hping3", [
      ...["-q", "-i", "u500", "-d", "512", ...args, TARGET],
    ]);
    await sleep(300);
    const added: number[] = [];
    const without: number[] = [];
    for (let slice = 0; slice < slices; slice++) {
      const pair = new Map<boolean, number>();
      for (const on of slice % 2 === 0 ? [true, false] : [false, true]) {
        lab.load(on ? script : undefined);
        const before = busy();
        await sleep(sliceMs);
        pair.set(on, load(before, busy()));
      }
      without.push(pair.get(false) ?? Number.NaN);
      added.push((pair.get(true) ?? Number.NaN) - (pair.get(false) ?? Number.NaN));
    }
    sender.kill("SIGKILL");
    const more = median(added);
    const base = median(without);
    // A machine without a free core shows no difference, whatever the rules cost.
    const saturated = base > SATURATED_PERCENT && !options.quick;
    rows.push({
      ...{ ids: "ASM-46", what: `${name}, some 2,000 packets/s of 512 octets`, paper: "< 1 %" },
      ours: `${more >= 0 ? "+" : ""}${more.toFixed(2)} %`,
      verdict: saturated ? "not run" : judged(more < MOST_PERCENT, options),
      note: `of all cores, on ${base.toFixed(1)} %${saturated ? ": too busy to tell" : ""}; median of ${slices} pairs of ${sliceMs} ms`,
    });
  }
  return rows;
}

interface Busy {
  readonly busy: number;
  readonly all: number;
}

/** Of all cores, in ticks: user, nice, system, idle, iowait, irq, softirq, steal. */
function busy(): Busy {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const ticks = line.split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, one) => sum + one, 0);
  return { all, busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0) };
}

function load(before: Busy, after: Busy): number {
  return (100 * (after.busy - before.busy)) / Math.max(1, after.all - before.all);
}

/** Lines of a child's output, one at a time. */
class Lines {
  private readonly lines: AsyncIterator<string, undefined>;

  constructor(child: ChildProcess) {
    const { stdout } = child;
    if (stdout === null) throw new Error("it has no output");
    this.lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  async next(): Promise<string> {
    const line: IteratorResult<string, undefined> = await this.lines.next();
    if (line.done === true) throw new Error("the echo process ended");
    return line.value;
  }
}

function echo(): string {
  return join(import.meta.dirname, "echo.js");
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}
