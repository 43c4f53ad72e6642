/**
 * Collectors that do not read, talk, or hang up at once: what they cost is bounded, and no session gets
 * anything a turn later for them. Turns of the event loop are counted, not time.
 */
import { describe, expect, test } from "vitest";
import { FEEDS_OFF } from "../../../../src/bgp/feeds/settings.js";
import { evpnUpdate } from "../../lib/speaker.js";
import { key, mac, marked } from "../../lib/tables.js";
import { bmpOnly, collector, World } from "../lib/world.js";

const LIMIT = 1 << 19;
/** The transport's mark, and what may be written in one go beyond it. */
const MOST_PENDING = 256 * 1024 + 2 * 64 * 1024;

/** Turns of the event loop until the listener has each of many changes. */
function latencies(world: World, changes: number, eachTurn: () => void): number[] {
  const source = world.up();
  const listener = world.up();
  world.run();
  const turns: number[] = [];
  for (let i = 0; i < changes; i++) {
    const nlri = Array.from({ length: 40 }, (_unused, n) => mac(1 + ((i * 40 + n) % 2000)));
    source.line.say(evpnUpdate(nlri, marked(i)));
    let turn = 0;
    while (![...listener.got].some(isOf(nlri[39]!, i))) {
      if (++turn > 50) throw new Error("the listener never got it");
      if (world.speaker.queue.length > 0) world.speaker.queue.runOnce();
      else world.speaker.clock.advance(1);
      eachTurn();
    }
    turns.push(turn);
  }
  return turns;
}

function isOf(nlri: string, mark: number): (route: [string, string]) => boolean {
  const wanted = key(nlri);
  const set = `e0c804${mark.toString(16).padStart(8, "0")}`;
  return ([name, value]) => name === wanted && value.includes(set);
}

describe("a collector that does not read", () => {
  test("makes no route a turn late, and holds no more than its bounds", () => {
    const alone = latencies(new World(FEEDS_OFF), 300, () => undefined);
    const settings = bmpOnly([collector("deaf"), collector("well")], LIMIT);
    const world = new World(settings);
    world.deaf.add("deaf");
    let backlog = 0;
    let pending = 0;
    const beside = latencies(world, 300, () => {
      backlog = Math.max(backlog, world.feeds.view().eventLogBytes);
      for (const each of world.connections.get("deaf") ?? []) {
        if (each.isOpen) pending = Math.max(pending, each.pendingBytes);
      }
    });
    expect(beside).toEqual(alone);
    expect(backlog).toBeLessThanOrEqual(LIMIT);
    expect(backlog).toBeGreaterThanOrEqual(LIMIT / 2);
    expect(pending).toBeLessThanOrEqual(MOST_PENDING);
    expect(pending).toBeGreaterThan(200 * 1024);
    const [deaf, well] = world.feeds.view().collectors;
    expect(deaf!.dropped).toBeGreaterThan(0);
    expect(well).toMatchObject({ dropped: 0, state: "up" });
  });

  test("with the loc-RIB alone holds the change log no further than its bound", () => {
    const world = new World(bmpOnly([collector("deaf", ["loc-rib"])], 128 * 1000));
    world.deaf.add("deaf");
    const { table } = world.speaker.reflector;
    let entries = 0;
    latencies(world, 400, () => (entries = Math.max(entries, table.log.tail - table.log.head)));
    expect(world.feeds.view().collectors[0]!.dropped).toBeGreaterThan(0);
    expect(entries).toBeLessThan(2000);
  });
});

describe("a collector's first walk", () => {
  test("over a large table is cut, and sessions are served between", () => {
    // Each look at the clock takes two milliseconds: two steps a turn, then others' turn.
    const world = new World(bmpOnly([collector("a", ["adj-rib-in-post"])]), 2);
    const source = world.up();
    const listener = world.up();
    world.refusing.add("a");
    for (let i = 0; i < 250; i++) {
      const nlri = Array.from({ length: 40 }, (_unused, n) => mac(1 + i * 40 + n));
      source.line.say(evpnUpdate(nlri));
    }
    world.run();
    world.refusing.clear();
    world.speaker.clock.advance(120_000);
    while (world.connections.size === 0) world.speaker.queue.runOnce();
    const state = (): string => world.feeds.view().collectors[0]!.state;
    let turns = 0;
    let served = 0;
    for (; state() === "synchronizing" && turns < 1000; turns++) {
      const before = listener.got.size;
      source.line.say(evpnUpdate([mac(100_000 + turns)]));
      world.speaker.clock.advance(2);
      world.speaker.queue.runOnce();
      if (listener.got.size > before) served++;
    }
    expect(turns).toBeGreaterThan(5);
    expect(served).toBeGreaterThan(turns / 2);
    world.run();
    expect(world.station("a").routes("10.0.0.2", "in-post").size).toBe(10_000 + turns);
  });
});

describe("a collector that misbehaves", () => {
  test("and hangs up a thousand times at once is called at its pace, and nothing piles up", () => {
    const world = new World(bmpOnly([collector("a", undefined, { connectRetryMax: 8 })], LIMIT));
    const peer = world.up();
    world.up();
    world.run();
    const { table } = world.speaker.reflector;
    const { clock } = world.speaker;
    for (let i = 0; i < 1000; i++) {
      peer.line.say(evpnUpdate([mac(i % 20)], marked(i)));
      const before = world.connections.get("a")!.length;
      world.connection("a").close();
      expect(world.feeds.view().eventLogBytes).toBe(0);
      world.run();
      expect(table.log.head).toBe(table.log.tail);
      clock.advance(8000);
      world.run();
      expect(world.connections.get("a")).toHaveLength(before + 1);
    }
    expect(world.connections.get("a")).toHaveLength(1001);
    // Never called twice within the wait that it has grown to.
    world.connection("a").close();
    clock.advance(7900);
    world.run();
    expect(world.connections.get("a")).toHaveLength(1001);
    clock.advance(100);
    world.run();
    expect(world.connections.get("a")).toHaveLength(1002);
    expect(world.station("a").routes("10.0.0.2", "in-post").size).toBe(20);
    expect(world.speaker.reflector.audit()).toEqual([]);
  });

  test("and talks is not listened to", () => {
    const world = new World(bmpOnly([collector("a")]));
    world.up();
    world.run();
    const connection = world.connection("a");
    const bytes = Buffer.alloc(70_000, 0xab);
    expect(connection.onBytes(bytes, 10, bytes.length)).toBe(bytes.length - 10);
    expect(connection.isOpen).toBe(true);
    expect(world.feeds.view().collectors[0]).toMatchObject({ state: "up", connects: 1 });
  });
});
