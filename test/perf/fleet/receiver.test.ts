import { describe, expect, test } from "vitest";
import { Board } from "../../../perf/fleet/board.js";
import { Receiver } from "../../../perf/fleet/receiver.js";
import { packRoute, Universe } from "../../../perf/fleet/universe.js";
import { ByteSink, END_OF_RIB, KEEPALIVE, UpdateWriter } from "../../../perf/fleet/wire.js";

const SIZE = 60;

function setUp(peer = 3, sharedRd = false) {
  const universe = new Universe({
    peers: 4,
    routes: SIZE,
    senders: 3,
    vnis: 2,
    nlriPerUpdate: 10,
    attrSets: 2,
    macIpShare: 0.5,
    sharedRd,
    as: 65000,
  });
  const board = new Board(SIZE, sharedRd);
  const receiver = new Receiver(peer, board);
  const writer = new UpdateWriter(universe);
  const sink = new ByteSink();
  const one = new Int32Array(1);
  /** Gives the receiver what `write` writes, after `spoil` had its way with it. */
  const feed = (
    write: () => void,
    spoil: (bytes: Uint8Array) => void = () => {},
    now = 0,
  ): void => {
    write();
    const bytes = sink.take();
    spoil(bytes);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < bytes.length; at += view.getUint16(at + 16))
      receiver.update(view, at, at + view.getUint16(at + 16), now);
  };
  const announce = (index: number, from: number, sequence = 0): (() => void) => {
    return () => {
      one[0] = index;
      writer.announce(sink, from, sequence, one, 0, 1);
    };
  };
  const withdraw = (index: number, from: number): (() => void) => {
    return () => {
      one[0] = index;
      writer.withdraw(sink, from, one, 0, 1);
    };
  };
  return { universe, board, receiver, writer, sink, feed, announce, withdraw };
}

describe("a receiver and the octets of the writer", () => {
  test("a whole table makes it right, with and without IP addresses", () => {
    const { universe, board, receiver, writer, sink, feed } = setUp();
    board.expected.forEach((_, index) => {
      board.expected[index] = packRoute(universe.home[index] ?? 0, 0);
    });
    receiver.recount();
    expect(receiver.wrong).toBe(SIZE);
    for (let peer = 0; peer < 3; peer++)
      feed(() => writer.announceAll(sink, peer, universe.homeOf(peer)));
    expect(receiver).toMatchObject({ wrong: 0, announced: SIZE, altered: 0, foreign: 0 });
    expect(receiver.held).toBe(SIZE);
    expect(receiver.complete).toBe(true);
  });

  test("its own routes are not expected, and ignored when they come back", () => {
    const { board, receiver } = setUp(1);
    board.expected[5] = packRoute(1, 0);
    receiver.recount();
    expect(receiver.complete).toBe(true);
    expect(receiver.expectedOf(5)).toBe(0);
  });

  test("a move: right only with the new route there and the old one gone", () => {
    const { board, receiver, feed, announce, withdraw } = setUp();
    board.expected[5] = packRoute(0, 0);
    receiver.recount();
    feed(announce(5, 0));
    expect(receiver.wrong).toBe(0);
    board.expected[5] = packRoute(1, 1);
    receiver.recount();
    feed(announce(5, 1, 1));
    expect(receiver.wrong).toBe(1);
    expect(receiver.routesOf(5)).toEqual([packRoute(0, 0), packRoute(1, 1)]);
    feed(withdraw(5, 0));
    expect(receiver.wrong).toBe(0);
  });

  test("the last receiver's time counts", () => {
    const { board, receiver, feed, announce } = setUp();
    board.expected[5] = packRoute(1, 1);
    board.left[5] = 1;
    board.sentAt[5] = 100;
    feed(announce(5, 1, 0), undefined, 105);
    expect(board.latency.count).toBe(0);
    feed(announce(5, 1, 1), undefined, 112);
    expect(board.latency.count).toBe(1);
    expect(board.latency.maxMillis).toBe(12);
    feed(announce(5, 1, 1), undefined, 120);
    expect(board.latency.count).toBe(1);
    expect(receiver.repeated).toBe(1);
  });

  test("End-of-RIB", () => {
    const { receiver, sink, feed } = setUp();
    feed(() => sink.append(END_OF_RIB));
    expect(receiver.endOfRib).toBe(true);
    expect(KEEPALIVE).toHaveLength(19);
  });

  test("with a shared RD the new route takes the old one's place", () => {
    const { board, receiver, feed, announce, withdraw } = setUp(3, true);
    board.expected[5] = packRoute(1, 1);
    receiver.recount();
    feed(announce(5, 0));
    feed(announce(5, 1, 1));
    expect(receiver.wrong).toBe(0);
    expect(receiver.held).toBe(1);
    feed(withdraw(5, 0));
    expect(receiver.held).toBe(0);
  });
});

describe("what is not as it was sent is seen", () => {
  const single = (flip: number): { altered: number; foreign: number; malformed: number } => {
    const { receiver, feed, announce, writer } = setUp();
    expect(writer).toBeDefined();
    feed(announce(5, 0), (bytes) => {
      bytes[flip] = (bytes[flip] ?? 0) ^ 1;
    });
    return receiver;
  };
  // 23 header and lengths, 4 header of MP_REACH_NLRI
  const REACH = 23 + 4;
  const NLRI = REACH + 9;

  test.each([
    ["next hop", REACH + 7],
    ["RD address", NLRI + 7],
    ["RD number", NLRI + 9],
    ["label", NLRI + 38],
    ["IP address", NLRI + 35],
    ["IP address's first octet", NLRI + 32],
  ])("%s", (_, at) => {
    expect(single(at).altered).toBe(1);
  });

  test("a MAC that is none of ours", () => {
    expect(single(NLRI + 26).foreign).toBe(1);
  });

  test("attributes that do not add up", () => {
    expect(single(22).malformed).toBe(1);
  });

  test("a wrong sequence or PE keeps the MAC wrong", () => {
    const { board, receiver, feed, announce } = setUp();
    board.expected[5] = packRoute(0, 2);
    receiver.recount();
    feed(announce(5, 0, 1));
    expect(receiver.wrong).toBe(1);
    feed(announce(5, 1, 2));
    expect(receiver.wrong).toBe(1);
  });

  test("a MAC announced twice since it was asked for, and where the first time", () => {
    const { receiver, feed, announce } = setUp();
    const again: [number, number][] = [];
    receiver.onRepeat = (index, earlier) => again.push([index, earlier]);
    feed(announce(5, 0));
    receiver.lastSeen = new Float64Array(SIZE);
    receiver.streamBase = 1000;
    feed(announce(5, 0, 1));
    expect(again).toEqual([]);
    receiver.streamBase = 2000;
    feed(announce(5, 1, 2));
    expect(again).toEqual([[5, 1000]]);
  });
});

test("random announcements and withdraws from four PEs: as a map of maps has it", () => {
  const { board, receiver, feed, announce, withdraw } = setUp(3);
  const model = new Map<number, Map<number, number>>();
  let state = 42;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let index = 0; index < SIZE; index++)
    board.expected[index] = random(3) === 0 ? 0 : packRoute(random(4), random(3));
  receiver.recount();
  for (let step = 0; step < 20_000; step++) {
    const index = random(SIZE);
    const peer = random(4);
    const routes = model.get(index) ?? new Map<number, number>();
    model.set(index, routes);
    if (random(2) === 0) {
      const sequence = random(3);
      routes.set(peer, packRoute(peer, sequence));
      feed(announce(index, peer, sequence));
    } else {
      routes.delete(peer);
      feed(withdraw(index, peer));
    }
    expect(new Set(receiver.routesOf(index))).toEqual(new Set(routes.values()));
  }
  let wrong = 0;
  let more = 0;
  let held = 0;
  for (let index = 0; index < SIZE; index++) {
    const routes = [...(model.get(index)?.values() ?? [])];
    const expected = receiver.expectedOf(index);
    held += routes.length;
    more += Math.max(0, routes.length - 2);
    const right = routes.length === (expected === 0 ? 0 : 1) && (routes[0] ?? 0) === expected;
    if (!right) wrong++;
  }
  expect(receiver.held).toBe(held);
  expect(more).toBeGreaterThan(0);
  expect(receiver.wrong).toBe(wrong);
});
