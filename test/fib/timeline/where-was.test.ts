/** Where was a MAC: by its own events, its segment's, over restarts, losses and what was cut. */
import { describe, expect, it } from "vitest";
import { RETRY_MS } from "../../../src/fib/timeline/engine.js";
import { ESI, ESI_TEXT, LastingKv, SETTINGS, TimedFabric } from "./lib.js";

const MAC = "02:00:00:00:00:01";
const OTHER = "02:00:00:00:00:02";

describe("where a MAC was", () => {
  it("is what was told last before", async () => {
    const fabric = await new TimedFabric().pass();
    const start = fabric.clock.time;
    await fabric.at(1, MAC, { sequence: 3 }).pass();
    await fabric.at(2, MAC, { sequence: 4 }).pass();
    await fabric.at(2, MAC, { sequence: 5 }).pass();
    await fabric.not(2, MAC).not(1, MAC).pass();
    const seen = async (after: number) => (await fabric.where(MAC, start + after))[0];
    expect(await seen(-1)).toMatchObject({ state: "absent", certain: true });
    expect(await seen(0)).toMatchObject({
      state: "present",
      domain: "65000:1",
      pe: "10.0.0.1",
      via: ["10.0.0.1"],
      sequence: 3,
      since: start,
      peer: "10.9.0.1",
      certain: true,
      notes: [],
    });
    expect(await seen(999)).toMatchObject({ pe: "10.0.0.1" });
    expect(await seen(1000)).toMatchObject({ pe: "10.0.0.2", since: start + 1000 });
    expect(await seen(2500)).toMatchObject({ pe: "10.0.0.2", sequence: 5 });
    expect(await seen(3000)).toMatchObject({ state: "absent", since: start + 3000 });
    await expect(fabric.where(OTHER)).rejects.toMatchObject({ code: "not-found" });
    await expect(fabric.where("02:00")).rejects.toMatchObject({ code: "invalid" });
    await expect(fabric.where(MAC, fabric.clock.time + 1)).rejects.toMatchObject({
      code: "invalid",
    });
  });

  it("is told for each domain", async () => {
    const fabric = await new TimedFabric().at(1, MAC).pass();
    await fabric.at(2, MAC, { targets: ["65000:2"] }).pass();
    expect(await fabric.where(MAC)).toMatchObject([
      { domain: "65000:1", pe: "10.0.0.1" },
      { domain: "65000:2", pe: "10.0.0.2" },
    ]);
    const questions = fabric.engine.questions();
    const { time } = fabric.clock;
    expect(await questions.at({ mac: MAC, time, domain: "65000:2" })).toHaveLength(1);
  });

  it("follows the segment: one event counts for all its MACs", async () => {
    const fabric = await new TimedFabric().perEs(1, true).perEs(2, true).pass();
    await fabric.at(1, MAC, { esi: ESI }).at(1, OTHER).pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({
      pe: "10.0.0.1",
      via: ["10.0.0.1", "10.0.0.2"],
      esi: ESI_TEXT,
    });
    const down = fabric.clock.time;
    await fabric.perEs(1, false).pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({
      state: "present",
      via: ["10.0.0.2"],
      since: down,
    });
    expect((await fabric.where(OTHER))[0]).toMatchObject({ via: ["10.0.0.1"], since: down - 1000 });
    await fabric.perEs(2, false).pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({ state: "present", via: [] });
    await fabric.not(1, MAC).pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({ state: "absent", since: down + 2000 });
    await fabric.perEs(1, true).pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({ state: "absent" });
    await fabric.at(1, MAC, { esi: ESI }).pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({ via: ["10.0.0.1"] });
  });

  it("is not certain when some MACs of the segment went unnamed", async () => {
    const fabric = await new TimedFabric().perEs(1, true).pass();
    await fabric.at(1, MAC, { esi: ESI }).at(1, OTHER, { esi: ESI }).pass();
    await fabric.perEs(1, false).pass();
    await fabric.not(1, MAC).pass();
    await fabric.perEs(1, true).pass();
    expect((await fabric.where(OTHER))[0]).toMatchObject({ state: "present", certain: false });
    await fabric.at(1, OTHER, { esi: ESI, sequence: 1 }).pass();
    expect((await fabric.where(OTHER))[0]).toMatchObject({ state: "present", certain: true });
  });

  it("is not known while evpnd was down, and nowhere until it is learnt again", async () => {
    const kv = new LastingKv();
    const first = await new TimedFabric(kv).at(1, MAC).pass();
    const running = first.clock.time - 1;
    await first.engine.close();
    const stopped = first.clock.time;
    const second = await new TimedFabric(kv, SETTINGS, stopped + 60_000).pass();
    expect((await second.where(MAC, running))[0]).toMatchObject({ pe: "10.0.0.1", certain: true });
    expect((await second.where(MAC, stopped + 1000))[0]).toMatchObject({ state: "unknown" });
    expect((await second.where(MAC))[0]).toMatchObject({ state: "absent" });
    expect((await second.where(MAC))[0]?.notes[0]).toMatch(/^evpnd started at .* had not heard/);
    await second.at(1, MAC).pass();
    expect((await second.where(MAC))[0]).toMatchObject({ state: "present", pe: "10.0.0.1" });
  });

  it("is not known after a crash either, from the last sign of life on", async () => {
    const kv = new LastingKv();
    const first = await new TimedFabric(kv).at(1, MAC).pass();
    await first.upkeep();
    const alive = first.clock.time;
    const second = await new TimedFabric(kv, SETTINGS, alive + 60_000).pass();
    expect((await second.where(MAC, alive - 1))[0]).toMatchObject({ state: "present" });
    expect((await second.where(MAC, alive + 1))[0]).toMatchObject({ state: "unknown" });
    expect(await second.events({ kind: "started" })).toEqual(["started", "started"]);
  });

  it("is as far as known when events were lost, and says so", async () => {
    const fabric = await new TimedFabric().at(1, MAC).pass();
    for (let n = 0; n < 6000; n++) {
      fabric.at(
        1,
        `02:00:00:01:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`,
      );
    }
    await fabric.pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({ state: "present", certain: false });
    expect(await fabric.events({ kind: "lost" })).toContain("lost");
    await fabric.at(2, MAC, { sequence: 1 }).pass();
    await fabric.pass();
    expect((await fabric.where(MAC))[0]).toMatchObject({ pe: "10.0.0.2", certain: true });
  });

  it("outlives the events that are cut", async () => {
    const fabric = await new TimedFabric(new LastingKv(), { ...SETTINGS, maxAge: 640 }).pass();
    await fabric.at(1, MAC).at(1, OTHER).pass();
    for (let n = 0; n < 100; n++) {
      await fabric.at(1 + (n % 2), "02:00:00:00:00:03", { sequence: n }).pass(10_000);
      await fabric.engine.settled();
    }
    expect(await fabric.events({ mac: MAC, kind: "learn" })).toEqual([]);
    const early = fabric.engine.status().oldest!;
    expect(early).toBeGreaterThan(fabric.clock.time - 700_000);
    expect((await fabric.where(MAC, early + 1))[0]).toMatchObject({
      state: "present",
      pe: "10.0.0.1",
    });
    await fabric.at(2, MAC, { sequence: 1 }).not(1, OTHER).pass();
    expect((await fabric.where(MAC, early + 1))[0]).toMatchObject({
      state: "present",
      pe: "10.0.0.1",
    });
    expect((await fabric.where(OTHER, early + 1))[0]).toMatchObject({ pe: "10.0.0.1" });
    expect((await fabric.where(MAC, early - 700_000))[0]).toMatchObject({ state: "unknown" });
  });
});

describe("a clock that runs ahead and is set back", () => {
  const DAY = 86_400_000;
  /** Upkeep's timer is on the clock that the test sets. */
  const trim = async ({ engine }: TimedFabric, settings: typeof SETTINGS) => {
    engine.setBounds(settings);
    await engine.settled();
  };
  const kinds = async (fabric: TimedFabric) => (await fabric.events({ mac: MAC })).join();

  it("does not keep what it dated into the future for longer than anything else", async () => {
    const settings = { ...SETTINGS, maxAge: 3600 };
    const fabric = await new TimedFabric(new LastingKv(), settings).at(1, MAC).pass();
    const { clock } = fabric;
    clock.time += 1000 * DAY;
    await fabric.at(2, MAC, { sequence: 1 }).pass();
    clock.time -= 1000 * DAY;
    await fabric.at(1, MAC, { sequence: 2 }).pass();
    expect(await kinds(fabric)).toContain("move");
    clock.pass(1800_000);
    await fabric.at(1, OTHER).pass();
    await trim(fabric, settings);
    expect(await kinds(fabric)).toContain("move");
    clock.pass(3600_000);
    await fabric.at(2, OTHER, { sequence: 1 }).pass();
    await trim(fabric, settings);
    expect(await kinds(fabric)).toBe("");
    expect(await fabric.events({ mac: OTHER })).toContainEqual(expect.stringContaining("move"));
  });

  it("set back by mistake, and put right, cuts nothing before its time", async () => {
    const settings = { ...SETTINGS, maxAge: 3600 };
    const fabric = await new TimedFabric(new LastingKv(), settings).at(1, MAC).pass();
    const { clock } = fabric;
    clock.time -= 1000 * DAY;
    await fabric.at(1, OTHER).pass();
    await trim(fabric, settings);
    clock.time += 1000 * DAY;
    await fabric.at(2, OTHER, { sequence: 1 }).pass();
    await trim(fabric, settings);
    expect(await kinds(fabric)).toContain("learn");
  });
});

describe("while the store is away", () => {
  it("another FIB is another FIB, and what waited for the store is lost", async () => {
    let isFull = false;
    class Disk extends LastingKv {
      override batch(...args: Parameters<LastingKv["batch"]>): Promise<void> {
        return isFull ? Promise.reject(new Error("full")) : super.batch(...args);
      }
    }
    const fabric = await new TimedFabric(new Disk()).at(1, MAC).at(1, OTHER).pass();
    isFull = true;
    await fabric.at(2, OTHER, { sequence: 1 }).pass();
    // Waits, and is of a ring that is nobody's soon.
    await fabric.not(1, MAC).pass();
    const lost = fabric.engine.status().lost;
    const next = fabric.newFib();
    while (next.read(1000));
    await fabric.engine.attach(next.tables.events.share([]), fabric.clock.time, false);
    expect(fabric.engine.status().lost).toBeGreaterThan(lost);
    isFull = false;
    fabric.clock.pass(RETRY_MS);
    await fabric.engine.settled();
    fabric.clock.pass(1000);
    expect((await fabric.where(MAC))[0]).toMatchObject({ state: "absent" });
    expect((await fabric.where(OTHER))[0]).toMatchObject({ state: "present", pe: "10.0.0.2" });
  });
});
