/** Two connections at once: whoever dials first, whoever's OPEN comes first, one session is left, and both ends agree which. */
import { describe, expect, test } from "vitest";
import { capability } from "../../../src/fast-bgp-codec/capability.js";
import { KEEPALIVE } from "../../../src/fast-bgp-codec/keepalive.js";
import { encodeOpen } from "../../../src/fast-bgp-codec/open.js";
import { resolveCollision, survivingInitiator } from "../../../src/bgp/session/collision.js";
import { Network, node, peer, RawPeer, settings } from "./harness.js";

describe("who survives", () => {
  const low = { id: 1, as: 65000 };
  const high = { id: 0xfffffffe, as: 65000 };

  test("the connection of the higher identifier, unsigned", () => {
    expect(survivingInitiator(low, high)).toBe("remote");
    expect(survivingInitiator(high, low)).toBe("local");
  });

  test("equal identifiers: the higher AS (RFC 6286)", () => {
    expect(survivingInitiator({ id: 1, as: 4200000000 }, { id: 1, as: 65000 })).toBe("local");
    expect(survivingInitiator({ id: 1, as: 65000 }, { id: 1, as: 4200000000 })).toBe("remote");
  });

  test.each([
    ["local", "remote", "OpenSent", false, false, "none"],
    ["local", "remote", "OpenConfirm", false, false, "this"],
    ["remote", "local", "OpenConfirm", false, false, "other"],
    ["local", "local", "OpenConfirm", false, false, "other"],
    ["local", "remote", "Established", false, false, "this"],
    ["remote", "local", "Established", false, false, "wait"],
    ["remote", "local", "Established", false, true, "wait"],
    ["remote", "local", "Established", true, false, "this"],
    ["remote", "local", "Established", true, true, "other-quietly"],
    ["remote", "remote", "Established", false, false, "this"],
  ] as const)("new %s, other %s %s, confirmed %s, graceful %s: %s", (...row) => {
    const [initiator, other, state, confirmed, graceful, expected] = row;
    const connection = { initiator: other, state, confirmed, graceful };
    expect(resolveCollision(initiator, connection, low, high)).toBe(expected);
  });
});

/** Both tables dial at once; `order` says which ends are polled when. */
function race(ids: readonly [string, string], order: readonly number[]): void {
  const network = new Network();
  const long = { idleHold: 600, connectRetry: 600 };
  const a = node(
    network,
    "10.0.0.1",
    settings({ routerId: ids[0], peers: [peer("10.0.0.2", long)] }),
  );
  const b = node(
    network,
    "10.0.0.2",
    settings({ routerId: ids[1], peers: [peer("10.0.0.1", long)] }),
  );
  a.table.start();
  b.table.start();
  network.dial();
  expect(network.connections.length).toBe(4);
  for (const index of order) network.connections[index]?.poll();
  network.advance(0);
  const views = [a.table.view("10.0.0.2")!, b.table.view("10.0.0.1")!];
  expect(views.map((view) => view.state)).toEqual(["Established", "Established"]);
  const open = network.connections.filter((connection) => !connection.closed);
  expect(open.length).toBe(2);
  expect(open[0]!.other).toBe(open[1]);
  // One end may have been Established for a moment on the connection the other end then closed.
  const kinds = [a.sink.kinds(), b.sink.kinds()];
  for (const told of kinds) {
    expect([["established"], ["established", "closed", "established"]]).toContainEqual(told);
  }
  network.advance(100_000);
  expect([a.sink.kinds(), b.sink.kinds()]).toEqual(kinds);
}

describe("two tables that dial each other at the same moment", () => {
  const orders = permutations([0, 1, 2, 3]);
  for (const ids of [
    ["10.0.0.1", "10.0.0.2"],
    ["10.0.0.2", "10.0.0.1"],
    ["1.0.0.1", "250.0.0.1"],
  ] as const) {
    test(`${ids[0]} and ${ids[1]}, every order of the first two reads of each end`, () => {
      for (const first of orders) for (const second of orders) race(ids, [...first, ...second]);
    });
  }
});

describe("against an Established session", () => {
  const open = (families: boolean): Uint8Array =>
    encodeOpen({
      version: 4,
      myAs: 65000,
      holdTime: 90,
      bgpId: "10.0.0.2",
      capabilities: [
        capability.multiprotocol(25, 70),
        capability.fourOctetAs(65000),
        capability.gracefulRestart({
          restartState: false,
          notification: false,
          restartTime: 120,
          families: families ? [{ afi: 25, safi: 70, forwarding: 1 }] : [],
        }),
      ],
    });

  function up(graceful: boolean): { network: Network; a: ReturnType<typeof node>; first: RawPeer } {
    const network = new Network();
    const a = node(network, "10.0.0.1", settings({ peers: [peer("10.0.0.2", { passive: true })] }));
    a.table.start();
    const first = new RawPeer(network, a, "10.0.0.2");
    first.send(Buffer.concat([open(graceful), KEEPALIVE, KEEPALIVE]));
    expect(a.sink.kinds()).toEqual(["established"]);
    return { network, a, first };
  }

  test("the new one goes with 6/7", () => {
    const { network, a, first } = up(false);
    const second = new RawPeer(network, a, "10.0.0.2");
    second.send(open(false));
    expect(second.notification()).toBe("6/7");
    expect(a.sink.kinds()).toEqual(["established"]);
    expect(first.wire.eof).toBe(false);
    expect(a.table.view("10.0.0.2")).toMatchObject({ state: "Established", lastError: undefined });
  });

  test("with graceful restart the old one goes without a word (RFC 4724 section 5)", () => {
    const { network, a, first } = up(true);
    first.received();
    const second = new RawPeer(network, a, "10.0.0.2");
    second.send(Buffer.concat([open(true), KEEPALIVE]));
    expect(first.received()).toEqual([]);
    expect(first.wire.eof).toBe(true);
    expect(a.sink.kinds()).toEqual(["established", "closed", "established"]);
  });

  test("a second connection before the first is up replaces it", () => {
    const network = new Network();
    const a = node(network, "10.0.0.1", settings({ peers: [peer("10.0.0.2", { passive: true })] }));
    a.table.start();
    const first = new RawPeer(network, a, "10.0.0.2");
    const second = new RawPeer(network, a, "10.0.0.2");
    expect(first.notification()).toBe("6/7");
    second.send(Buffer.concat([open(false), KEEPALIVE]));
    expect(a.table.view("10.0.0.2")?.state).toBe("Established");
  });
});

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}
