/**
 * The timeline against a slow list of snapshots: random routes of three PEs with two segments, evpnd
 * restarted in between, old events cut. Each answer that calls itself certain is what the FIB was.
 */
import { describe, expect, it } from "vitest";
import { Random } from "../../model/lib/random.js";
import { LastingKv, SETTINGS, TimedFabric } from "./lib.js";

const PES = [1, 2, 3];
const MACS = Array.from({ length: 6 }, (_, n) => `02:00:00:00:00:0${n}`);
const SEGMENTS = ["00112233445566778899", "00aabbccddeeff001122"];
const SLACK_MS = 1500;

interface Was {
  readonly pe: string;
  readonly via: string;
  readonly sequence: number;
  readonly esi: string | undefined;
}
interface Snapshot {
  readonly time: number;
  /** undefined: evpnd was down. */
  readonly macs: ReadonlyMap<string, Was> | undefined;
}

class Run {
  readonly random: Random;
  readonly kv = new LastingKv();
  readonly snapshots: Snapshot[] = [];
  readonly settings;
  fabric: TimedFabric;
  sequence = 0;
  /** `PE ESI` of per-ES routes. */
  readonly up = new Set<string>();
  readonly held = new Set<string>();

  constructor(seed: number, maxAge: number) {
    this.random = new Random(seed);
    this.settings = { ...SETTINGS, maxAge };
    this.fabric = new TimedFabric(this.kv, this.settings);
  }

  async step(): Promise<void> {
    const { random, fabric, up, held } = this;
    for (let n = random.below(3); n >= 0; n--) {
      const pe = random.pick(PES);
      const mac = random.pick(MACS);
      const esi = random.pick(SEGMENTS);
      if (random.oneIn(6)) {
        const key = `${pe} ${esi}`;
        const on = !up.has(key);
        if (on) up.add(key);
        else up.delete(key);
        fabric.perEs(pe, on, esi).perEvi(pe, on, esi);
      } else if (held.has(`${pe} ${mac}`) && random.oneIn(2)) {
        held.delete(`${pe} ${mac}`);
        fabric.not(pe, mac);
      } else {
        held.add(`${pe} ${mac}`);
        const sequence = random.oneIn(2) ? ++this.sequence : random.below(this.sequence + 1);
        fabric.at(pe, mac, { sequence, ...(random.oneIn(2) && { esi }) });
      }
      // Some changes are read one by one, others together.
      if (random.oneIn(2)) fabric.read();
    }
    fabric.read();
    await fabric.engine.settled();
    this.snapshots.push({ time: fabric.clock.time, macs: this.look() });
    fabric.clock.pass(SLACK_MS + random.below(60_000));
  }

  private look(): ReadonlyMap<string, Was> {
    const { fib } = this.fabric;
    const out = new Map<string, Was>();
    for (const { mac, pe, sequence, esi, nextHops } of fib.pages.list({}, 1, 100).rows) {
      const hops = nextHops.map(({ address }) => address);
      // The PE itself first, as the timeline has it.
      const via = [...hops.filter((one) => one === pe), ...hops.filter((one) => one !== pe).sort()];
      out.set(mac, { pe, sequence, esi, via: via.join() });
    }
    return out;
  }

  async restart(orderly: boolean): Promise<void> {
    const { random, fabric } = this;
    if (orderly) await fabric.engine.close();
    else await fabric.upkeep();
    this.snapshots.push({ time: fabric.clock.time + 1, macs: undefined });
    const back = fabric.clock.time + 10_000 + random.below(100_000);
    this.up.clear();
    this.held.clear();
    this.fabric = new TimedFabric(this.kv, this.settings, back);
    await this.fabric.pass();
    this.snapshots.push({ time: back, macs: new Map() });
  }

  at(time: number): Snapshot | undefined {
    return this.snapshots.findLast((one) => one.time <= time);
  }
}

function text(was: Was | undefined): string {
  if (was === undefined) return "absent";
  // Reached through others only: whose claim that is makes no difference.
  if (!was.via.startsWith(was.pe)) return `through ${was.via}`;
  return [was.pe, was.via, was.sequence, was.esi].join(" ");
}

describe.each([
  { name: "everything kept", maxAge: 86_400 * 30, seeds: [1, 2, 3, 21, 28, 1003] },
  { name: "old events cut", maxAge: 3000, seeds: [4, 5, 6, 41] },
])("random routes, $name", ({ maxAge, seeds }) => {
  it.each(seeds)("seed %i", async (seed) => {
    const run = new Run(seed, maxAge);
    for (let n = 0; n < 120; n++) {
      await run.step();
      if (n === 40) await run.restart(true);
      if (n === 80) await run.restart(false);
    }
    await run.fabric.upkeep();
    const { fabric, random } = run;
    const questions = fabric.engine.questions();
    const oldest = fabric.engine.status().oldest!;
    const counts = { certain: 0, uncertain: 0, unknown: 0 };
    const first = run.snapshots[0]!.time;
    for (let n = 0; n < 400; n++) {
      const time = first + random.below(fabric.clock.time - first);
      const snapshot = run.at(time);
      const mac = random.pick(MACS);
      const [row] = await questions.at({ mac, time, domain: "65000:1" });
      const was = snapshot?.macs?.get(mac);
      const about = `${mac} at ${time} (oldest ${oldest}): ${JSON.stringify(row)}`;
      if (snapshot?.macs === undefined) {
        expect(row!.state, about).toBe("unknown");
      } else if (row!.state === "unknown") {
        counts.unknown++;
        expect(time < oldest || maxAge === 3000, about).toBe(true);
      } else if (!row!.certain) counts.uncertain++;
      else {
        counts.certain++;
        const { state, pe = "", via, sequence, esi } = row!;
        // What was told before the history begins is known by its end only: the PE.
        if (sequence === undefined && state === "present") expect(pe, about).toBe(was?.pe);
        else {
          const seen =
            state === "absent" ? undefined : { pe, via: via.join(), sequence: sequence!, esi };
          const said = text(seen);
          // After a silent handover the claim told last stands for the one that counts now.
          const reached = `through ${was?.via.split(",").sort().join()}`;
          expect(said.startsWith("through") ? reached : text(was), about).toBe(said);
        }
      }
    }
    expect(counts.certain).toBeGreaterThan(maxAge === 3000 ? 60 : 220);
    expect(counts.uncertain).toBeLessThan(140);
    for (let n = 0; n < 20; n++) {
      const a = Math.max(oldest, first + random.below(fabric.clock.time - first));
      const b = Math.max(oldest, first + random.below(fabric.clock.time - first));
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      const [before, after] = [run.at(from), run.at(to)];
      if (before?.macs === undefined || after?.macs === undefined) continue;
      const rows = [];
      for (let cursor: string | undefined; ;) {
        const page = await questions.diff({ from, to, limit: 2, cursor });
        rows.push(...page.rows);
        if (page.next === undefined) break;
        cursor = page.next;
      }
      const found = new Map(rows.map((row) => [row.mac, row]));
      for (const mac of MACS) {
        const differs = text(before.macs.get(mac)) !== text(after.macs.get(mac));
        const row = found.get(mac);
        if (row === undefined && !differs) continue;
        const doubt =
          row !== undefined &&
          (!row.before.certain || !row.after.certain || row.before.sequence === undefined);
        if (doubt) continue;
        const known = await Promise.all(
          [from, to].map(
            async (time) => (await questions.at({ mac, time, domain: "65000:1" }))[0]!,
          ),
        );
        if (known.some((one) => !one.certain || one.notes.length > 0)) continue;
        expect(row !== undefined, `${mac} from ${from} to ${to}`).toBe(differs);
      }
    }
    const moves = new Map<string, number>();
    let cursor: string | undefined;
    do {
      const page = await questions.events({ kind: "move", limit: 7, cursor });
      for (const { kind, mac } of page.rows) {
        if (kind === "move") moves.set(mac!, (moves.get(mac!) ?? 0) + 1);
      }
      cursor = page.next;
    } while (cursor !== undefined);
    const { rows } = await questions.restless({ count: 100 });
    expect(new Map(rows.map((row) => [row.mac, row.moves]))).toEqual(moves);
    expect(rows.map((row) => row.moves)).toEqual([...moves.values()].sort((x, y) => y - x));
  });
});
