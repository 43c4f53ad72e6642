/**
 * The MAC FIB at size: `node dist/perf/bench-fib.js [--macs 1000000] [--json]`. Octets of resident memory a
 * MAC beyond the table's, nanoseconds a change beside what the table takes for it, lookups, and the
 * loss of a segment with 100,000 MACs. The memory cases run in processes of their own.
 */
import { spawnSync } from "node:child_process";
import { AttrStore, RouteTable, Sources, SourceKind } from "../src/bgp/rib/index.js";
import { Family } from "../src/fast-bgp-codec/family.js";
import { NlriScan, scanNlri } from "../src/fast-bgp-codec/nlri-scan.js";
import { DEFAULT_FIB_SETTINGS, Fib, FibEventKind } from "../src/fib/index.js";
import { writeU16, writeU32 } from "../src/util/bytes.js";
import { systemClock } from "../src/util/clock.js";
import { TableBench } from "./bench-data.js";

const PES = 8;
const VNIS = 100;
const SEGMENT_MACS = 100_000;
const ROUNDS = 3;
/** Type, length, RD, ESI, tag, MAC length, MAC, IP length, then IP and label. */
const NLRI_WITHOUT_IP = 35;
const ESI = "00112233445566778899";

function option(name: string, fallback: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

const MACS = option("--macs", 1_000_000);
/** From one MAC that is looked up to the next: a prime, so that each has its turn. */
const STRIDE = 618_041;

/** The table with the FIB on it, and routes for it. */
class Setup {
  readonly attrs = new AttrStore();
  readonly table: RouteTable;
  private readonly nlri = new Uint8Array(64);
  private readonly scan = new NlriScan();

  constructor() {
    const sources = new Sources();
    this.table = new RouteTable(this.attrs, sources, true);
    for (let pe = 0; pe < PES; pe++) {
      sources.take(SourceKind.Client, pe + 1, `10.0.0.${pe}`, `4${pe}`, 65000);
    }
  }

  newFib(): Fib {
    return new Fib({ table: this.table, settings: DEFAULT_FIB_SETTINGS, clock: systemClock });
  }

  /** An attribute set as a VXLAN PE has it; with a reference for the caller. */
  attributes(pe: number, vni: number, sequence: number, perEs = false): number {
    const communities = [
      `0002fde8${hex(vni, 4)}`,
      "030c000000000008",
      ...(sequence === 0 ? [] : [`06000000${hex(sequence, 4)}`]),
      ...(perEs ? ["0601000000000000"] : []),
    ].join("");
    const text =
      `0a0000${hex(pe, 1)}` +
      "40010100" +
      "400200" +
      "40050400000064" +
      `c010${hex(communities.length / 2, 1)}${communities}`;
    const bytes = Buffer.from(text, "hex");
    return this.attrs.intern(Family.Evpn, 4, bytes, 0, bytes.length);
  }

  /** The MAC/IP route of MAC `index` at a PE. */
  macRoute(pe: number, index: number, withIp: boolean, esi = false): void {
    const { nlri } = this;
    const vni = 10_000 + (index % VNIS);
    nlri.fill(0);
    nlri[0] = 2;
    nlri[1] = NLRI_WITHOUT_IP - 2 + (withIp ? 4 : 0);
    this.writeRd(pe, index % VNIS);
    if (esi) nlri.set(Buffer.from(ESI, "hex"), 10);
    nlri[24] = 48;
    writeU16(nlri, 25, 0x0200);
    writeU32(nlri, 27, index);
    if (withIp) {
      nlri[31] = 32;
      writeU32(nlri, 32, 0x0a000000 | index);
    }
    writeU32(nlri, withIp ? 35 : 31, vni | (withIp ? (index & 0xff) << 24 : 0));
    this.scanned();
  }

  adRoute(pe: number, tag: number): void {
    const { nlri } = this;
    nlri.fill(0);
    nlri[0] = 1;
    nlri[1] = 25;
    this.writeRd(pe, 0);
    nlri.set(Buffer.from(ESI, "hex"), 10);
    writeU32(nlri, 20, tag);
    this.scanned();
  }

  announce(pe: number, attr: number): void {
    this.table.announce(pe, Family.Evpn, this.nlri, this.scan, attr, attr);
  }

  withdraw(pe: number): void {
    this.table.withdraw(pe, Family.Evpn, this.nlri, this.scan);
  }

  private writeRd(pe: number, number: number): void {
    this.nlri[3] = 1;
    writeU32(this.nlri, 4, 0x0a000000 | pe);
    writeU16(this.nlri, 8, number);
  }

  private scanned(): void {
    scanNlri(Family.Evpn, this.nlri, 0, 2 + (this.nlri[1] ?? 0), false, this.scan);
  }

  /** Every MAC at its PE, or `shift` PEs further. */
  announceAll(macs: number, shift: number, sequence: number, withIp: boolean): void {
    const sets = Array.from({ length: PES * VNIS }, (_, i) =>
      this.attributes(i % PES, 10_000 + Math.floor(i / PES), sequence),
    );
    for (let i = 0; i < macs; i++) {
      const pe = (i + shift) % PES;
      this.macRoute(pe, i, withIp);
      this.announce(pe, sets[(i % VNIS) * PES + pe] ?? 0);
    }
    for (const set of sets) this.attrs.release(set);
  }

  withdrawAll(macs: number, shift: number, withIp: boolean): void {
    for (let i = 0; i < macs; i++) {
      const pe = (i + shift) % PES;
      this.macRoute(pe, i, withIp);
      this.withdraw(pe);
    }
  }

  /** Lets the FIB read to the end, and drops what it has read. */
  read(fib: Fib): void {
    this.table.furthestReader = this.table.log.tail;
    while (fib.read(1000));
    this.table.releaseUpTo(fib.position);
  }
}

function hex(value: number, octets: number): string {
  return value.toString(16).padStart(octets * 2, "0");
}

function residentBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().rss;
}

/** In a process of its own: what the FIB adds to a table that is there. Prints octets a MAC. */
function measureMemory(kind: string): void {
  const setup = new Setup();
  setup.announceAll(MACS, 0, 0, kind === "ip");
  if (kind === "both") setup.announceAll(MACS, 0, 0, true);
  setup.table.releaseUpTo(setup.table.log.tail);
  // What the code itself and its compilation take is not the MACs'.
  const warm = new Setup();
  warm.announceAll(20_000, 0, 0, true);
  warm.read(warm.newFib());
  const before = residentBytes();
  const fib = setup.newFib();
  setup.read(fib);
  const octets = (residentBytes() - before) / MACS;
  if (fib.macs.entries.count !== MACS) throw new Error(`${fib.macs.entries.count} entries`);
  console.log(octets.toFixed(1));
}

function memoryCases(): void {
  const cases = [
    ["MAC alone", "mac"],
    ["MAC with one IP, one route", "ip"],
    ["MAC with one IP, a route of each kind", "both"],
  ] as const;
  for (const [name, kind] of cases) {
    const args = ["--expose-gc", process.argv[1] ?? "", "--memory", kind, "--macs", String(MACS)];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    const octets = Number(stdout.trim());
    if (stdout.trim() === "") throw new Error(stderr);
    if (process.argv.includes("--json")) {
      console.log(JSON.stringify({ bench: "FIB memory", name, macs: MACS, octetsPerMac: octets }));
    } else {
      console.log(`${name}, ${MACS} MACs: ${octets} octets a MAC`);
    }
  }
}

function round(bench: TableBench): void {
  const setup = new Setup();
  const fib = setup.newFib();
  const step = (name: string, change: () => void): void => {
    bench.time(`table: ${name}`, MACS, change);
    bench.time(`FIB: ${name}`, MACS, () => {
      setup.table.furthestReader = setup.table.log.tail;
      while (fib.read(1000));
    });
    setup.table.releaseUpTo(fib.position);
  };
  step("learn", () => setup.announceAll(MACS, 0, 0, false));
  lookUps(bench, fib);
  step("move", () => setup.announceAll(MACS, 1, 1, false));
  step("old PE withdraws", () => setup.withdrawAll(MACS, 0, false));
  step("changed attributes", () => setup.announceAll(MACS, 1, 2, false));
  step("IP comes", () => setup.announceAll(MACS, 1, 2, true));
  step("IP goes", () => setup.withdrawAll(MACS, 1, true));
  step("last withdrawal", () => setup.withdrawAll(MACS, 1, false));
  if (fib.macs.entries.count !== 0) throw new Error(`${fib.macs.entries.count} entries are left`);
}

function lookUps(bench: TableBench, fib: Fib): void {
  const mac = new Uint8Array(6);
  const { domains } = fib.tables;
  const ids = new Int32Array(20_000 + VNIS);
  for (let id = 1; id < domains.limit; id++) ids[fib.view.domain(id)?.vni ?? 0] = id;
  // Made before the clock starts: what is asked for is no part of the answer's time.
  const order = Uint32Array.from({ length: MACS }, (_, i) => (i * STRIDE) % MACS);
  writeU16(mac, 0, 0x0200);
  let found = 0;
  const walk = (visit: (entry: number) => void): void => {
    for (const index of order) {
      writeU32(mac, 2, index);
      visit(fib.macs.entries.find(ids[10_000 + (index % VNIS)]!, mac, 0));
    }
  };
  bench.time("lookup, random MAC", MACS, () => walk((entry) => (found += entry === 0 ? 0 : 1)));
  bench.time("lookup with next hops", MACS, () =>
    walk((entry) => {
      fib.hops.resolve(entry);
      found += fib.hops.count;
    }),
  );
  if (found !== 2 * MACS) throw new Error(`${found} of ${2 * MACS} found`);
}

/** A segment of two PEs; one of them loses it, then withdraws its MACs one by one. */
function segmentCase(bench: TableBench): void {
  const setup = new Setup();
  const fib = setup.newFib();
  const sets = [0, 1].map((pe) => setup.attributes(pe, 10_000, 0, true));
  for (const pe of [0, 1]) {
    setup.adRoute(pe, 0xffffffff);
    setup.announce(pe, sets[pe] ?? 0);
    for (let i = 0; i < SEGMENT_MACS; i++) {
      setup.macRoute(pe, i * VNIS, false, true);
      setup.announce(pe, sets[pe] ?? 0);
    }
  }
  setup.read(fib);
  const events = fib.tables.events.next;
  setup.adRoute(0, 0xffffffff);
  setup.withdraw(0);
  const read = (name: string, operations: number): void => {
    bench.time(name, operations, () => {
      setup.table.furthestReader = setup.table.log.tail;
      while (fib.read(1000));
    });
    setup.table.releaseUpTo(fib.position);
  };
  read("mass withdraw of 100,000 MACs, whole", 1);
  for (let i = 0; i < SEGMENT_MACS; i++) {
    setup.macRoute(0, i * VNIS, false, true);
    setup.withdraw(0);
  }
  read("FIB: MAC of a segment the PE has left", SEGMENT_MACS);
  // Beside its end and its being empty, a turn may tell how far it is.
  const told = fib.tables.events
    .read(events, SEGMENT_MACS)
    .events.filter(({ kind }) => kind !== FibEventKind.SegmentUpdate);
  if (told.length !== 2) throw new Error(`${told.length} events instead of two`);
}

const memory = process.argv.indexOf("--memory");
if (memory >= 0) {
  measureMemory(process.argv[memory + 1] ?? "");
} else {
  const bench = new TableBench();
  for (let n = 0; n < ROUNDS; n++) {
    round(bench);
    segmentCase(bench);
  }
  bench.print(`FIB, ${MACS} MACs of ${PES} PEs in ${VNIS} domains`);
  memoryCases();
}
