/**
 * Hand-made cases for the traps that random operations meet too seldom, or that are about how often
 * and in which order something is sent rather than about the table at the end.
 */
import { beforeEach, describe, expect, it } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { Code, put, without } from "./lib/attributes.js";
import { FULL, LOW_WATER } from "./lib/fake.js";
import { Harness } from "./lib/harness.js";
import { hexOf } from "./lib/hex.js";
import { ethernetAd, ethernetSegment, imet, macIp, nlriKey, rd } from "./lib/nlri.js";
import type { Op } from "./lib/ops.js";
import { peerSpec, type PeerSpec } from "./lib/peer.js";
import { isLiveCount, makeReflector } from "./lib/reflector.js";
import { announce, mac, marked, PLAIN, up, withdraw } from "./lib/words.js";

const A = 0;
const B = 1;
const LISTENER = 2;
const SLEEPER = 3;
const EBGP = 4;
const FAR = 5;
const FAR_SLEEPER = 6;
const FAR_LISTENER = 7;
const LIMITED = 8;
const LENIENT = 9;
const STRICT = 10;
const PEERS: readonly PeerSpec[] = [
  peerSpec(A),
  peerSpec(B),
  peerSpec(LISTENER),
  peerSpec(SLEEPER),
  peerSpec(EBGP, { kind: "ebgp", as: 65101 }),
  ...[FAR, FAR_SLEEPER, FAR_LISTENER].map((index) => peerSpec(index, { extendedMessage: true })),
  peerSpec(LIMITED, { prefixLimit: 3 }),
  peerSpec(LENIENT, { malformedNlri: "treat-as-withdraw" }),
  peerSpec(STRICT, { malformedNlri: "reset" }),
];
const EBGP_SET = put(without(PLAIN, Code.LocalPref), Code.AsPath, 0x40, "02010000fe4d");
const key = (nlri: string): string => nlriKey(Family.Evpn, nlri);

let harness: Harness;

function apply(...ops: readonly Op[]): void {
  for (const op of ops) harness.apply(op);
}

/** A fresh reflector with everybody up and their first tables done. */
function start(drift = 0): void {
  harness = new Harness(makeReflector, PEERS, true, drift);
  apply(...PEERS.map(({ index }) => up(index)));
  harness.run();
}

function news(peer: number): Map<string, number> {
  return harness.receiver(peer).news;
}

function finish(): void {
  harness.settle();
  harness.end(isLiveCount);
}

beforeEach(() => start());

describe("what is sent how often", () => {
  it("nothing, for an UPDATE that changes nothing", () => {
    apply(announce(A, [mac(1)]));
    harness.run();
    for (const one of PEERS) news(one.index).clear();
    apply(announce(A, [mac(1)]));
    harness.run();
    for (const one of PEERS) expect([...news(one.index)]).toEqual([]);
    finish();
  });

  it("nothing, for a route that comes and goes within a turn", () => {
    apply(announce(A, [mac(1)]), withdraw(A, [mac(1)]));
    harness.run();
    expect(news(LISTENER).size).toBe(0);
    finish();
  });

  it("nothing, for a second source that loses", () => {
    apply(announce(A, [mac(1)]));
    harness.run();
    news(LISTENER).clear();
    apply(announce(B, [mac(1)]));
    harness.run();
    expect(news(LISTENER).size).toBe(0);
    expect(news(B).size).toBe(1);
    finish();
  });

  it("one announcement, for a MAC that goes from one peer to another within a turn", () => {
    apply(announce(A, [mac(1)]));
    harness.run();
    news(LISTENER).clear();
    apply(withdraw(A, [mac(1)]), announce(B, [mac(1)]));
    harness.run();
    expect([...news(LISTENER)]).toEqual([[key(mac(1)), 1]]);
    finish();
  });

  it("the last state once, to a peer that slept through fifty moves", () => {
    apply(announce(A, [mac(1)]));
    harness.run();
    apply({ kind: "block", peer: SLEEPER, pending: FULL });
    news(SLEEPER).clear();
    for (let move = 1; move <= 50; move++) {
      apply(announce(move % 2 === 0 ? A : B, [mac(1)], marked(move)));
      harness.run();
    }
    expect(news(LISTENER).get(key(mac(1)))).toBeGreaterThanOrEqual(50);
    expect(news(SLEEPER).size).toBe(0);
    apply({ kind: "drain", peer: SLEEPER, to: 0 });
    harness.run();
    expect([...news(SLEEPER)]).toEqual([[key(mac(1)), 1]]);
    finish();
  });

  it("nothing, to a peer that slept through a short life", () => {
    apply({ kind: "block", peer: SLEEPER, pending: FULL });
    for (let number = 0; number < 3000; number += 60) {
      const nlri = Array.from({ length: 60 }, (_, i) => mac(number + i));
      apply(announce(A, nlri));
      harness.run();
      apply(withdraw(A, nlri));
      harness.run();
    }
    apply({ kind: "drain", peer: SLEEPER, to: 0 });
    harness.run();
    expect(news(SLEEPER).size).toBe(0);
    expect(harness.reflector.stats()["tombstones"]).toBe(0);
    finish();
  });

  it("every route once, to a late joiner who meets a refresh of others", () => {
    const all = Array.from({ length: 3000 }, (_, i) => mac(i));
    for (let at = 0; at < all.length; at += 100)
      apply(announce(A, all.slice(at, at + 100), marked(at)));
    harness.run();
    apply(
      { kind: "down", peer: LISTENER },
      { kind: "refresh", peer: FAR, family: Family.Evpn, subtype: 0 },
      up(LISTENER),
    );
    harness.run();
    expect(news(LISTENER).size).toBe(3000);
    expect(Math.max(...news(LISTENER).values())).toBe(1);
    finish();
  });
});

describe("in which order", () => {
  /** Keys in the order of their last news. */
  const order = (peer: number): string[] => [...news(peer).keys()];

  it("A-D withdrawals go before announcements, and other withdrawals after them", () => {
    const esi = "00112233445566778899";
    const ad = ethernetAd(rd(7), esi, 0xffffffff, 0);
    apply(announce(A, [ad, mac(1, 7)]));
    harness.run();
    news(LISTENER).clear();
    apply(withdraw(A, [mac(1, 7), ad]), announce(B, [mac(1, 8)]));
    harness.run();
    expect(order(LISTENER)).toEqual([key(ad), key(mac(1, 8)), key(mac(1, 7))]);
    finish();
  });

  it("a dump has types 1, 3 and 4 before type 2", () => {
    const esi = "00112233445566778899";
    const early = [
      ethernetAd(rd(1), esi, 0, 5),
      imet(rd(1), 0, "0a000001"),
      ethernetSegment(rd(1), esi, "0a000001"),
    ];
    apply(announce(A, [mac(1), mac(2)]), announce(A, early), announce(A, [mac(3)]));
    harness.run();
    apply({ kind: "down", peer: LISTENER }, up(LISTENER));
    harness.run();
    const types = order(LISTENER).map((one) => Number(one.slice(2, 4)));
    expect(types.slice(3)).toEqual([2, 2, 2]);
    expect(types).toHaveLength(6);
    finish();
  });
});

describe("withdrawals reach exactly those who had the route", () => {
  const withCommunity = (value: string) => put(marked(1), Code.Communities, 0xc0, value);

  it.each([
    ["NO_ADVERTISE", "ffffff02", [] as number[]],
    ["NO_EXPORT", "ffffff01", [LISTENER, SLEEPER, FAR]],
  ])("when %s comes upon it", (_name, community, holders) => {
    apply(announce(A, [mac(1)]));
    harness.run();
    const everybody = [LISTENER, SLEEPER, EBGP, FAR];
    for (const one of everybody) news(one).clear();
    apply(announce(A, [mac(1)], withCommunity(community)));
    harness.run();
    for (const one of everybody) {
      expect(harness.receiver(one).table.has(key(mac(1)))).toBe(holders.includes(one));
      expect(news(one).get(key(mac(1)))).toBe(1);
    }
    finish();
  });

  it("when its attributes outgrow a peer's message", () => {
    apply(announce(FAR, [mac(1)]));
    harness.run();
    apply(announce(FAR, [mac(1)], put(PLAIN, 200, 0xe0, "ee".repeat(4100))));
    harness.run();
    expect(harness.receiver(LISTENER).table.size).toBe(0);
    apply(announce(FAR, [mac(1)]));
    harness.run();
    expect(harness.receiver(LISTENER).table.size).toBe(1);
    finish();
  });

  it("when its new source is a peer that had it", () => {
    apply(announce(A, [mac(1)]));
    harness.run();
    apply(announce(B, [mac(1)], put(PLAIN, Code.LocalPref, 0x40, "000000c8")));
    harness.run();
    expect(harness.receiver(B).table.size).toBe(0);
    expect(harness.receiver(A).table.size).toBe(1);
    finish();
  });
});

describe("a peer that refreshes what it said", () => {
  it.each([1, 2, 253, 254, 255, 256, 257, 600])("may begin %i times before it ends", (times) => {
    const mark = (subtype: 1 | 2): Op => ({
      kind: "refresh",
      peer: A,
      family: Family.Evpn,
      subtype,
    });
    apply(announce(A, [mac(1), mac(2)]));
    harness.run();
    for (let time = 0; time < times; time++) apply(mark(1), announce(A, [mac(2), mac(3)]));
    apply(mark(1), announce(A, [mac(3)]), mark(2));
    harness.run();
    expect([...harness.receiver(LISTENER).table.keys()]).toEqual([key(mac(3))]);
    finish();
  });
});

describe("large batches", () => {
  it("of sets that fit only some peers' messages, with sleepers among those", () => {
    // Every route has a set of its own, which divides the receivers by size, and by who is awake.
    for (const peer of [SLEEPER, FAR_SLEEPER]) apply({ kind: "block", peer, pending: FULL });
    for (let number = 0; number < 2000; number++) {
      const padding = hexOf(number, 4) + "ee".repeat(number % 10 === 0 ? 3700 : 4100);
      apply(announce(FAR, [mac(number)], put(PLAIN, 200, 0xe0, padding)));
    }
    harness.run();
    expect(harness.receiver(LISTENER).table.size).toBe(200);
    expect(harness.receiver(FAR_LISTENER).table.size).toBe(2000);
    finish();
  });

  it("of eight thousand routes with few sets go out in full messages", () => {
    for (let at = 0; at < 8000; at += 100) {
      const nlri = Array.from({ length: 100 }, (_, i) => mac(at + i));
      apply(announce(A, nlri, marked(at % 3)));
    }
    harness.run();
    expect(harness.receiver(LISTENER).table.size).toBe(8000);
    // 35 octets each: some 115 to a message of 4,096, three sets to a batch of 2,048.
    expect(harness.receiver(LISTENER).messages).toBeLessThan(95);
    finish();
  });
});

describe("a peer that reads slowly", () => {
  it("goes on below the low-water mark, though a KEEPALIVE lifts it above before the next turn", () => {
    apply({ kind: "block", peer: SLEEPER, pending: FULL }, announce(A, [mac(1)]));
    harness.run();
    apply({ kind: "drain", peer: SLEEPER, to: LOW_WATER - 1 });
    harness.addPending(SLEEPER, 19);
    harness.run();
    expect(harness.receiver(SLEEPER).table.size).toBe(1);
    finish();
  });

  it("gets a MAC that moves faster than it reads", () => {
    start(4);
    apply(announce(A, [mac(1)]));
    harness.run();
    apply({ kind: "block", peer: SLEEPER, pending: FULL });
    news(SLEEPER).clear();
    // Each round, more changes than it takes in one portion, and the MAC moves behind all of them.
    const block = Array.from({ length: 2400 }, (_, i) => mac(1000 + i));
    for (let round = 0; round < 8; round++) {
      for (let at = 0; at < block.length; at += 100)
        apply(announce(A, block.slice(at, at + 100), marked(round)));
      apply(announce(round % 2 === 0 ? A : B, [mac(1)], marked(round)));
      apply({ kind: "tick", milliseconds: 1100 });
      harness.run();
      apply({ kind: "drain", peer: SLEEPER, to: 0, choke: true });
      harness.run();
    }
    expect(news(SLEEPER).get(key(mac(1))) ?? 0).toBeGreaterThan(1);
    finish();
  });
});

describe("what a peer does wrong", () => {
  it("a first AS that is not its own makes an eBGP peer's route count as withdrawn", () => {
    apply(announce(EBGP, [mac(1)], EBGP_SET));
    harness.run();
    expect(harness.receiver(LISTENER).table.size).toBe(1);
    // The model does not look at the first AS: it is told what the reflector must make of it.
    harness.believe(withdraw(EBGP, [mac(1)]));
    harness.tellOnly(announce(EBGP, [mac(1)], put(EBGP_SET, Code.AsPath, 0x40, "02010000fe4e")));
    harness.run();
    expect(harness.receiver(LISTENER).table.size).toBe(0);
    finish();
  });

  it("a MAC/IP route with a body too long withdraws what its key names, and no other", () => {
    apply(announce(A, [mac(1), mac(2)]));
    harness.run();
    const long = macIp({ rd: rd(1), mac: "020000000001" });
    apply(announce(A, [`0222${long.slice(4)}00`, mac(3)]));
    harness.run();
    expect([...harness.receiver(LISTENER).table.keys()]).toEqual([key(mac(2)), key(mac(3))]);
    finish();
  });

  it("the same route costs a peer of the middle way the message, and a strict one the session", () => {
    const long = `0222${mac(1).slice(4)}00`;
    for (const peer of [LENIENT, STRICT]) {
      apply(announce(peer, [mac(1, peer), mac(2, peer)]));
      harness.run();
      const bad = announce(peer, [mac(2, peer), long]);
      if (peer === STRICT) expect(() => harness.tellOnly(bad)).toThrow("session reset");
      else {
        harness.believe(withdraw(peer, [mac(2, peer)]));
        harness.tellOnly(bad);
      }
      harness.run();
    }
    apply({ kind: "down", peer: STRICT });
    harness.run();
    expect([...harness.receiver(LISTENER).table.keys()]).toEqual([key(mac(1, LENIENT))]);
    finish();
  });

  it("more routes than its limit cost it the session, and all of them are withdrawn", () => {
    harness.resets.set(LIMITED, undefined);
    apply(announce(LIMITED, [mac(1), mac(2), mac(3)]));
    harness.run();
    // Replacing is not adding.
    apply(announce(LIMITED, [mac(1), mac(2), mac(3)], marked(1)));
    harness.run();
    expect(harness.receiver(LISTENER).table.size).toBe(3);
    expect(harness.resets.get(LIMITED)).toBeUndefined();
    apply(announce(LIMITED, [mac(4)]));
    harness.run();
    expect(harness.resets.get(LIMITED)).toMatch(/3/);
    expect(harness.receiver(LISTENER).table.size).toBe(0);
    finish();
  });
});
