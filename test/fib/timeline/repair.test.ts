/** Events that were lost: not known while it lasts, and right again when what there is was compared. */
import { describe, expect, it } from "vitest";
import { EventReader } from "../../../src/fib/event-reader.js";
import { EVENT_WORDS } from "../../../src/fib/event-record.js";
import { Intake } from "../../../src/fib/timeline/intake.js";
import { Random } from "../../model/lib/random.js";
import { ESI, TimedFabric } from "./lib.js";

const MAC = "02:00:00:00:00:01";
const OTHER = "02:00:00:00:00:02";
const STILL = "02:00:00:00:00:03";
const IP = "10.1.0.7";
const RING = 64;

/** More than the ring holds, of MACs that are gone again. */
function storm(fabric: TimedFabric): void {
  for (let n = 0; n < RING; n++) {
    const mac = `02:00:00:01:00:${n.toString(16).padStart(2, "0")}`;
    fabric.at(4, mac).read().not(4, mac).read();
  }
}

function lossy(): TimedFabric {
  return new TimedFabric(undefined, undefined, undefined, RING);
}

async function repaired(fabric: TimedFabric): Promise<number> {
  const { clock, engine } = fabric;
  const marks = async () =>
    (await fabric.events({ kind: "repaired" })).filter((one) => one === "repaired");
  const before = (await marks()).length;
  for (let n = 0; n < 500; n++) {
    clock.pass(50);
    await engine.settled();
    if ((await marks()).length > before) return clock.time;
  }
  throw new Error("it was not repaired");
}

describe("after a loss", () => {
  it("what moved, came and went meanwhile is found, and what did not is certain again", async () => {
    const fabric = await lossy().at(1, MAC, { ip: IP }).at(1, OTHER).at(1, STILL).pass();
    await fabric.at(4, "02:00:00:00:00:09").pass();
    // The last that was written before.
    const before = fabric.clock.time - 1001;
    fabric.at(2, MAC, { ip: IP, sequence: 1 }).not(1, MAC, IP).not(1, OTHER).read();
    fabric.at(3, "02:00:00:00:00:04").read();
    storm(fabric);
    await fabric.pass();
    await fabric.pass();
    const between = fabric.clock.time;
    for (const mac of [MAC, OTHER, STILL]) {
      const [row] = await fabric.where(mac);
      expect(row).toMatchObject({ certain: false, pe: "10.0.0.1" });
      expect(row!.notes.join()).toMatch(/^unknown since .*: \d+ events were lost/);
    }
    await repaired(fabric);
    await fabric.pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({
      pe: "10.0.0.2",
      certain: true,
      notes: [],
    });
    expect((await fabric.where(OTHER))[0]).toMatchObject({ state: "absent", certain: true });
    expect((await fabric.where(STILL))[0]).toMatchObject({ pe: "10.0.0.1", certain: true });
    expect((await fabric.where("02:00:00:00:00:04"))[0]).toMatchObject({
      pe: "10.0.0.3",
      certain: true,
    });
    const { time } = fabric.clock;
    const [address] = await fabric.engine.questions().at({ ip: IP, time });
    expect(address).toMatchObject({ mac: MAC, pe: "10.0.0.2", certain: true });
    for (const mac of [MAC, OTHER, STILL]) {
      const [row] = await fabric.where(mac, between);
      expect(row).toMatchObject({ pe: "10.0.0.1", certain: false });
      expect(row!.notes.join()).toMatch(/^unknown between .* and .*: \d+ events were lost/);
      expect((await fabric.where(mac, before))[0]).toMatchObject({ pe: "10.0.0.1", certain: true });
    }
    // Nothing was told of what stayed.
    expect((await fabric.events({ mac: STILL })).filter((one) => one.includes(STILL))).toHaveLength(
      1,
    );
  });

  it("PEs that joined a segment or left it are found, and its MACs are right", async () => {
    const fabric = await lossy().perEs(1, true).perEvi(1, true).pass();
    await fabric.at(1, MAC, { esi: ESI }).pass();
    fabric.perEs(1, false).perEvi(1, false).perEs(2, true).perEvi(2, true).read();
    storm(fabric);
    await fabric.pass();
    await repaired(fabric);
    await fabric.pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({ via: ["10.0.0.2"] });
    expect(await fabric.events({ kind: "segment-down" })).toContain("segment-down from 10.0.0.1");
  });

  it("a loss in the middle of it begins it anew", async () => {
    const fabric = await lossy().at(1, MAC).pass();
    storm(fabric);
    await fabric.pass();
    for (let n = 0; n < 60; n++) {
      fabric.clock.pass(50);
      await fabric.engine.settled();
      if (n % 10 === 0) storm(fabric.at(1 + ((n / 10) % 3), MAC, { sequence: n }));
    }
    await repaired(fabric);
    await fabric.pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({ pe: "10.0.0.3", certain: true });
  });
});

it("goes on while there is always something to be written", async () => {
  const fabric = await lossy().at(1, MAC).pass();
  storm(fabric);
  await fabric.pass();
  // Events come between any two looks at the ring.
  let n = 0;
  const churn = (): void => {
    fabric.at(1 + (++n % 3), OTHER, { sequence: n }).read();
    fabric.clock.setTimer(3, churn);
  };
  churn();
  await repaired(fabric);
  await fabric.pass();
  expect((await fabric.where(MAC))[0]).toMatchObject({ pe: "10.0.0.1", certain: true });
});

it("events are taken from the queue up to a position, and no further", () => {
  const fabric = new TimedFabric();
  for (let n = 0; n < 5; n++) fabric.at(1 + (n % 2), MAC, { sequence: n }).read();
  const reader = new EventReader(fabric.fib.tables.events.share([]));
  const intake = new Intake(reader, 0);
  intake.take();
  expect(intake.next(0)).toBeUndefined();
  const [first, second] = [intake.next(2)!, intake.next(2)];
  expect([first.first, first.count, second]).toEqual([0, 2, undefined]);
  expect(intake.waiting).toBe(3);
  const rest = intake.next()!;
  expect([rest.first, rest.count, intake.waiting]).toEqual([2, 3, 0]);
  const whole = reader.readRaw(0, 5);
  const [head, tail] = [2 * EVENT_WORDS, 5 * EVENT_WORDS];
  expect([...first.words.subarray(0, head)]).toEqual([...whole.words.subarray(0, head)]);
  expect([...rest.words]).toEqual([...whole.words.subarray(head, tail)]);
});

it.each([1, 2, 3, 4])(
  "random routes with losses: what is certain is true, seed %i",
  async (seed) => {
    const random = new Random(seed);
    const fabric = lossy();
    const macs = [MAC, OTHER, STILL];
    const held = new Map<string, () => void>();
    const was: { time: number; of: Map<string, string> }[] = [];
    const counts = { certain: 0, doubtful: 0 };
    for (let n = 0; n < 80; n++) {
      if (n % 20 === 10) storm(fabric);
      const times = random.oneIn(6) ? 80 : 3;
      for (let changes = random.below(times); changes >= 0; changes--) {
        const [pe, mac] = [1 + random.below(3), random.pick(macs)];
        const [ip, esi] = [random.oneIn(2) ? IP : undefined, random.oneIn(3) ? ESI : undefined];
        if (random.oneIn(8)) {
          const on = random.oneIn(2);
          fabric.perEs(pe, on).perEvi(pe, on);
        }
        const key = `${pe} ${mac} ${ip}`;
        const withdraw = held.get(key);
        if (withdraw !== undefined && random.oneIn(2)) {
          withdraw();
          held.delete(key);
        } else {
          fabric.at(pe, mac, {
            sequence: random.below(20),
            ...(ip !== undefined && { ip }),
            ...(esi !== undefined && { esi }),
          });
          held.set(key, () => void fabric.not(pe, mac, ip));
        }
        if (random.oneIn(2)) fabric.read();
      }
      fabric.read();
      await fabric.engine.settled();
      was.push({ time: fabric.clock.time, of: look(fabric) });
      // Sometimes long enough for a repair, in small steps.
      for (let steps = random.oneIn(3) ? 60 : 1; steps > 0; steps--) await fabric.pass(500);
    }
    for (let n = 0; n < 200; n++) {
      const { time, of } = random.pick(was);
      const mac = random.pick(macs);
      const [row] = await fabric.engine.questions().at({ mac, time, domain: "65000:1" });
      if (!row!.certain) {
        counts.doubtful++;
        continue;
      }
      counts.certain++;
      const { state, pe, via } = row!;
      // Reached through others only: whose claim that is makes no difference.
      const own =
        state === "absent"
          ? undefined
          : via.includes(pe!)
            ? `${pe} ${via.join()}`
            : `through ${via.join()}`;
      expect([mac, time, own], JSON.stringify(row)).toEqual([mac, time, of.get(mac)]);
    }
    expect(counts.certain).toBeGreaterThan(60);
    expect(counts.doubtful).toBeGreaterThan(5);
    expect(fabric.engine.status().lost).toBeGreaterThan(0);
  },
);

function look({ fib }: TimedFabric): Map<string, string> {
  return new Map(
    fib.pages.list({}, 1, 100).rows.map(({ mac, pe, nextHops }) => {
      const hops = nextHops.map(({ address }) => address).sort();
      const others = hops.filter((one) => one !== pe);
      const isOwn = others.length < hops.length;
      return [mac, isOwn ? `${pe} ${[pe, ...others].join()}` : `through ${others.join()}`];
    }),
  );
}
