/**
 * The timeline under churn: `node dist/perf/bench-timeline.js [--seconds 60] [--rate 20000] [--size-mib 64] [--json]`.
 * MACs move between PEs in a table with a FIB on it, so many a second, as a reflector's turns have it; the time
 * of each turn (announcements and `Fib.read`) is taken with the timeline and without, in turns of a second
 * each, so that both have the same machine. Says what was written, lost and kept, and the disk's size over time.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AttrStore, RouteTable, Sources, SourceKind } from "../src/bgp/rib/index.js";
import { Family } from "../src/fast-bgp-codec/family.js";
import { NlriScan, scanNlri } from "../src/fast-bgp-codec/nlri-scan.js";
import { DEFAULT_FIB_SETTINGS, Fib, ThreadTimeline, TIMELINE_RING } from "../src/fib/index.js";
import { writeU16, writeU32 } from "../src/util/bytes.js";
import { systemClock } from "../src/util/clock.js";

const NLRI_LENGTH = 35;
const MACS = 100_000;
const TURNS = 200;
const PES = 8;

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

const SECONDS = option("--seconds", 60);
const RATE = option("--rate", 20_000);
const MIB = option("--size-mib", 64);

class Churn {
  readonly fib: Fib;
  private readonly attrs = new AttrStore();
  private readonly table: RouteTable;
  private readonly nlri = new Uint8Array(NLRI_LENGTH);
  private readonly scan = new NlriScan();
  private readonly sequences = new Uint32Array(MACS);
  private at = 0;

  constructor() {
    const sources = new Sources();
    this.table = new RouteTable(this.attrs, sources, true);
    for (let pe = 0; pe < PES; pe++) {
      sources.take(SourceKind.Client, pe + 1, `10.0.0.${pe}`, `4${pe}`, 65000);
    }
    const settings = { ...DEFAULT_FIB_SETTINGS, eventRing: TIMELINE_RING };
    this.fib = new Fib({ table: this.table, settings, clock: systemClock });
    this.nlri.set([2, NLRI_LENGTH - 2, 0, 1]);
    this.nlri[24] = 48;
  }

  /** So many moves, read; the milliseconds that it took. */
  turn(moves: number): number {
    const start = performance.now();
    for (let n = 0; n < moves; n++) this.move();
    this.table.furthestReader = this.table.log.tail;
    while (this.fib.read(1000));
    this.table.releaseUpTo(this.fib.position);
    return performance.now() - start;
  }

  private move(): void {
    const mac = this.at++ % MACS;
    const sequence = ++this.sequences[mac]!;
    const pe = sequence % PES;
    writeU32(this.nlri, 4, pe);
    writeU16(this.nlri, 25, 0x0200);
    writeU32(this.nlri, 27, mac);
    scanNlri(Family.Evpn, this.nlri, 0, NLRI_LENGTH, false, this.scan);
    const text =
      `0a0000${hex(pe, 2)}` +
      "40010100" +
      "40050400000064" +
      `c010180002fde80000000a030c000000000008060000000${hex(sequence, 7)}`;
    const bytes = Buffer.from(text, "hex");
    const id = this.attrs.intern(Family.Evpn, 4, bytes, 0, bytes.length);
    this.table.announce(pe, Family.Evpn, this.nlri, this.scan, id, id);
    this.attrs.release(id);
  }
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function diskOctets(directory: string): number {
  return readdirSync(directory).reduce(
    (sum, name) => sum + statSync(join(directory, name)).size,
    0,
  );
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function figures(turns: number[]): Record<string, number> {
  turns.sort((a, b) => a - b);
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  return {
    p50: round(percentile(turns, 0.5)),
    p99: round(percentile(turns, 0.99)),
    max: round(turns.at(-1) ?? 0),
  };
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "evpnd-bench-timeline-"));
  const settings = { directory, maxAge: 86_400, maxSize: MIB * 1024 * 1024 };
  const log = { debug() {}, info() {}, warn() {}, error: console.error };
  const started = Date.now();
  const timeline = new ThreadTimeline({ settings, started, clock: systemClock, log });
  const fed = new Churn();
  const alone = new Churn();
  timeline.attach(fed.fib.tables.events.share([]));
  const perTurn = RATE / TURNS;
  for (const one of [fed, alone]) for (let n = 0; n < TURNS; n++) one.turn(perTurn);
  const withTimeline: number[] = [];
  const without: number[] = [];
  const sizes: number[] = [];
  try {
    for (let second = 0; second < 2 * SECONDS; second++) {
      const [churn, into] = second % 2 === 0 ? [fed, withTimeline] : [alone, without];
      const begin = performance.now();
      for (let n = 0; n < TURNS; n++) {
        into.push(churn.turn(perTurn));
        const wait = begin + ((n + 1) * 1000) / TURNS - performance.now();
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
      }
      if (second % 10 === 0) sizes.push(Math.round(diskOctets(directory) / 2 ** 20));
    }
    const { events, octets, lost } = await timeline.status();
    const a = figures(withTimeline);
    const b = figures(without);
    const result = {
      rate: RATE,
      seconds: SECONDS,
      told: fed.fib.tables.events.next,
      lost,
      kept: events,
      keptMib: Math.round(octets / 2 ** 20),
      turnMs: { timeline: a, without: b, p99Ratio: a["p99"]! / b["p99"]! },
      diskMib: sizes,
    };
    console.log(JSON.stringify(result, null, process.argv.includes("--json") ? 0 : 2));
  } finally {
    await timeline.close();
    fed.fib.close();
    alone.fib.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

await main();
