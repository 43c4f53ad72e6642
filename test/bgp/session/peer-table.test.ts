/** Peers in their table: start, damping, dynamic ranges, admission, operator's words, new settings, stop. */
import { describe, expect, test } from "vitest";
import { encodeEndOfRib } from "../../../src/fast-bgp-codec/end-of-rib.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import type { PeerOptions, SpeakerSettings } from "../../../src/bgp/settings.js";
import { DYNAMIC_LINGER_MS } from "../../../src/bgp/session/peer-table.js";
import { Network, node, peer, range, RawPeer, settings, type Node } from "./harness.js";

const A = "10.0.0.1";
const B = "10.0.0.2";

interface Two {
  network: Network;
  a: Node;
  b: Node;
}

/** a dials b. */
function two(options: Partial<PeerOptions> = {}, own: Partial<SpeakerSettings> = {}): Two {
  const network = new Network();
  const a = node(network, A, settings({ peers: [peer(B, options)], ...own }));
  const b = node(
    network,
    B,
    settings({ routerId: B, peers: [peer(A, { passive: true, idleHold: 0.1 })] }),
  );
  b.table.start();
  a.table.start();
  network.advance(0);
  return { network, a, b };
}

const stateOf = (at: Node, address: string): string | undefined => at.table.view(address)?.state;

describe("two tables", () => {
  test("come up, exchange UPDATEs and stay up", () => {
    const { network, a, b } = two();
    expect(stateOf(a, B)).toBe("Established");
    expect(stateOf(b, A)).toBe("Established");
    const endOfRib = encodeEndOfRib(Family.Evpn);
    a.table.session(B)!.send(endOfRib);
    a.table.session(B)!.sendMany([endOfRib, Buffer.concat([endOfRib, endOfRib])], 3);
    network.advance(0);
    expect(b.sink.kinds()).toEqual(["established", "update", "update", "update", "update"]);
    expect(b.sink.events[1]?.hex).toBe(Buffer.from(endOfRib).toString("hex"));
    expect(a.table.view(B)?.messages.out).toMatchObject({ open: 1, update: 4 });
    network.advance(3_600_000);
    expect(a.sink.kinds()).toEqual(["established"]);
  });

  test("what was agreed", () => {
    const { a } = two({ extendedMessage: true });
    expect(a.sink.events[0]?.session.negotiated).toMatchObject({
      localAs: 65000,
      peerAs: 65000,
      ibgp: true,
      peerIdText: B,
      peerId: 0x0a000002,
      holdTime: 90,
      keepaliveTime: 30,
      families: 1 << Family.Evpn,
      as4: true,
      maxMessageOut: 4096,
      maxMessageIn: 65535,
      routeRefresh: true,
      enhancedRefresh: true,
      gracefulRestart: { restarting: false, time: 0, families: 0 },
    });
    expect(a.table.view(B)).toMatchObject({
      kind: "client",
      as: 65000,
      routerId: B,
      establishedCount: 1,
      capabilities: [
        "multiprotocol l2vpn-evpn",
        "route-refresh",
        "enhanced-route-refresh",
        "four-octet-as",
        "graceful-restart",
      ],
    });
  });

  test("host name and version are shown", () => {
    const { b } = two({}, { hostName: "rr1", softwareVersion: "evpnd 1" });
    expect(b.table.view(A)).toMatchObject({ hostName: "rr1", softwareVersion: "evpnd 1" });
  });

  test("a 4-octet AS", () => {
    const network = new Network();
    const as = 4_200_000_001;
    const a = node(network, A, settings({ as, peers: [peer(B, { peerAs: 65000 })] }));
    const b = node(
      network,
      B,
      settings({ routerId: B, peers: [peer(A, { peerAs: as, passive: true })] }),
    );
    b.table.start();
    a.table.start();
    network.advance(0);
    expect(b.sink.events[0]?.session.negotiated).toMatchObject({ peerAs: as, ibgp: false });
    expect(b.table.view(A)?.kind).toBe("ebgp");
  });
});

describe("trying again", () => {
  test("a connect without answer is given up and begun anew after connect-retry", () => {
    const network = new Network();
    const own = settings({ peers: [peer(B, { connectRetry: 10 })] });
    const dials: string[] = [];
    const a = node(network, A, own, undefined, {
      dial: ({ address }) => {
        dials.push(address);
        return { cancel: () => dials.push("cancelled") };
      },
    });
    a.table.start();
    network.advance(25_000);
    expect(stateOf(a, B)).toBe("Connect");
    expect(dials).toEqual([B, "cancelled", B, "cancelled", B]);
  });

  test("a refused connect is tried again after connect-retry", () => {
    const { network, a, b } = two({ connectRetry: 10 });
    void b.table.stop();
    network.listeners.delete(B);
    network.advance(2_000);
    expect(stateOf(a, B)).toBe("Active");
    expect(a.table.view(B)?.lastError).toMatch(/cannot connect.*nothing listens/);
    const again = node(network, B, settings({ routerId: B, peers: [peer(A, { passive: true })] }));
    again.table.start();
    network.advance(10_000);
    expect(stateOf(a, B)).toBe("Established");
    expect(a.table.view(B)?.lastError).toBeUndefined();
  });

  test("failures wait longer each time, a stable session makes up for them", () => {
    const { network, a, b } = two({ peerAs: 65001, idleHold: 1, idleHoldMax: 8 });
    const openings = (): number => a.table.view(B)!.messages.out.open;
    const seconds: number[] = [];
    for (let second = 0, last = openings(); second < 40; second++) {
      network.advance(1000);
      if (openings() !== last) seconds.push(second);
      last = openings();
    }
    const gaps = seconds.slice(1).map((at, i) => at - seconds[i]!);
    expect(gaps.slice(0, 5)).toEqual([2, 4, 8, 8, 8]);
    a.table.applySettings(settings({ peers: [peer(B, { idleHold: 1, idleHoldMax: 8 })] }));
    network.advance(60_000);
    expect(stateOf(a, B)).toBe("Established");
    b.table.reset(A, "");
    network.advance(1_100);
    expect(stateOf(a, B)).toBe("Established");
  });

  test("who connects while we damp is held unread, not refused", () => {
    const { network, a, b } = two({ idleHold: 5, passive: false });
    b.table.reset(A, "again");
    network.advance(1);
    expect(stateOf(a, B)).toBe("Idle");
    const raw = new RawPeer(network, a, B);
    network.advance(1000);
    expect(raw.received()).toEqual([]);
    network.advance(4_000);
    expect(raw.received().length).toBeGreaterThan(0);
  });
});

describe("prefix limit", () => {
  test("6/1 holds the peer down for prefix-limit-restart", () => {
    const { network, a } = two({ prefixLimitRestart: 60 });
    a.table.session(B)!.reset(6, 1, new Uint8Array(0), "1001 routes, 1000 allowed");
    expect(a.sink.kinds()).toEqual(["established", "closed"]);
    const raw = new RawPeer(network, a, B);
    expect(raw.notification()).toBe("6/5");
    network.advance(59_000);
    expect(stateOf(a, B)).toBe("Idle");
    expect(a.table.view(B)?.lastError).toContain("1001 routes, 1000 allowed");
    network.advance(2_000);
    expect(stateOf(a, B)).toBe("Established");
  });

  test("an operator's reset ends it", () => {
    const { network, a } = two({ prefixLimitRestart: 0 });
    a.table.session(B)!.reset(6, 1, new Uint8Array(0), "too many");
    network.advance(1_000_000);
    expect(stateOf(a, B)).toBe("Idle");
    a.table.reset(B, "");
    network.advance(2_000);
    expect(stateOf(a, B)).toBe("Established");
  });
});

describe("operator", () => {
  test("shutdown with text, until enable", () => {
    const { network, a, b } = two();
    expect(a.table.shutdown(B, "maintenance till five")).toBe(true);
    network.advance(600_000);
    expect(a.table.view(B)).toMatchObject({ state: "Idle", adminDown: true });
    expect(b.log.text).toContain("maintenance till five");
    expect(b.sink.events.at(-1)?.detail).toMatchObject({ code: 6, subcode: 2 });
    // Not a word more, or the peer's display would have that in place of our text.
    expect(new RawPeer(network, a, B).notification()).toBeUndefined();
    a.table.enable(B);
    network.advance(0);
    expect(stateOf(a, B)).toBe("Established");
  });

  test("reset with text", () => {
    const { network, a, b } = two();
    a.table.reset(B, "try again");
    network.advance(0);
    expect(b.sink.events.at(-1)?.detail).toMatchObject({ code: 6, subcode: 4 });
    expect(b.log.text).toContain("try again");
    network.advance(1_500);
    expect(a.sink.kinds()).toEqual(["established", "closed", "established"]);
  });

  test("words to nobody", () => {
    const { a } = two();
    expect(a.table.reset("10.9.9.9", "")).toBe(false);
    expect(a.table.shutdown("10.9.9.9", "")).toBe(false);
    expect(a.table.enable("10.9.9.9")).toBe(false);
  });

  test("a peer configured as shut down does nothing", () => {
    const { network, a } = two({ shutdown: true });
    network.advance(100_000);
    expect(a.table.view(B)).toMatchObject({ state: "Idle", adminDown: true });
  });
});

describe("dynamic peers", () => {
  function dynamic(own: Partial<SpeakerSettings>): { network: Network; rr: Node } {
    const network = new Network();
    const rr = node(network, A, settings(own));
    rr.table.start();
    return { network, rr };
  }

  function client(network: Network, address: string, options: Partial<PeerOptions> = {}): Node {
    const own = settings({ routerId: address, peers: [peer(A, options)] });
    const made = node(network, address, own);
    made.table.start();
    return made;
  }

  test("the longest prefix wins", () => {
    const { rr } = dynamic({
      dynamic: [
        range("10.0.0.0/8", { group: "eight" }),
        range("10.1.0.0/16", { group: "sixteen" }),
        range("10.1.2.0/23", { group: "twenty-three" }),
        range("0.0.0.0/0", { group: "all" }),
        range("2001:db8::/33", { group: "six" }),
      ],
    });
    const group = (address: string): string | undefined => rr.table.optionsFor(address)?.group;
    expect(
      ["10.9.0.1", "10.1.0.1", "10.1.3.255", "10.1.4.0", "9.9.9.9", "2001:db8:7fff::1"].map(group),
    ).toEqual(["eight", "sixteen", "twenty-three", "sixteen", "all", "six"]);
    expect(group("2001:db8:8000::1")).toBeUndefined();
  });

  test("strangers get 6/5", () => {
    const { network, rr } = dynamic({ dynamic: [range("10.0.0.0/24")] });
    expect(new RawPeer(network, rr, "10.0.1.1").notification()).toBe("6/5");
    expect(rr.table.stats.strangers).toBe(1);
    expect(rr.table.size).toBe(0);
  });

  test("come, are remembered a while, and vanish", () => {
    const { network, rr } = dynamic({ dynamic: [range("10.0.0.0/24")] });
    const pe = client(network, B);
    network.advance(0);
    expect(rr.table.view(B)).toMatchObject({ state: "Established", dynamic: true });
    void pe.table.stop();
    network.advance(DYNAMIC_LINGER_MS - 1000);
    expect(rr.table.view(B)?.lastError).toContain("6/2");
    network.advance(20_000);
    expect(rr.table.view(B)).toBeUndefined();
    expect(rr.sink.kinds()).toEqual(["established", "closed"]);
  });

  test("a hundred and fifty at once, four handshakes at a time", () => {
    const { network, rr } = dynamic({ dynamic: [range("10.0.0.0/8")], maxHandshakes: 4 });
    const raws = Array.from({ length: 150 }, (_, i) => new RawPeer(network, rr, `10.0.1.${i + 1}`));
    expect(raws.filter((raw) => raw.received().length > 0).length).toBe(4);
    expect(rr.table.waiting).toBe(146);
    // Those four go away; others are let in.
    for (const raw of raws.slice(0, 4)) raw.wire.destroy();
    network.advance(0);
    expect(rr.table.waiting).toBe(142);
  });

  test("all of many get in, one after the other", () => {
    const { network, rr } = dynamic({ dynamic: [range("10.0.0.0/8")], maxHandshakes: 2 });
    for (let i = 1; i <= 60; i++) client(network, `10.0.1.${i}`);
    network.advance(0);
    expect(rr.sink.kinds().filter((kind) => kind === "established").length).toBe(60);
    expect(rr.table.waiting).toBe(0);
  });

  test("waiting ends with 6/8 after a minute", () => {
    const { network, rr } = dynamic({ dynamic: [range("10.0.0.0/8")], maxHandshakes: 0 });
    const raw = new RawPeer(network, rr, B);
    network.advance(59_000);
    expect(raw.received()).toEqual([]);
    network.advance(2_000);
    expect(raw.notification()).toBe("6/8");
  });

  test("a silent one gives its place back", () => {
    const { network, rr } = dynamic({ dynamic: [range("10.0.0.0/8")], maxHandshakes: 1 });
    const silent = new RawPeer(network, rr, "10.0.0.9");
    client(network, B);
    network.advance(29_000);
    expect(stateOf(rr, B)).toBeUndefined();
    network.advance(2_000);
    expect(silent.notification()).toBe("4/0");
    expect(stateOf(rr, B)).toBe("Established");
  });

  test("max-peers is a limit only when it is not 0", () => {
    const { network, rr } = dynamic({ dynamic: [range("10.0.0.0/24", { maxPeers: 1 })] });
    client(network, B);
    network.advance(0);
    expect(new RawPeer(network, rr, "10.0.0.3").notification()).toBe("6/8");
    expect(stateOf(rr, B)).toBe("Established");
  });

  test("a peer whose routes wait for it counts for max-peers, and has its own place", () => {
    const { network, rr } = dynamic({ dynamic: [range("10.0.0.0/24", { maxPeers: 1 })] });
    rr.sink.retained.add(B);
    const first = client(network, B);
    network.advance(0);
    void first.table.stop("");
    network.advance(0);
    expect(new RawPeer(network, rr, "10.0.0.3").notification()).toBe("6/8");
    client(network, B);
    network.advance(10_000);
    expect(stateOf(rr, B)).toBe("Established");
  });
});

describe("new settings", () => {
  const C = "10.0.0.3";
  const base = settings({ peers: [peer(B), peer(C)] });

  function three(): { network: Network; a: Node } {
    const network = new Network();
    const a = node(network, A, base);
    for (const address of [B, C]) {
      const own = settings({
        routerId: address,
        peers: [peer(A, { passive: true, idleHold: 0.1 })],
      });
      node(network, address, own).table.start();
    }
    a.table.start();
    network.advance(0);
    expect(a.sink.kinds()).toEqual(["established", "established"]);
    return { network, a };
  }

  const closedWith = (a: Node): unknown[] =>
    a.sink.events
      .filter((event) => event.kind === "closed")
      .map(
        (event) => `${event.session.peerAddress} ${event.detail?.code}/${event.detail?.subcode}`,
      );

  test("the same ones touch nobody", () => {
    const { network, a } = three();
    expect(a.table.applySettings(structuredClone(base))).toEqual([]);
    network.advance(0);
    expect(closedWith(a)).toEqual([]);
  });

  test("a peer taken out gets 6/3, the other one nothing", () => {
    const { a } = three();
    expect(a.table.applySettings({ ...base, peers: [peer(C)] })).toEqual([`${B}: removed`]);
    expect(closedWith(a)).toEqual([`${B} 6/3`]);
    expect(a.table.view(B)).toBeUndefined();
  });

  test("a peer taken out while it is away: what is kept of it goes, of others nothing", () => {
    const network = new Network();
    const a = node(network, A, { ...base, dynamic: [range("10.9.0.0/24")] });
    a.table.start();
    network.advance(0);
    a.table.applySettings({ ...base, dynamic: [], peers: [peer(B, { holdTime: 30 })] });
    expect(a.sink.abandoned).toEqual([C]);
  });

  test("a changed one gets 6/6 and comes back with the new settings", () => {
    const { network, a } = three();
    const done = a.table.applySettings({ ...base, peers: [peer(B, { holdTime: 30 }), peer(C)] });
    expect(done).toEqual([`${B}: reset, hold-time changed`]);
    expect(closedWith(a)).toEqual([`${B} 6/6`]);
    network.advance(2_000);
    expect(a.table.view(B)).toMatchObject({ state: "Established", holdTime: 30 });
  });

  test("a description changes without a reset", () => {
    const { a } = three();
    a.table.applySettings({ ...base, peers: [peer(B, { description: "leaf 2" }), peer(C)] });
    expect(closedWith(a)).toEqual([]);
    expect(a.table.view(B)?.description).toBe("leaf 2");
  });

  test("a new one is added and dialled", () => {
    const { network, a } = three();
    const D = "10.0.0.4";
    node(network, D, settings({ routerId: D, peers: [peer(A)] })).table.start();
    a.table.applySettings({ ...base, peers: [...base.peers, peer(D)] });
    network.advance(0);
    expect(stateOf(a, D)).toBe("Established");
  });

  test("another router-id resets everybody", () => {
    const { network, a } = three();
    a.table.applySettings({ ...base, routerId: "10.0.0.99" });
    expect(closedWith(a)).toEqual([`${B} 6/6`, `${C} 6/6`]);
    network.advance(2_000);
    expect(stateOf(a, B)).toBe("Established");
  });

  test("one key for another: on the live connection where it can be done", () => {
    const network = new Network();
    const keyed = settings({ peers: [peer(B, { password: "one" })] });
    const a = node(network, A, keyed);
    node(network, B, settings({ routerId: B, peers: [peer(A, { passive: true })] })).table.start();
    a.table.start();
    network.advance(0);
    const keys: string[] = [];
    network.connections[0]!.rekey = (key) => keys.push(key) > 0;
    a.table.applySettings(settings({ peers: [peer(B, { password: "two" })] }));
    expect(keys).toEqual(["two"]);
    expect(closedWith(a)).toEqual([]);
    network.connections[0]!.rekey = () => false;
    a.table.applySettings(settings({ peers: [peer(B, { password: "three" })] }));
    expect(closedWith(a)).toEqual([`${B} 6/6`]);
  });

  test("a dynamic peer whose range is gone gets 6/3", () => {
    const network = new Network();
    const rr = node(network, A, settings({ dynamic: [range("10.0.0.0/8")] }));
    rr.table.start();
    node(network, B, settings({ routerId: B, peers: [peer(A)] })).table.start();
    network.advance(0);
    expect(stateOf(rr, B)).toBe("Established");
    rr.table.applySettings(settings({ dynamic: [range("11.0.0.0/8")] }));
    expect(closedWith(rr)).toEqual([`${B} 6/3`]);
  });
});

test("a peer that cannot be protected as configured is not started", () => {
  const network = new Network();
  const a = node(network, A, settings({ peers: [peer(B, { password: "x" })] }), () => "no koffi");
  node(network, B, settings({ routerId: B, peers: [peer(A, { passive: true })] })).table.start();
  a.table.start();
  network.advance(100_000);
  expect(a.table.view(B)).toMatchObject({ state: "Idle", lastError: "no koffi" });
  expect(new RawPeer(network, a, B).notification()).toBe("6/5");
});

test("stop says Cease to everybody, once, and leaves no timer", async () => {
  const { network, a, b } = two();
  await a.table.stop("upgrade");
  expect(a.sink.kinds()).toEqual(["established", "closed"]);
  network.advance(0);
  expect(b.sink.events.at(-1)?.detail).toMatchObject({ code: 6, subcode: 2 });
  expect(b.log.text).toContain("upgrade");
  await b.table.stop();
  expect(network.clock.pendingTimers).toBe(0);
  expect(new RawPeer(network, a, B).notification()).toBe("6/5");
});
