/**
 * The FIB against the model (lib/model.ts): random routes of all types through a real table, read at
 * random moments; at every quiet point both must agree entry by entry, and at the end nothing may be left.
 */
import { describe, expect, it } from "vitest";
import type { Fib } from "../../src/fib/fib.js";
import type { DomainSettings, FibSettings } from "../../src/fib/settings.js";
import { Random } from "../model/lib/random.js";
import { differences, domainKey, liveCounts } from "./lib/compare.js";
import { Fabric } from "./lib/fabric.js";
import { AddressHistory, SegmentHistory } from "./lib/histories.js";
import { modelOf, type ModelFib } from "./lib/model.js";
import {
  ethernetAd,
  ethernetSegment,
  imet,
  macIp,
  MAX_ESI,
  MAX_ET,
  NO_ESI,
  settings,
  type AttrSpec,
} from "./lib/route.js";

const PES = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "20010db8000000000000000000000004"];
const SEGMENTS = ["00112233445566778899", "00aabbccddeeff001122"];
const FEW_MACS = macs(4);
const FEW_IPS = ["10.1.0.1", "10.1.0.2", "20010db8000100000000000000000001"];
const MANY_IPS = Array.from({ length: 60 }, (_, n) => `10.2.0.${n}`);
/** Two of no configuration whose numbers are VNIs, one whose number says nothing, and an IP-VRF's. */
const TARGETS = ["65000:100", "65000:200", "65000:7", "65000:5000"];
const L3_VNI = 5000;
const SEQUENCES = [undefined, undefined, 0, 1, 2, 3, 4, 0xffff0001, 0xffffffff];

const DOMAINS: readonly DomainSettings[] = [
  domain("red", { routeTargets: ["65000:301", "65000:302"] }),
  domain("tenants", { routeTargets: ["65000:400"], service: "vlan-aware-bundle" }),
  domain("backbone", { routeTargets: ["65000:500"], service: "pbb" }),
  domain("by-vni", { vni: 777 }),
  domain("tagged", { routeTargets: ["65000:301"], ethernetTag: 10 }),
];

function macs(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `02:00:00:00:00:${(n + 16).toString(16)}`);
}

/** What the storm draws from. */
interface Material {
  readonly macs: readonly string[];
  readonly ips: readonly string[];
  readonly configured: boolean;
  /** One route changes between two reads, so that every move is known. */
  readonly calm?: boolean;
}

const MATERIALS: readonly (readonly [string, Material])[] = [
  ["with derived domains", { macs: FEW_MACS, ips: FEW_IPS, configured: false }],
  ["with configured domains", { macs: FEW_MACS, ips: FEW_IPS, configured: true }],
  ["one MAC with many addresses", { macs: macs(1), ips: MANY_IPS, configured: false }],
  ["a route at a time", { macs: FEW_MACS, ips: FEW_IPS, configured: false, calm: true }],
  ["one address of many MACs", { macs: macs(60), ips: ["10.1.0.1"], configured: false }],
];

function domain(name: string, change: Partial<DomainSettings>): DomainSettings {
  return {
    name,
    service: "vlan-based",
    routeTargets: [],
    ethernetTag: undefined,
    vni: undefined,
    duplicates: undefined,
    ...change,
  };
}

interface Held {
  readonly slot: number;
  readonly nlri: string;
}

/** One random operation after the other; knows what is announced so that it can be withdrawn. */
class Storm {
  readonly held: Held[] = [];
  /** Type of the route that was announced or withdrawn last. */
  lastType = 0;
  private readonly fabric: Fabric;
  private readonly random: Random;
  private readonly material: Material;

  constructor(fabric: Fabric, random: Random, material: Material) {
    this.fabric = fabric;
    this.random = random;
    this.material = material;
  }

  step(): void {
    const { random } = this;
    random.weighted([
      [50, () => this.mac()],
      [30, () => this.withdraw()],
      [8, () => this.perEs()],
      [8, () => this.perEvi()],
      [3, () => this.segmentRoute()],
      [6, () => this.inclusive()],
      [this.material.calm === true ? 0 : 1, () => this.lose()],
    ])();
  }

  clear(): void {
    for (const { slot, nlri } of this.held) this.fabric.withdraw(slot, nlri);
    this.held.length = 0;
  }

  private announce(pe: number, nlri: string, attr: AttrSpec): void {
    // Now and then a copy of the route by another reflector.
    const slot = this.random.oneIn(12) ? PES.length : pe;
    this.lastType = typeOf(nlri);
    this.fabric.announce(slot, nlri, attr);
    if (!this.held.some((one) => one.slot === slot && one.nlri === nlri)) {
      this.held.push({ slot, nlri });
    }
  }

  private withdraw(): void {
    if (this.held.length === 0) return;
    const index = this.random.below(this.held.length);
    const [gone] = this.held.splice(index, 1) as [Held];
    this.fabric.withdraw(gone.slot, gone.nlri);
    this.lastType = typeOf(gone.nlri);
  }

  private lose(): void {
    const slot = this.random.below(PES.length + 1);
    this.fabric.lose(slot);
    const left = this.held.filter((one) => one.slot !== slot);
    this.held.length = 0;
    this.held.push(...left);
  }

  private mac(): void {
    const { random } = this;
    const pe = random.below(PES.length);
    const esi = random.weighted<string>([
      [4, NO_ESI],
      [3, SEGMENTS[0]!],
      [2, SEGMENTS[1]!],
      [1, MAX_ESI],
    ]);
    const routed = this.material.calm !== true && random.oneIn(4);
    const ip = random.oneIn(2) || routed ? random.pick(this.material.ips) : undefined;
    const nlri = macIp({
      rd: this.rd(pe),
      mac: random.pick(this.material.macs),
      esi,
      tag: this.tag(),
      ip,
      label: random.pick([100, 200, 777, 8]),
      label2: routed ? L3_VNI : undefined,
    });
    this.announce(pe, nlri, {
      ...this.attributes(pe),
      sequence: random.pick(SEQUENCES),
      sticky: random.oneIn(12),
      gateway: random.oneIn(20),
      arpNd: random.oneIn(4) ? random.pick([0, 1, 4, 5]) : undefined,
      localPref: random.oneIn(5) ? 200 : undefined,
      asPath: random.oneIn(5) ? [65001, 65002] : undefined,
      origin: random.oneIn(6) ? 2 : undefined,
    });
  }

  private perEs(): void {
    const pe = this.random.below(PES.length);
    const esi = this.random.pick([...SEGMENTS, ...SEGMENTS, NO_ESI, MAX_ESI]);
    const number = this.random.below(2);
    this.announce(pe, ethernetAd(`10.0.0.${pe + 1}:${number}`, esi, MAX_ET, 0), {
      ...this.attributes(pe, 3),
      esiLabel: { singleActive: this.random.oneIn(4), label: 0 },
    });
  }

  private perEvi(): void {
    const pe = this.random.below(PES.length);
    const esi = this.random.pick(SEGMENTS);
    const label = this.random.pick([100, 200]);
    this.announce(pe, ethernetAd(this.rd(pe), esi, this.tag(), label), this.attributes(pe));
  }

  private segmentRoute(): void {
    const pe = this.random.below(PES.length);
    const nlri = ethernetSegment(`10.0.0.${pe + 1}:0`, this.random.pick(SEGMENTS), PES[pe]!);
    this.announce(pe, nlri, { ...this.attributes(pe), df: [{ alg: 0, bitmap: 0, pref: 0 }] });
  }

  private inclusive(): void {
    const pe = this.random.below(PES.length);
    const nlri = imet(this.rd(pe), this.tag(), PES[pe]!);
    this.announce(pe, nlri, { ...this.attributes(pe), pmsiLabel: this.random.pick([100, 777]) });
  }

  private rd(pe: number): string {
    return `10.0.0.${pe + 1}:${1 + this.random.below(2)}`;
  }

  private tag(): number {
    return this.random.oneIn(4) ? 10 : 0;
  }

  private attributes(pe: number, most = 2): AttrSpec {
    const { random } = this;
    const configured = ["65000:301", "65000:302", "65000:400", "65000:500"];
    const pool = this.material.configured && random.oneIn(2) ? configured : TARGETS;
    const targets = random.shuffle(pool).slice(0, random.below(most + 1));
    return {
      nextHop: random.oneIn(15) ? random.pick(PES) : PES[pe]!,
      targets: random.oneIn(20) ? [...targets, ...targets] : targets,
      tunnel: random.weighted([
        [8, 8],
        [1, 10],
        [1, 0],
      ]),
    };
  }
}

interface Stay {
  readonly pe: string;
  readonly esi: string;
  readonly sticky: boolean;
  readonly moves: number;
  /** It is gone since. */
  readonly gone?: number;
}

/** A MAC that comes back within so long was never away: the window of duplicate detection. */
const MEMORY_MS = 180_000;

/** Where every MAC has been, as far as it has moves: by what the model prefers after each change. */
class History {
  private known = new Map<string, Stay>();

  differences(fib: Fib, model: ModelFib, now: number): string[] {
    const next = new Map<string, Stay>();
    const out: string[] = [];
    for (const [key, { preferred }] of model.macs) {
      const known = this.known.get(key);
      const before = now - (known?.gone ?? now) > MEMORY_MS ? undefined : known;
      const { pe, esi, sticky } = preferred;
      const segment = esi !== NO_ESI && esi === before?.esi;
      // A sticky MAC does not move, but for one that was nowhere in between.
      const fixed = before?.gone === undefined && (sticky || before?.sticky === true);
      const moved = before !== undefined && before.pe !== pe && !segment && !fixed;
      next.set(key, { pe, esi, sticky, moves: (before?.moves ?? 0) + (moved ? 1 : 0) });
    }
    for (const [key, stay] of this.known) {
      if (!next.has(key)) next.set(key, { ...stay, gone: stay.gone ?? now });
    }
    for (const row of fib.pages.list({}, 0, 1000).rows) {
      const key = `${domainKey(fib, row.domainId)} ${row.mac.replaceAll(":", "")}`;
      const moves = next.get(key)?.moves;
      if (row.moves !== moves) out.push(`${key}: ${row.moves} moves, model ${moves}`);
    }
    this.known = next;
    return out;
  }
}

function typeOf(nlri: string): number {
  return parseInt(nlri.slice(0, 2), 16);
}

/** A FIB that has joined a table with routes, in the middle of changes: it comes to the same. */
class LateFib {
  private readonly fabric: Fabric;
  private readonly random: Random;
  private fib: Fib | undefined;

  constructor(fabric: Fabric, random: Random) {
    this.fabric = fabric;
    this.random = random;
  }

  /** Now and then there is another one; the one there is may read a little. */
  step(): void {
    if (this.random.oneIn(60)) {
      this.fib?.close();
      this.fib = this.fabric.newFib();
    } else if (this.random.oneIn(8)) this.fib?.read(0);
    // As whoever attaches a reader to the table has it.
    const { table } = this.fabric;
    table.furthestReader = Math.max(table.furthestReader, this.fib?.position ?? 0);
  }

  /** Before the log is shortened. */
  read(): void {
    this.fabric.table.furthestReader = this.fabric.table.log.tail;
    while (this.fib?.read(1000) === true);
  }

  differences(change: Partial<FibSettings>, model: ModelFib): string[] {
    if (this.fib === undefined) return [];
    const found = differences(this.fib, this.fabric.table, settings(change), model);
    return found.map((line) => `joined later: ${line}`);
  }

  close(): void {
    this.fib?.close();
  }
}

function run(seed: number, steps: number, material: Material): void {
  const random = new Random(seed);
  const change = material.configured ? { domains: DOMAINS } : {};
  const fabric = new Fabric(change, PES.length + 1);
  const storm = new Storm(fabric, random, material);
  const { fib } = fabric;
  const history = new History();
  const addresses = new AddressHistory();
  const segments = new SegmentHistory();
  // Its own randomness: the storm is the same with and without it.
  const late = new LateFib(fabric, new Random(seed));
  for (let step = 0; step < steps; step++) {
    storm.step();
    late.step();
    fabric.clock.pass(random.below(2000));
    // Often enough for few changes between two quiet points, seldom enough for many.
    if (material.calm === true || random.oneIn(random.oneIn(10) ? 1 : 12)) {
      late.read();
      const events = fabric.news();
      const model = modelOf(fabric.table, settings(change));
      const found = differences(fib, fabric.table, settings(change), model);
      found.push(...late.differences(change, model));
      if (material.calm === true) {
        found.push(...history.differences(fib, model, fabric.clock.time));
        found.push(...addresses.differences(fib, model));
        found.push(...segments.differences(model, events, storm.lastType));
      }
      if (found.length > 0) throw new Error(`seed ${seed}, step ${step}:\n${found.join("\n")}`);
    }
  }
  late.close();
  storm.clear();
  fabric.read();
  // What went is remembered for a while.
  fabric.clock.pass(2 * MEMORY_MS);
  const counts = Object.entries(liveCounts(fib)).filter(([, count]) => count !== 0);
  expect(counts).toEqual([]);
  expect(fabric.attrs.count).toBe(0);
}

describe("the FIB equals the model under random operations", () => {
  for (const [name, material] of MATERIALS) {
    it(name, () => {
      for (let seed = 1; seed <= 4; seed++) run(seed, 500, material);
    });
  }
});
