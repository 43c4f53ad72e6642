/** Hold, keepalive and send hold timers, above all when the event loop stalls. */
import { describe, expect, test } from "vitest";
import { KEEPALIVE } from "../../../src/fast-bgp-codec/keepalive.js";
import { idleHoldMs, jitter, sendHoldSeconds } from "../../../src/bgp/session/timers.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import type { MemoryConnection } from "./harness.js";
import { Network, node, peer, settings, type Node } from "./harness.js";

interface Pair {
  network: Network;
  a: Node;
  b: Node;
  /** a's end and b's end. */
  wireA: MemoryConnection;
  wireB: MemoryConnection;
}

function pair(options: Partial<PeerOptions> = {}): Pair {
  const network = new Network();
  const a = node(
    network,
    "10.0.0.1",
    settings({ peers: [peer("10.0.0.2", { holdTime: 9, idleHold: 600, ...options })] }),
  );
  const b = node(
    network,
    "10.0.0.2",
    settings({ routerId: "10.0.0.2", peers: [peer("10.0.0.1", { passive: true, ...options })] }),
  );
  b.table.start();
  a.table.start();
  network.advance(0);
  expect(a.table.view("10.0.0.2")?.state).toBe("Established");
  const [wireA, wireB] = network.connections;
  return { network, a, b, wireA: wireA!, wireB: wireB! };
}

const stateOf = ({ a }: Pair): string | undefined => a.table.view("10.0.0.2")?.state;
const errorOf = ({ a }: Pair): string | undefined => a.table.view("10.0.0.2")?.lastError;

/** Cuts b off: what it says does not arrive. */
const mute = ({ wireB }: Pair): void => {
  wireB.blocked = true;
};

test("sessions live on KEEPALIVEs, a third of the hold time apart", () => {
  const net = pair();
  const before = net.a.table.view("10.0.0.2")!.messages.out.keepalive;
  net.network.advance(90_000);
  expect(stateOf(net)).toBe("Established");
  const sent = net.a.table.view("10.0.0.2")!.messages.out.keepalive - before;
  expect(sent).toBeGreaterThanOrEqual(29);
  expect(sent).toBeLessThanOrEqual(31);
});

test("silence for the hold time ends the session with 4/0", () => {
  const net = pair();
  mute(net);
  net.network.advance(8_900);
  expect(stateOf(net)).toBe("Established");
  net.network.advance(3_500);
  expect(net.a.sink.events.at(-1)?.detail).toMatchObject({ reason: "hold-timer", code: 4 });
  expect(net.a.sink.events.at(-1)?.detail?.detail).toContain("nothing heard for 9 s");
});

test("hold time 0 needs no KEEPALIVEs", () => {
  const net = pair({ holdTime: 0 });
  mute(net);
  net.network.advance(3_600_000);
  expect(stateOf(net)).toBe("Established");
  expect(net.a.table.view("10.0.0.2")!.messages.out.keepalive).toBe(1);
});

test("sending UPDATEs makes KEEPALIVEs superfluous", () => {
  const net = pair();
  const before = net.a.table.view("10.0.0.2")!.messages.out.keepalive;
  for (let second = 0; second < 60; second++) {
    net.a.table.session("10.0.0.2")!.send(updateBytes());
    net.network.advance(1000);
  }
  expect(net.a.table.view("10.0.0.2")!.messages.out.keepalive).toBe(before);
  expect(net.b.table.view("10.0.0.1")?.state).toBe("Established");
});

describe("a stalled event loop", () => {
  test("what lay in the socket is heard before the timer counts", () => {
    const net = pair();
    net.network.advance(2_000);
    // The peer goes on, we stand still for a minute: its KEEPALIVE waits in the socket.
    net.wireB.write(KEEPALIVE);
    net.network.clock.stall(60_000);
    expect(stateOf(net)).toBe("Established");
    net.network.advance(5_000);
    expect(stateOf(net)).toBe("Established");
  });

  test("time in which we did not read is not the peer's silence, though nothing lay there", () => {
    const net = pair();
    net.network.advance(1_000);
    mute(net);
    net.network.clock.stall(60_000);
    net.network.advance(7_000);
    expect(stateOf(net)).toBe("Established");
    net.network.advance(5_000);
    expect(net.a.sink.kinds()).toEqual(["established", "closed"]);
  });

  test("many short stalls add up to silence only by what we could read", () => {
    const net = pair();
    mute(net);
    for (let i = 0; i < 30; i++) {
      net.network.clock.stall(3_000);
      net.network.clock.poll(net.network.deliver);
    }
    expect(stateOf(net)).toBe("Established");
  });

  test("our KEEPALIVE goes out in the first tick after it", () => {
    const net = pair();
    net.network.advance(1_000);
    net.wireB.inbox = Buffer.alloc(0);
    net.network.clock.stall(8_000);
    expect(net.wireB.inbox.length).toBe(KEEPALIVE.length);
  });

  test("and in the middle of a long turn, when work pulses", () => {
    const net = pair();
    net.network.advance(500);
    const table = net.a.table;
    const before = table.view("10.0.0.2")!.messages.out.keepalive;
    for (let i = 0; i < 100; i++) {
      net.network.clock.jump(100);
      table.pulse();
    }
    expect(table.view("10.0.0.2")!.messages.out.keepalive - before).toBe(3);
  });

  test("a peer gone for good is found out after it", () => {
    const net = pair();
    mute(net);
    net.network.clock.stall(100_000);
    net.network.advance(10_000);
    expect(net.a.sink.kinds()).toEqual(["established", "closed"]);
  });
});

test("back-pressure: while we do not read, the hold timer stands", () => {
  const net = pair();
  const session = net.a.table.session("10.0.0.2")!;
  session.pause();
  net.network.advance(60_000);
  expect(stateOf(net)).toBe("Established");
  net.wireB.inbox = Buffer.alloc(0);
  session.resume();
  net.network.advance(60_000);
  expect(stateOf(net)).toBe("Established");
});

describe("send hold (RFC 9687)", () => {
  test("a peer that takes nothing is closed, however lively it talks", () => {
    const net = pair({ sendHoldTime: 60, holdTime: 9 });
    net.wireA.blocked = true;
    net.a.table.session("10.0.0.2")!.send(updateBytes());
    // b stops reading and goes on sending KEEPALIVEs.
    net.b.table.session("10.0.0.1")!.pause();
    net.network.advance(59_000);
    expect(stateOf(net)).toBe("Established");
    net.network.advance(4_000);
    expect(net.a.sink.events.at(-1)?.detail?.reason).toBe("send-hold-timer");
    expect(errorOf(net)).toContain("took no data for 60 s");
  });

  test("a trickle is progress", () => {
    const net = pair({ sendHoldTime: 60, holdTime: 0 });
    for (let i = 0; i < 20; i++) {
      net.wireA.blocked = true;
      net.a.table.session("10.0.0.2")!.send(updateBytes());
      net.network.advance(30_000);
      net.wireA.blocked = false;
      net.wireA.flush();
      net.network.advance(100);
    }
    expect(stateOf(net)).toBe("Established");
  });

  test("only one KEEPALIVE waits for a peer that does not read", () => {
    const net = pair({ holdTime: 9 });
    net.wireA.blocked = true;
    net.b.table.session("10.0.0.1")!.pause();
    net.network.advance(60_000);
    expect(stateOf(net)).toBe("Established");
    expect(net.wireA.pendingBytes).toBe(KEEPALIVE.length);
  });
});

test("numbers", () => {
  expect(jitter(1000, () => 0)).toBe(750);
  expect(jitter(1000, () => 1)).toBe(1000);
  expect(sendHoldSeconds(0, 90)).toBe(480);
  expect(sendHoldSeconds(0, 300)).toBe(600);
  expect(sendHoldSeconds(30, 90)).toBe(30);
  expect(sendHoldSeconds(30, 0)).toBe(0);
  expect([0, 1, 2, 5, 6, 1000].map((n) => idleHoldMs(n, 1, 60))).toEqual([
    1000, 2000, 4000, 32000, 60000, 60000,
  ]);
});

function updateBytes(): Uint8Array {
  return Buffer.from("ffffffffffffffffffffffffffffffff00170200000000", "hex");
}
