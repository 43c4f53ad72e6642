/**
 * Storms against a running evpnd with the FIB on: one MAC that flaps a thousand times a second, ten thousand
 * that flap at once, one in ten thousand domains. What it costs grows with what happens and no faster,
 * alarms are exact, and what others announce goes its way. The counts of steps are in
 * test/fib/storms.test.ts.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Lab } from "./lib/lab.js";
import { mac, macIp, rd } from "./lib/messages.js";
import { PlayedPe } from "./lib/played-pe.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { WatchClient } from "./lib/watch-client.js";
import { EVPN } from "./lib/wire.js";

const RR = "10.99.0.254";
const HTTP = 8179;
const MANY = 10_000;
/** A quarter of the work takes a quarter of the time, give or take what else a busy machine does. */
const LINEAR = 4 * 3;

interface MacRow {
  readonly mac: string;
  readonly pe: string;
  readonly sequence: number;
  readonly moves: number;
  readonly duplicate?: object | undefined;
}

describeInterop("storms in the MAC FIB", [], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  /** Two that fight, one that does not, one that only listens. */
  let a: PlayedPe;
  let b: PlayedPe;
  let calm: PlayedPe;
  let listener: PlayedPe;
  let calmMacs = 0;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.254/16"]);
    evpnd = await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      clients: "10.99.0.0/16",
      http: HTTP,
      extra: ["--fib"],
    });
    [a, b, calm, listener] = (await Promise.all(
      [1, 2, 3, 4].map((n) => PlayedPe.up(lab, "lo", `10.99.0.${String(n)}`, RR)),
    )) as [PlayedPe, PlayedPe, PlayedPe, PlayedPe];
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  async function find(of: string, vni: number): Promise<MacRow | undefined> {
    return (await evpnd.macs<MacRow>(`mac=${of}&domain=65000:${String(vni)}`))[0];
  }

  /** What the MAC's PE said last has been read, and so all that it said before. */
  async function waitAt(pe: PlayedPe, of: string, vni: number, sequence: number): Promise<void> {
    await waitFor(`${of} at ${pe.address}`, async () => {
      const row = await find(of, vni).catch(() => undefined);
      if (row?.pe !== pe.address || row.sequence !== sequence) throw new Error(JSON.stringify(row));
      return true;
    });
  }

  /** A few MACs more of the PE that does not take part; `settle` waits for them. */
  function announceCalm(count: number): void {
    const next = Array.from({ length: count }, () => mac(3, calmMacs++));
    calm.macs(next.map((each) => ({ vni: 300, mac: each })));
  }

  /** The listener has all of the calm PE's routes, and the FIB has them, unmoved. */
  async function othersAreWell(): Promise<void> {
    const last = mac(3, calmMacs - 1);
    const nlri = macIp({ rd: rd(calm.address, 300), mac: last, label: 300 });
    await listener.speaker.waitRoute(EVPN, nlri);
    await waitAt(calm, last, 300, 0);
    const rows = await evpnd.macs<MacRow>("domain=65000:300");
    expect(rows).toHaveLength(calmMacs);
    const odd = rows.filter(
      ({ pe, moves, duplicate }) => pe !== calm.address || moves !== 0 || duplicate !== undefined,
    );
    expect(odd).toEqual([]);
    // Keepalives went on: nobody's session ended.
    for (const pe of [a, b, calm, listener]) expect(pe.speaker.established).toBe(true);
  }

  /** CPU seconds of evpnd, all threads. */
  function cpuSeconds(): number {
    const stat = readFileSync(`/proc/${String(evpnd.program.pid)}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async function cpuOf(work: () => Promise<void>): Promise<number> {
    const before = cpuSeconds();
    await work();
    return cpuSeconds() - before;
  }

  function colons(hex: string): string {
    return hex.match(/../g)?.join(":") ?? "";
  }

  test("one MAC flapping a thousand times a second is one alarm, and harms nobody", async () => {
    const alarms = await WatchClient.open(evpnd, "/v1/watch/events?kinds=duplicate");
    const flapping = mac(9, 1);
    let sequence = 0;
    // Known to both, at one after the other, before the storm: moves that none can miss.
    for (; sequence < 4; sequence++) {
      const pe = sequence % 2 === 0 ? a : b;
      pe.mac({ vni: 100, mac: flapping, sequence });
      await waitAt(pe, flapping, 100, sequence);
    }
    expect(alarms.events).toEqual([]);
    for (let turn = 0; turn < 300; turn++) {
      for (let n = 0; n < 10; n++, sequence++) {
        (sequence % 2 === 0 ? a : b).mac({ vni: 100, mac: flapping, sequence });
      }
      if (turn % 10 === 0) announceCalm(10);
      await sleep(10);
    }
    const last = (sequence - 1) % 2 === 0 ? a : b;
    await waitAt(last, flapping, 100, sequence - 1);
    await othersAreWell();
    const row = await find(flapping, 100);
    expect(row?.duplicate).toBeDefined();
    expect(row?.moves).toBeGreaterThan(100);
    expect(alarms.events.map((event) => event.mac)).toEqual([colons(flapping)]);
    alarms.close();
  });

  test("ten thousand MACs flapping at once are ten thousand alarms, one each", async () => {
    const alarms = await WatchClient.open(evpnd, "/v1/watch/events?kinds=duplicate");
    const flap = async (pe: PlayedPe, macs: readonly string[], sequence: number): Promise<void> => {
      pe.macs(macs.map((each) => ({ vni: 101, mac: each, sequence })));
      await waitAt(pe, macs.at(-1)!, 101, sequence);
    };
    const rounds = async (macs: readonly string[]): Promise<void> => {
      for (let n = 0; n < 7; n++) {
        announceCalm(20);
        await flap(n % 2 === 0 ? a : b, macs, n);
      }
    };
    const few = Array.from({ length: MANY / 4 }, (_, n) => mac(10, n));
    const all = Array.from({ length: MANY }, (_, n) => mac(11, n));
    const costOfFew = await cpuOf(() => rounds(few));
    const costOfAll = await cpuOf(() => rounds(all));
    expect(costOfAll).toBeLessThan(LINEAR * Math.max(costOfFew, 0.05));
    const told = (): string[] => alarms.events.map((event) => event.mac ?? "");
    await waitFor("the alarms", () => told().length >= few.length + all.length);
    await othersAreWell();
    expect(alarms.items.filter(({ type }) => type === "lagged")).toEqual([]);
    expect(told().sort()).toEqual([...few, ...all].map(colons).sort());
    alarms.close();
  });

  test("one MAC in ten thousand domains moves in each, at a cost that grows with them", async () => {
    const everywhere = mac(12, 1);
    const cost = async (from: number, count: number): Promise<number> =>
      cpuOf(async () => {
        for (const pe of [a, b]) {
          const sequence = pe === a ? 0 : 1;
          const vnis = Array.from({ length: count }, (_, n) => from + n);
          pe.macs(vnis.map((vni) => ({ vni, mac: everywhere, sequence })));
          await waitAt(pe, everywhere, from + count - 1, sequence);
        }
      });
    announceCalm(20);
    const few = await cost(1_000, MANY / 4);
    const all = await cost(20_000, MANY);
    expect(all).toBeLessThan(LINEAR * Math.max(few, 0.05));
    for (const vni of [20_000, 20_000 + MANY / 2, 20_000 + MANY - 1]) {
      expect(await find(everywhere, vni)).toMatchObject({ pe: b.address, moves: 1 });
    }
    const rest = await evpnd.macs<MacRow>(`mac=${everywhere}`);
    expect(rest).toHaveLength(MANY + MANY / 4);
    expect(rest.every(({ pe, moves }) => pe === b.address && moves === 1)).toBe(true);
    await othersAreWell();
  });
});
