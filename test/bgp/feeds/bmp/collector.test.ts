/** The life of a collector's connection: first words, last words, waits, changes of its settings. */
import { describe, expect, test } from "vitest";
import { evpnUpdate } from "../../lib/speaker.js";
import { mac } from "../../lib/tables.js";
import { bmpOnly, collector, World } from "../lib/world.js";

const INITIATION = 4;
const PEER_UP = 3;

describe("a collector", () => {
  test("is told who is up, what they have, and how they go", () => {
    const world = new World(bmpOnly([collector("a", ["adj-rib-in-post", "loc-rib"])]));
    const early = world.up();
    early.line.say(evpnUpdate([mac(1)]));
    world.run();
    const station = world.station("a");
    expect(station.types.slice(0, 2)).toEqual([INITIATION, PEER_UP]);
    expect(station.routes("10.0.0.2", "in-post").size).toBe(1);
    expect(station.peers.get("10.0.0.2")?.endOfRibs).toEqual(["in-post 2"]);
    expect(station.peers.get("loc-rib")?.endOfRibs.length).toBeGreaterThan(1);
    expect(station.routes("10.0.0.2", "in-pre").size).toBe(0);
    world.down(early);
    world.run();
    expect(station.downs).toEqual(["10.0.0.2 4"]);
    expect(station.routes("loc-rib", "loc-rib").size).toBe(0);
  });

  test("learns of a NOTIFICATION, and from which side it came", () => {
    const world = new World(bmpOnly([collector("a")]));
    const notification = Buffer.from(`${"ff".repeat(16)}0015030602`, "hex");
    const told = world.up();
    const tells = world.up();
    world.run();
    world.taps.tap?.sent(told.tapped, notification);
    world.down(told);
    const inBuffer = Buffer.concat([Buffer.alloc(7), notification]);
    world.taps.tap?.received(tells.tapped, inBuffer, 7, inBuffer.length);
    world.down(tells);
    world.run();
    expect(world.station("a").downs).toEqual(["10.0.0.2 1", "10.0.0.3 3"]);
  });

  test("that refuses is tried again after waits that double, up to a bound", () => {
    const world = new World(bmpOnly([collector("a", undefined, { connectRetryMax: 8 })]));
    world.refusing.add("a");
    world.run();
    const tries: number[] = [];
    let seen = world.feeds.view().collectors[0]!.since;
    for (let second = 1; second <= 40; second++) {
      world.speaker.clock.advance(1000);
      world.speaker.queue.runOnce();
      const { since } = world.feeds.view().collectors[0]!;
      if (since !== seen) tries.push(second);
      seen = since;
    }
    const waits = tries.slice(1).map((at, i) => at - tries[i]!);
    expect(waits.slice(0, 5)).toEqual([2, 4, 8, 8, 8]);
    expect(world.feeds.view().collectors[0]).toMatchObject({
      state: "down",
      lastError: "cannot connect: refused",
    });
    world.refusing.clear();
    world.speaker.clock.advance(8000);
    world.run();
    expect(world.feeds.view().collectors[0]).toMatchObject({ state: "up", connects: 1 });
  });

  test("gets its statistics", () => {
    const world = new World(bmpOnly([collector("a", undefined, { statisticsInterval: 30 })]));
    const peer = world.up();
    world.up();
    peer.line.say(evpnUpdate([mac(1), mac(2)]));
    world.run();
    world.speaker.clock.advance(30_000);
    const { statistics } = world.station("a");
    expect(statistics).toHaveLength(3);
    expect(statistics[0]!.get(7)).toBe(2);
    expect(statistics[0]!.get(15)).toBe(0);
    expect(statistics[1]!.get(15)).toBe(2);
    expect(statistics[2]!.get(8)).toBe(2);
  });

  test("keeps its connection over a reload that does not change it; a changed one is told goodbye", async () => {
    const settings = bmpOnly([collector("a"), collector("b")]);
    const world = new World(settings);
    world.up();
    world.run();
    const [a, b] = [world.connection("a"), world.connection("b")];
    const next = bmpOnly([collector("a"), collector("c"), collector("b", ["loc-rib"])]);
    expect(await world.feeds.apply(next)).toEqual([
      "bmp collector b: stopped",
      "bmp collector c: started",
      "bmp collector b: started",
    ]);
    world.run();
    expect(world.connection("a")).toBe(a);
    expect(b.station.terminated).toBe(true);
    expect(b.isOpen).toBe(false);
    expect([...world.station("b").peers.keys()]).toEqual(["10.0.0.2", "loc-rib"]);
    expect(world.feeds.view().collectors.map(({ name }) => name)).toEqual(["a", "c", "b"]);
    await world.feeds.apply(bmpOnly([]));
    expect(world.taps.tap).toBeUndefined();
    expect(world.speaker.reflector.table.onPath).toBeUndefined();
    expect(a.station.terminated).toBe(true);
    // Configured again, it knows who came up meanwhile.
    world.up();
    await world.feeds.apply(bmpOnly([collector("a")]));
    world.run();
    expect([...world.station("a").peers.keys()].sort()).toEqual([
      "10.0.0.2",
      "10.0.0.3",
      "loc-rib",
    ]);
  });

  test("holds nothing when it is gone: the log is released, nobody collects events", () => {
    const world = new World(bmpOnly([collector("a")]));
    const peer = world.up();
    world.run();
    world.connection("a").close();
    world.refusing.add("a");
    for (let i = 0; i < 100; i++) peer.line.say(evpnUpdate([mac(i)]));
    world.run();
    const { table } = world.speaker.reflector;
    expect(world.feeds.view().eventLogBytes).toBe(0);
    expect(table.onPath).toBeUndefined();
    expect(table.log.head).toBe(table.log.tail);
  });

  test("with the loc-RIB alone costs no events", () => {
    const world = new World(bmpOnly([collector("a", ["loc-rib"])]));
    const peer = world.up();
    world.run();
    expect(world.speaker.reflector.table.onPath).toBeUndefined();
    peer.line.say(evpnUpdate([mac(1)]));
    world.run();
    expect(world.station("a").routes("loc-rib", "loc-rib").size).toBe(1);
  });
});
