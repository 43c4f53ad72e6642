/** BFD sessions between two engines: up, silence, timers under way, strangers, farewells. */
import { describe, expect, it } from "vitest";
import {
  BfdState,
  decodePacket,
  encodePacket,
  type BfdPacket,
} from "../../../src/bgp/bfd/packet.js";
import { LEFT, Pair, RIGHT, spec } from "./lib/pair.js";

function last(bytes: readonly Uint8Array[]): BfdPacket {
  const packet = decodePacket(bytes.at(-1)!);
  if (typeof packet === "string") throw new Error(packet);
  return packet;
}

describe("two engines", () => {
  it("come up and agree on the slower timers", () => {
    const pair = new Pair();
    pair.up({ minTx: 20_000 }, { minRx: 80_000, multiplier: 5 });
    expect(pair.left.session()).toMatchObject({
      state: "Up",
      remoteState: "Up",
      txIntervalMs: 80,
      detectionTimeMs: 5 * 50,
      upCount: 1,
      downCount: 0,
    });
    expect(pair.right.session()).toMatchObject({ state: "Up", detectionTimeMs: 3 * 80 });
    expect(last(pair.left.sent)).toMatchObject({ poll: false, minEchoRx: 0, demand: false });
  });

  it("do nothing faster than once a second before that", () => {
    const pair = new Pair();
    pair.left.engine.command({ kind: "set", spec: spec(RIGHT) });
    pair.run(10_000);
    expect(pair.left.sent.length).toBeGreaterThanOrEqual(10);
    expect(pair.left.sent.length).toBeLessThanOrEqual(14);
  });

  it("notice a cut wire within the detection time, each by itself, and come back", () => {
    const pair = new Pair();
    pair.up();
    pair.left.cut = pair.right.cut = true;
    pair.run(100);
    expect(pair.left.downs).toEqual([]);
    pair.run(60);
    expect(pair.left.downs).toEqual(["expired"]);
    expect(pair.right.downs).toEqual(["expired"]);
    const detail = pair.left.reports.findLast((report) => report.kind === "state")?.detail;
    expect(detail).toMatch(/^BFD heard nothing for 1[5-6]\d ms$/);
    pair.left.cut = pair.right.cut = false;
    pair.run(5000);
    expect(pair.left.session()).toMatchObject({ state: "Up", upCount: 2, downCount: 1 });
  });

  it("one deaf side tells the other, which did hear it", () => {
    const pair = new Pair();
    pair.up();
    pair.right.cut = true;
    pair.run(500);
    expect(pair.left.downs).toEqual(["expired"]);
    expect(pair.right.downs).toEqual(["neighbor-down"]);
  });

  it("a stall of the thread is no silence of the peer: packets in the socket are heard first", () => {
    const pair = new Pair();
    pair.up();
    pair.clock.stall(10_000);
    pair.run(1);
    expect(pair.left.downs).toEqual([]);
    pair.run(1000);
    expect(pair.left.session()).toMatchObject({ state: "Up", downCount: 0 });
  });

  it("timers change without a flap, slower and faster, either side", () => {
    const pair = new Pair();
    pair.up();
    for (const timers of [
      { minTx: 500_000, minRx: 400_000, multiplier: 3 },
      { minTx: 10_000, minRx: 10_000, multiplier: 3 },
      { minTx: 200_000, minRx: 30_000, multiplier: 2 },
    ]) {
      pair.left.engine.command({ kind: "set", spec: spec(RIGHT, timers) });
      pair.run(3000);
      const tx = Math.max(timers.minTx, 50_000) / 1000;
      expect(pair.left.session()).toMatchObject({ state: "Up", txIntervalMs: tx, downCount: 0 });
      expect(pair.right.session()).toMatchObject({
        state: "Up",
        detectionTimeMs: timers.multiplier * tx,
        downCount: 0,
      });
    }
  });

  it("a peer that switches BFD off is no failure, and neither is it here", () => {
    const pair = new Pair();
    pair.up();
    pair.right.engine.command({ kind: "remove", peer: LEFT });
    pair.run(200);
    expect(pair.left.downs).toEqual(["neighbor-admin-down"]);
    expect(last(pair.right.sent).state).toBe(BfdState.AdminDown);
    expect(pair.right.downs).toEqual(["admin-down"]);
    pair.run(3000);
    expect(pair.right.ears.size).toBe(0);
    const before = pair.right.sent.length;
    pair.run(5000);
    expect(pair.right.sent.length).toBe(before);
  });

  it("a session that is made again during its farewell follows it", () => {
    const pair = new Pair();
    pair.up();
    const { localDiscriminator } = pair.right.session();
    pair.right.engine.command({ kind: "remove", peer: LEFT });
    pair.right.engine.command({ kind: "set", spec: spec(LEFT) });
    pair.run(10_000);
    expect(pair.right.session()).toMatchObject({ state: "Up" });
    expect(pair.right.session().localDiscriminator).not.toBe(localDiscriminator);
    expect(pair.left.session().state).toBe("Up");
  });

  it("authenticated come up, with other keys never", () => {
    const auth = { type: "meticulous-keyed-sha1", keyId: 1, key: "k" } as const;
    const same = new Pair();
    same.up({ auth }, { auth });
    expect(same.left.session()).toMatchObject({ state: "Up", authFailures: 0 });
    for (const other of [{ ...auth, key: "j" }, undefined]) {
      const pair = new Pair();
      pair.up({ auth }, { auth: other });
      expect(pair.left.session()).toMatchObject({ state: "Down", packetsIn: 0 });
      expect(pair.left.session().authFailures).toBeGreaterThan(0);
    }
  });

  it("both passive wait for ever; one is enough", () => {
    const pair = new Pair();
    pair.up({ passive: true }, { passive: true });
    expect([...pair.left.sent, ...pair.right.sent]).toEqual([]);
    pair.right.engine.command({ kind: "set", spec: spec(LEFT) });
    pair.run(15_000);
    expect(pair.left.session().state).toBe("Up");
  });

  it("stop with one AdminDown each", () => {
    const pair = new Pair();
    pair.up();
    pair.left.engine.command({ kind: "stop" });
    expect(pair.left.reports.at(-1)).toEqual({ kind: "stopped" });
    pair.run(100);
    expect(pair.right.downs).toEqual(["neighbor-admin-down"]);
    expect(pair.clock.pendingTimers).toBeGreaterThan(0);
    pair.right.engine.command({ kind: "stop" });
    expect(pair.clock.pendingTimers).toBe(0);
  });
});

describe("what belongs to no session", () => {
  const down = {
    diag: 0,
    state: BfdState.Down,
    poll: false,
    final: false,
    independent: false,
    demand: false,
    multiplier: 3,
    myDiscriminator: 77,
    yourDiscriminator: 0,
    minTx: 50_000,
    minRx: 50_000,
    minEchoRx: 0,
    authenticated: false,
  };

  it("is counted by why, and nothing else happens", () => {
    const pair = new Pair();
    pair.up();
    const { engine } = pair.left;
    const before = { ...pair.left.session(), packetsIn: 0, packetsOut: 0 };
    const { localDiscriminator } = before;
    const counted = { ...engine.stats };
    const up = { ...down, state: BfdState.Up };
    // From an address without a session; for a session that is not; for a session, from elsewhere.
    engine.receive(encodePacket(down), "10.0.0.9", false);
    engine.receive(encodePacket({ ...up, yourDiscriminator: 4711 }), RIGHT, false);
    const ours = { ...down, yourDiscriminator: localDiscriminator };
    engine.receive(encodePacket(ours), "10.0.0.9", false);
    // On the port of the other kind.
    engine.receive(encodePacket(ours), RIGHT, true);
    engine.receive(encodePacket(ours).subarray(1), RIGHT, false);
    expect(engine.stats).toMatchObject({
      received: counted.received + 5,
      malformed: counted.malformed + 1,
      unknownDiscriminator: counted.unknownDiscriminator + 1,
      unknownSource: counted.unknownSource + 3,
    });
    expect({ ...pair.left.session(), packetsIn: 0, packetsOut: 0 }).toEqual(before);
    expect(pair.left.downs).toEqual([]);
  });

  it("IPv4 written as IPv6 is the same peer", () => {
    const pair = new Pair();
    pair.left.engine.command({ kind: "set", spec: spec(RIGHT) });
    pair.left.engine.receive(encodePacket(down), `::ffff:${RIGHT}`, false);
    expect(pair.left.session().state).toBe("Init");
  });

  it("the random octets of anybody neither crash nor flap nor grow anything", () => {
    const pair = new Pair();
    pair.up();
    const { localDiscriminator } = pair.left.session();
    let seed = 5;
    const below = (n: number): number => (seed = (seed * 48271) % 0x7fffffff) % n;
    for (let round = 0; round < 20_000; round++) {
      const bytes = Uint8Array.from({ length: below(64) }, () => below(256));
      if (bytes.length >= 24 && below(2) === 0) {
        bytes[0] = 0x20;
        bytes[3] = 24;
        if (below(2) === 0) new DataView(bytes.buffer).setUint32(8, localDiscriminator);
      }
      pair.left.engine.receive(bytes, below(2) === 0 ? "192.0.2.1" : "10.0.0.9", below(2) === 0);
    }
    pair.run(1000);
    expect(pair.left.session()).toMatchObject({ state: "Up", downCount: 0 });
    expect(pair.left.reports.filter(({ kind }) => kind === "problem")).toEqual([]);
  });

  it("not even those of the peer itself crash: the session comes back", () => {
    const pair = new Pair();
    pair.up();
    let seed = 9;
    const below = (n: number): number => (seed = (seed * 48271) % 0x7fffffff) % n;
    for (let round = 0; round < 5000; round++) {
      const { localDiscriminator } = pair.left.session();
      const bytes = encodePacket({
        ...down,
        state: below(4) as BfdState,
        poll: below(2) === 0,
        final: below(2) === 0,
        demand: below(2) === 0,
        multiplier: 1 + below(255),
        yourDiscriminator: localDiscriminator,
        minTx: below(3) * 0x7fffffff,
        minRx: below(3) * 0x7fffffff,
      });
      pair.left.engine.receive(bytes, RIGHT, false);
      if (below(50) === 0) pair.run(below(100));
    }
    expect(pair.clock.pendingTimers).toBeLessThan(10);
    pair.run(20_000);
    expect(pair.left.session().state).toBe("Up");
  });
});
