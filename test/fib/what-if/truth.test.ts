/**
 * What-if tells the truth: on random multihomed fabrics its answer is what really happens when the same thing is
 * then done to the same fabric; and nothing is touched by asking.
 */
import { describe, expect, it } from "vitest";
import type { PolicyEngine } from "../../../src/bgp/policy/rules/engine.js";
import { Failures, type Failure } from "../../../src/bgp/what-if/failures.js";
import { SupposedTable } from "../../../src/bgp/what-if/supposed-table.js";
import type { DomainSettings, Fib, MacView } from "../../../src/fib/index.js";
import { FibFork } from "../../../src/fib/what-if/fork.js";
import { WhatIfJob } from "../../../src/fib/what-if/job.js";
import type { MacChange, WhatIfHop, WhatIfReport } from "../../../src/fib/what-if/report.js";
import { Random } from "../../model/lib/random.js";
import { liveCounts } from "../lib/compare.js";
import { Fabric } from "../lib/fabric.js";
import {
  addressHex,
  ethernetAd,
  ethernetSegment,
  imet,
  macIp,
  MAX_ET,
  NO_ESI,
  settings,
  type AttrSpec,
} from "../lib/route.js";

const PES = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "20010db8000000000000000000000004"];
const SEGMENTS = ["00112233445566778899", "00aabbccddeeff001122", "00000102030405060708"];
const IMPORT = "02:00:00:00:00:99";
/** The last one's is an IP-VRF's too: with it a route has two labels. */
const VNIS = [100, 200, 300];
const L3_VNI = 5000;
const DOMAINS: readonly DomainSettings[] = [
  {
    name: "red",
    service: "vlan-based",
    routeTargets: ["65000:200"],
    ethernetTag: undefined,
    vni: undefined,
    duplicates: undefined,
  },
];

interface Held {
  readonly slot: number;
  readonly nlri: string;
  readonly hop: string;
  readonly esi: string;
  readonly type: number;
}

class Storm {
  held: Held[] = [];
  readonly fabric: Fabric;
  private readonly random: Random;

  constructor(fabric: Fabric, random: Random) {
    this.fabric = fabric;
    this.random = random;
  }

  run(steps: number): void {
    for (let n = 0; n < steps; n++) {
      this.random.weighted([
        [50, () => this.mac()],
        [12, () => this.withdraw()],
        [14, () => this.perEs()],
        [12, () => this.perEvi()],
        [8, () => this.segmentRoute()],
        [6, () => this.inclusive()],
      ])();
    }
    this.fabric.read();
  }

  /** Does for real what was supposed. */
  fail({ nextHop, esi, firstMoment, slots }: Failure): void {
    const hop = nextHop === undefined ? undefined : Buffer.from(nextHop).toString("hex");
    const segment = esi === undefined ? undefined : Buffer.from(esi).toString("hex");
    const gone = this.held.filter((one) => {
      if (slots?.has(one.slot) === true) return true;
      if (hop !== undefined && addressHex(one.hop) !== hop) return false;
      if (segment === undefined) return hop !== undefined;
      return one.esi === segment && (firstMoment !== true || one.type !== 2);
    });
    for (const { slot, nlri } of gone) this.fabric.withdraw(slot, nlri);
    this.held = this.held.filter((one) => !gone.includes(one));
    this.fabric.read();
  }

  private announce(pe: number, type: number, esi: string, nlri: string, attr: AttrSpec): void {
    // Now and then a copy of the route by another reflector, or both.
    const slot = this.random.oneIn(6) ? PES.length : pe;
    this.fabric.announce(slot, nlri, attr);
    this.held = this.held.filter((one) => one.slot !== slot || one.nlri !== nlri);
    this.held = this.held.filter((one) => one.slot !== slot || one.nlri !== nlri);
    this.held.push({ slot, nlri, hop: attr.nextHop, esi, type });
  }

  private withdraw(): void {
    if (this.held.length === 0) return;
    const [gone] = this.held.splice(this.random.below(this.held.length), 1) as [Held];
    this.fabric.withdraw(gone.slot, gone.nlri);
  }

  private mac(): void {
    const { random } = this;
    const pe = random.below(PES.length);
    const vni = random.pick(VNIS);
    const mac = `02:00:00:00:00:${(16 + random.below(12)).toString(16)}`;
    // A MAC is on one segment, if on any: the key has no ESI in it.
    const esi = random.pick([NO_ESI, SEGMENTS[parseInt(mac.slice(-1), 16) % 3]!]);
    const routed = random.oneIn(5);
    const nlri = macIp({
      rd: this.rd(pe),
      mac,
      esi,
      label: vni,
      ip: routed || random.oneIn(3) ? `10.1.0.${random.below(4)}` : undefined,
      label2: routed ? L3_VNI : undefined,
    });
    for (const one of this.held.filter(({ type }) => type === 2)) {
      // Same key, another ESI: the announcement replaces it.
      const key = (text: string): string => text.slice(4, 20) + text.slice(40, 64);
      if (key(one.nlri) !== key(nlri) || one.nlri === nlri) continue;
      this.fabric.withdraw(one.slot, one.nlri);
      this.held = this.held.filter((other) => other !== one);
    }
    this.announce(pe, 2, esi, nlri, {
      ...this.attributes(pe, vni, routed),
      sequence: random.pick([undefined, undefined, 1, 2]),
      sticky: random.oneIn(15),
    });
  }

  private perEs(): void {
    const pe = this.random.below(PES.length);
    const esi = this.random.pick(SEGMENTS);
    this.announce(pe, 1, esi, ethernetAd(`10.0.0.${pe + 1}:9`, esi, MAX_ET, 0), {
      nextHop: PES[pe]!,
      targets: VNIS.map((vni) => `65000:${vni}`),
      esiLabel: { singleActive: esi === SEGMENTS[1], label: 0 },
    });
  }

  private perEvi(): void {
    const pe = this.random.below(PES.length);
    const esi = this.random.pick(SEGMENTS);
    const vni = this.random.pick(VNIS);
    const nlri = ethernetAd(`10.0.0.${pe + 1}:${vni}`, esi, 0, vni);
    this.announce(pe, 1, esi, nlri, this.attributes(pe, vni));
  }

  private segmentRoute(): void {
    const pe = this.random.below(PES.length);
    const esi = this.random.pick(SEGMENTS);
    this.announce(pe, 4, esi, ethernetSegment(`10.0.0.${pe + 1}:0`, esi, PES[pe]!), {
      nextHop: PES[pe]!,
      targets: [],
      esImport: IMPORT,
      df: this.random.oneIn(3) ? [{ alg: 2, bitmap: 0, pref: this.random.below(9) }] : [],
    });
  }

  private inclusive(): void {
    const pe = this.random.below(PES.length);
    const vni = this.random.pick(VNIS);
    const attr = { ...this.attributes(pe, vni), pmsiLabel: vni };
    this.announce(pe, 3, NO_ESI, imet(`10.0.0.${pe + 1}:${vni}`, 0, PES[pe]!), attr);
  }

  private rd(pe: number): string {
    return `10.0.0.${pe + 1}:${1 + this.random.below(2)}`;
  }

  private attributes(pe: number, vni: number, routed = false): AttrSpec {
    // Numbers that name no VNI, so that type 3 routes decide which is the IP-VRF's.
    const target = vni === 300 ? "65000:7" : `65000:${vni}`;
    return { nextHop: PES[pe]!, targets: routed ? [target, "65000:8"] : [target] };
  }
}

function ask(fabric: Fabric, fork: FibFork, failure: Failure, part?: number): WhatIfReport {
  const engine = { endBatch: () => undefined } as unknown as PolicyEngine;
  const failures = new Failures({ table: fabric.table, engine }, [], failure);
  const supposed = new SupposedTable(fabric.table, failures, undefined);
  const { table, fib: live } = fabric;
  const now = (): number => 0;
  let answer: WhatIfReport | undefined;
  const job = new WhatIfJob(
    { table, live, fork, supposed, from: 0, most: 1000, kind: undefined, part, now },
    (report, error) => {
      if (report === undefined) throw error;
      answer = report;
    },
  );
  while (!job.step());
  return answer!;
}

interface Seen {
  readonly macs: Map<string, MacView>;
  readonly forwarders: Map<string, string | undefined>;
  readonly segments: Map<string, string>;
}

function look(fib: Fib): Seen {
  const macs = new Map<string, MacView>();
  for (const row of fib.pages.list({}, 0, 10_000).rows) macs.set(`${row.domain} ${row.mac}`, row);
  const forwarders = new Map<string, string | undefined>();
  const segments = new Map<string, string>();
  for (const { esi, mode, places, forwarders: rows } of fib.pages.segments(0, 100).rows) {
    const pes = places.filter(({ perEsRoutes }) => perEsRoutes > 0).map(({ pe }) => pe);
    if (pes.length > 0) segments.set(esi, `${mode} ${pes.sort().join(" ")}`);
    for (const { domain, forwarder, perEvi } of rows) {
      if (perEvi.length > 0) forwarders.set(`${esi} ${domain}`, forwarder);
    }
  }
  return { macs, forwarders, segments };
}

const ROLE_ORDER = ["advertised", "aliased", "backup"];
const hexOf = (address: string): string =>
  address.includes(":") ? `9${address}` : addressHex(address);

/** Where frames go first: the winner's PE, else the lowest address of the best role. */
function primary({ pe, nextHops }: MacView): string {
  const best = [...nextHops].sort(
    (a, b) =>
      Number(b.address === pe) - Number(a.address === pe) ||
      ROLE_ORDER.indexOf(a.role) - ROLE_ORDER.indexOf(b.role) ||
      (hexOf(a.address) < hexOf(b.address) ? -1 : 1),
  );
  return best[0]!.address;
}

const hopsOf = (view: MacView | undefined): string[] =>
  (view?.nextHops ?? []).map(({ address, role }) => `${address} ${role}`).sort();

/** `kind domain mac: hops -> hops`, by the book. */
function expectedMacs(before: Seen, after: Seen): string[] {
  const out: string[] = [];
  for (const key of new Set([...before.macs.keys(), ...after.macs.keys()])) {
    const [was, is] = [before.macs.get(key), after.macs.get(key)];
    const [a, b] = [hopsOf(was), hopsOf(is)];
    const labels = (view: MacView | undefined): string =>
      (view?.nextHops ?? [])
        .map(({ address, label }) => `${address} ${label.value}`)
        .sort()
        .join();
    if (a.length === 0 && b.length === 0) continue;
    const kind =
      b.length === 0
        ? "dark"
        : a.length === 0
          ? "lit"
          : primary(was!) !== primary(is!)
            ? "moved"
            : a.join() !== b.join() || labels(was) !== labels(is)
              ? "hops"
              : "";
    if (kind !== "") out.push(`${kind} ${key}: ${a.join()} -> ${b.join()}`);
  }
  return out.sort();
}

function toldMacs(rows: readonly MacChange[]): string[] {
  const text = (hops: readonly WhatIfHop[]): string =>
    hops
      .map(({ address, role }) => `${address} ${role}`)
      .sort()
      .join();
  return rows
    .map((row) => `${row.kind} ${row.domain} ${row.mac}: ${text(row.before)} -> ${text(row.after)}`)
    .sort();
}

function expectedForwarders(before: Seen, after: Seen): string[] {
  const out: string[] = [];
  for (const key of new Set([...before.forwarders.keys(), ...after.forwarders.keys()])) {
    const [was, is] = [before.forwarders.get(key), after.forwarders.get(key)];
    if (was !== is) out.push(`${key}: ${was} -> ${is}`);
  }
  return out.sort();
}

function changes(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => before.get(key) !== after.get(key),
  );
}

/** Everything of table and FIB that anybody could see, and what they count. */
function state(fabric: Fabric): string {
  const { table, fib, attrs } = fabric;
  const { macs, forwarders, segments } = look(fib);
  const routes: string[] = [];
  for (let dest = 1; dest < table.destinationLimit; dest++) {
    if (!table.exists(dest)) continue;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      routes.push(`${dest} ${path} ${table.pathAttr(path)} ${table.bestPath(dest)}`);
    }
  }
  const counts = [liveCounts(fib), attrs.count, table.log.tail, { ...table.stats }];
  const seen = [...macs.values(), ...forwarders, ...segments];
  return JSON.stringify([counts, routes, seen, fib.tables.events.next]);
}

function failureOf(random: Random): Failure {
  const pe = Buffer.from(addressHex(random.pick(PES)), "hex");
  const esi = Buffer.from(random.pick(SEGMENTS), "hex");
  return random.weighted<Failure>([
    [3, { nextHop: pe }],
    [2, { esi }],
    [2, { esi, nextHop: pe }],
    [2, { esi, nextHop: pe, firstMoment: true }],
    [1, { esi, firstMoment: true }],
    [2, { slots: new Set([random.below(PES.length + 1)]) }],
  ]);
}

describe("what-if", () => {
  for (const configured of [false, true]) {
    it(`tells what then happens, with ${configured ? "configured" : "derived"} domains`, () => {
      const seen = {
        moved: 0,
        dark: 0,
        lit: 0,
        hops: 0,
        takenOver: 0,
        returning: 0,
        forwarders: 0,
      };
      for (let seed = 1; seed <= 25; seed++) {
        const random = new Random(seed);
        const change = configured ? { domains: DOMAINS } : {};
        const fabric = new Fabric(change, PES.length + 1);
        const storm = new Storm(fabric, random);
        const fork = new FibFork(fabric.table, settings(change));
        storm.run(150);
        for (let round = 0; round < 4; round++) {
          const failure = failureOf(random);
          const before = state(fabric);
          const was = look(fabric.fib);
          const report = ask(fabric, fork, failure, random.pick([undefined, 1, 7]));
          expect(state(fabric)).toBe(before);
          expect(Object.entries(liveCounts(fork.fib)).filter(([, n]) => n !== 0)).toEqual([]);
          storm.fail(failure);
          const is = look(fabric.fib);
          const where = `seed ${seed}, round ${round}`;
          expect(toldMacs(report.rows), where).toEqual(expectedMacs(was, is));
          const told = report.forwarders.map(
            (one) => `${one.esi} ${one.domain}: ${one.before} -> ${one.after}`,
          );
          expect(told.sort(), where).toEqual(expectedForwarders(was, is));
          const segments = report.segments.map(({ esi }) => esi).sort();
          expect(segments, where).toEqual(changes(was.segments, is.segments).sort());
          for (const kind of ["moved", "dark", "lit", "hops"] as const) {
            const count = report.rows.filter((row) => row.kind === kind).length;
            expect(report.macs[kind], where).toBe(count);
            seen[kind] += count;
          }
          seen.takenOver += report.macs.takenOver;
          seen.returning += report.macs.returning;
          seen.forwarders += report.forwardersChanged;
          expect(report).toMatchObject({ complete: true, meanwhile: 0, next: undefined });
          storm.run(40);
        }
      }
      // The fabrics were not too tame to tell anything.
      for (const [what, count] of Object.entries(seen)) {
        expect(count, what).toBeGreaterThan(what === "lit" ? 0 : 20);
      }
    });
  }
});
