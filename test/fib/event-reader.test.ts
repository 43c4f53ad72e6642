/** The ring of events read from another thread: what is lost is counted, what is given is whole. */
import { describe, expect, it } from "vitest";
import { EventReader } from "../../src/fib/event-reader.js";
import { EVENT_WORDS } from "../../src/fib/event-record.js";
import { PeerDirectory, RingWord } from "../../src/fib/event-ring.js";
import { Fabric } from "./lib/fabric.js";
import { macIp } from "./lib/route.js";

const ATTR = { nextHop: "10.0.0.1", targets: ["65000:1"] };

function learn(fabric: Fabric, from: number, to: number): void {
  for (let n = from; n < to; n++) {
    const mac = `02:00:00:00:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`;
    fabric.announce(0, macIp({ rd: "10.0.0.1:1", mac }), ATTR);
  }
}

function readerOf(fabric: Fabric): EventReader {
  return new EventReader(structuredClone(fabric.fib.tables.events.share([])));
}

describe("a reader of shared events", () => {
  it("sees what the writer's own thread sees, after the batch", () => {
    const fabric = new Fabric();
    const reader = readerOf(fabric);
    expect(reader.read(0, 10)).toEqual({ events: [], lost: 0, next: 0 });
    learn(fabric, 0, 200);
    expect(reader.next).toBe(0);
    fabric.read();
    expect(reader.next).toBe(200);
    const { events } = fabric.fib.tables;
    expect(reader.read(0, 1000).events).toEqual(events.read(0, 1000).events);
    expect(reader.read(150, 10)).toMatchObject({ lost: 0, next: 160 });
    expect(reader.read(0, 1).events[0]).toMatchObject({ peer: "10.9.0.1", slot: 0 });
  });

  it("counts what was overwritten, at any size of the ring", () => {
    for (const eventRing of [4, 100, 256]) {
      const fabric = new Fabric({ eventRing });
      const reader = readerOf(fabric);
      for (let n = 0; n < 3000; n += 30) {
        learn(fabric, n, n + 30);
        fabric.read();
      }
      const { events, lost, next } = reader.read(10, 5000);
      expect(next).toBe(3000);
      expect(events).toEqual(fabric.fib.tables.events.read(events[0]!.position, 5000).events);
      expect(lost + events.length).toBe(2990);
      expect(events.length).toBeGreaterThan(eventRing / 2);
      expect(reader.read(next, 10)).toEqual({ events: [], lost: 0, next });
      expect(reader.read(0, 10).lost).toBe(lost + 10);
    }
  });

  it("gives up records that the writer reserves while they are copied", () => {
    const fabric = new Fabric({ eventRing: 64 });
    learn(fabric, 0, 64);
    fabric.read();
    const share = fabric.fib.tables.events.share([]);
    const words = new Int32Array(share.buffer);
    const reader = new EventReader(share);
    // The writer comes in between: it has reserved twenty more when the copy is looked at again.
    Object.assign(reader, { copyOut: () => Atomics.store(words, RingWord.Claimed, 84) });
    const batch = reader.readRaw(0, 64);
    expect(batch).toMatchObject({ first: 20, lost: 20, count: 44, next: 64 });
    expect(batch.words.length).toBe(44 * EVENT_WORDS);
  });

  it("follows positions beyond 32 bits", () => {
    const fabric = new Fabric({ eventRing: 64 });
    const { events } = fabric.fib.tables;
    const start = 0x1_0000_0000 - 32;
    Object.assign(events, { next: start, claimed: start });
    const reader = readerOf(fabric);
    learn(fabric, 0, 50);
    fabric.read();
    expect(reader.next).toBe(start + 50);
    expect(reader.read(start, 100).events.map(({ position }) => position)).toEqual(
      Array.from({ length: 50 }, (_, n) => start + n),
    );
  });
});

describe("the directory of peers", () => {
  it("keeps a number for the address that had it, and none for those given up", () => {
    const addresses = ["192.0.2.1", "fe80::1%eth0"];
    const words = new Int32Array(RingWord.Records);
    const directory = new PeerDirectory(words, addresses);
    const reader = new PeerDirectory(words);
    const first = directory.number(0);
    const second = directory.number(1);
    expect(directory.number(0)).toBe(first);
    addresses[0] = "192.0.2.9";
    const third = directory.number(0);
    expect([first, second, third].map((one) => reader.text(one))).toEqual([
      "192.0.2.1",
      "fe80::1%eth0",
      "192.0.2.9",
    ]);
    expect(directory.number(7)).toBe(0);
    for (let n = 0; n < 5000; n++) {
      addresses[1] = `10.0.${n >> 8}.${n & 255}`;
      directory.number(1);
    }
    expect(new PeerDirectory(words).text(first)).toBe("");
  });
});
