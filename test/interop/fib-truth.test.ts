/**
 * The FIB is the truth: a storm of learns, moves and removals by real frames in a fabric of FRR PEs, with
 * deaths of PEs and their return. After each quiet point the FIB equals, entry by entry, what the live
 * PEs have learnt themselves, what they have learnt of each other, and what their kernels forward.
 *
 * EVPND_STORM_SEED and EVPND_STORM_EVENTS make other and longer storms.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Random } from "../model/lib/random.js";
import { Evpnd } from "./lib/evpnd.js";
import { CLIENTS, Fabric, PES } from "./lib/fabric.js";
import { differences, forgetRemote, readFabric, testimony } from "./lib/fib-truth.js";
import { Stations } from "./lib/stations.js";
import { Lab } from "./lib/lab.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const REFLECTOR = "10.99.0.254";
const HTTP = 8179;
const SEED = Number(process.env["EVPND_STORM_SEED"] ?? 1);
const EVENTS = Number(process.env["EVPND_STORM_EVENTS"] ?? 500);
/** A PE on a link that was cut is known to be dead when its hold time is over. */
const SETTLED = 60_000;

/** How a PE goes; the storm has each of them, at these parts of its length. */
const DEATHS = [
  { at: 0.2, how: "killed" },
  { at: 0.5, how: "cut off" },
  { at: 0.75, how: "killed" },
] as const;

describeInterop("MAC FIB in a storm", ["ping", "frr"], () => {
  let lab: Lab;
  let fabric: Fabric;
  let evpnd: Evpnd;
  let stations: Stations | undefined;
  const live = new Set<number>(PES);
  const random = new Random(SEED);

  beforeAll(async () => {
    lab = new Lab();
    // What bgpd announces of a MAC that has moved often, zebra 8.4 no longer takes back.
    fabric = new Fabric(lab, [REFLECTOR], ["no dup-addr-detection"]);
    fabric.attach("rr", REFLECTOR);
    evpnd = await Evpnd.start({
      lab,
      label: "rr",
      address: REFLECTOR,
      clients: CLIENTS,
      http: HTTP,
      extra: ["--fib"],
    });
    await Promise.all(PES.map((pe) => fabric.startPe(pe)));
    stations = await Stations.make(fabric, PES);
    await Promise.all(PES.map((pe) => fabric.pe(pe).waitEstablished(REFLECTOR)));
  });
  afterAll(async () => {
    stations?.close();
    await lab.close();
  });
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** All witnesses agree, and go on agreeing; and `wanted` is what they say. */
  async function quiet(what: string, wanted: readonly string[]): Promise<void> {
    let agreed = 0;
    let found: string[] = [];
    await waitFor(
      `all to agree after ${what} (seed ${String(SEED)})`,
      async () => {
        const seen = await readFabric(fabric, live, evpnd);
        found = differences(seen);
        for (const entry of wanted) if (!seen.held.has(entry)) found.push(`${entry} is not held`);
        agreed = found.length === 0 ? agreed + 1 : 0;
        if (found.length > 0) throw new Error(`\n${found.join("\n")}`);
        return agreed === 2;
      },
      { deadline: SETTLED, every: 50 },
    ).catch(async (error: unknown) => {
      process.stderr.write(`${await testimony(fabric, live, evpnd, found)}\n`);
      throw error;
    });
  }

  async function die(pe: number, how: string): Promise<void> {
    live.delete(pe);
    if (how === "killed") await fabric.pe(pe).kill();
    else lab.ip("net", [`link set pe${String(pe)} down`]);
  }

  async function comeBack(pe: number, how: string): Promise<void> {
    if (how === "killed") {
      await forgetRemote(fabric, pe);
      await fabric.startDaemons(pe);
    }
    if (how !== "killed") lab.ip("net", [`link set pe${String(pe)} up`]);
    await fabric.pe(pe).waitEstablished(REFLECTOR);
    live.add(pe);
  }

  test(
    `equals what the PEs have learnt, at each quiet point of ${String(EVENTS)} events`,
    { timeout: 120_000 + EVENTS * 500 },
    async () => {
      let done = 0;
      let deaths = 0;
      let dead: { readonly pe: number; readonly how: string; readonly until: number } | undefined;
      let most = 0;
      // Whoever died comes back.
      while (done < EVENTS || deaths < DEATHS.length || dead !== undefined) {
        const next = DEATHS[deaths];
        if (dead !== undefined && done >= dead.until) {
          await comeBack(dead.pe, dead.how);
          await quiet(`the return of PE ${String(dead.pe)}`, []);
          dead = undefined;
        } else if (dead === undefined && next !== undefined && done >= next.at * EVENTS) {
          const pe = random.pick(PES);
          await die(pe, next.how);
          dead = { pe, how: next.how, until: done + EVENTS / 10 };
          deaths++;
        }
        const { count, spoken } = await stations!.storm(random, 1 + random.below(30));
        done += count;
        // With a PE gone, or back with memories of its own, others may have heard of it, too.
        await quiet(`${String(done)} events`, dead === undefined ? spoken : []);
        most = Math.max(most, (await evpnd.macs()).length);
      }
      expect(deaths).toBe(DEATHS.length);
      expect(most).toBeGreaterThan(20);
    },
  );
});
