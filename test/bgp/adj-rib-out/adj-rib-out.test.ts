/** What each session is sent, and when: laggards, promotion, dumps, sets at the limit of a message. */
import { describe, expect, it } from "vitest";
import { encodeEndOfRib } from "../../../src/fast-bgp-codec/end-of-rib.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { HIGH_WATER } from "../../../src/bgp/adj-rib-out/cursor.js";
import { Code } from "../../model/lib/attributes.js";
import { hexOf } from "../../model/lib/hex.js";
import { attribute, key, LOCAL_PREF, mac, marked, ORIGIN, Tables } from "../lib/tables.js";

const AS_2_OCTETS = { ebgp: false, as4: false, nextHopSelf: undefined };

/** AS_PATH of `count` ASes that need four octets each. */
function longPath(count: number): string {
  let value = "";
  for (let left = count; left > 0; left -= 255) {
    const inSegment = Math.min(left, 255);
    value += `02${hexOf(inSegment, 1)}${hexOf(4_200_000_001, 4).repeat(inSegment)}`;
  }
  return ORIGIN + attribute(Code.AsPath, 0x40, value) + LOCAL_PREF;
}

describe("sets near the message size", () => {
  it("a 2-octet speaker is not sent a path that grows beyond its messages", () => {
    const tables = new Tables();
    const source = tables.source();
    const wide = tables.receiver();
    const narrow = tables.receiver({ encoding: AS_2_OCTETS });
    tables.run();
    for (const count of [300, 600, 680, 700, 720, 800, 880]) {
      tables.announce(source, mac(count), longPath(count));
      tables.run();
    }
    expect(wide.outlet.takeKeys()).toHaveLength(7);
    const got = narrow.outlet.takeKeys(false).length;
    expect(got).toBeGreaterThanOrEqual(2);
    expect(got).toBeLessThan(7);
    expect(tables.out.oversized).toBe(7 - got);
  });

  it("a batch of sets that all differ and fit some receivers only is sent whole", () => {
    const tables = new Tables();
    const source = tables.source();
    const [ordinary, far, asleep] = [
      tables.receiver(),
      tables.receiver({ extendedMessage: true }),
      tables.receiver({ extendedMessage: true }),
    ];
    tables.run();
    for (const { outlet } of [ordinary, far, asleep]) outlet.take();
    asleep.outlet.pendingBytes = HIGH_WATER + 1;
    for (let n = 0; n < 2048; n++) tables.announce(source, mac(n), marked(n, 4040));
    tables.run();
    expect(ordinary.outlet.takeKeys()).toEqual([]);
    expect(new Set(far.outlet.takeKeys()).size).toBe(2048);
    asleep.outlet.pendingBytes = 0;
    tables.run();
    expect(new Set(asleep.outlet.takeKeys()).size).toBe(2048);
  });
});

describe("promotion", () => {
  it("is no reason to miss what changes while nobody has read the newer entry", () => {
    const tables = new Tables();
    const source = tables.source();
    const fast = tables.receiver();
    const slow = tables.receiver();
    tables.announce(source, mac(1), marked(1));
    tables.run();
    slow.outlet.pendingBytes = HIGH_WATER + 1;
    tables.announce(source, mac(1), marked(2));
    tables.run();
    tables.clock.advance(2000);
    tables.announce(source, mac(1), marked(3));
    slow.outlet.pendingBytes = 0;
    // Time for the hindmost session only.
    tables.out.run(0);
    tables.announce(source, mac(1), marked(4));
    tables.run();
    const last = (taken: ReturnType<typeof fast.outlet.take>): string => {
      const received = taken.at(-1);
      return received?.kind === "announce" ? received.text : "";
    };
    const wanted = last(fast.outlet.take());
    expect(wanted).toContain("00000004");
    expect(last(slow.outlet.take())).toBe(wanted);
  });

  it("sends a destination once to a sleeper, however often it changed", () => {
    const tables = new Tables();
    const source = tables.source();
    tables.receiver();
    const slow = tables.receiver();
    tables.run();
    slow.outlet.take();
    slow.outlet.pendingBytes = HIGH_WATER + 1;
    for (let n = 0; n < 50; n++) {
      tables.announce(source, [mac(1), mac(n % 7)], marked(n));
      tables.run();
      tables.clock.advance(100);
    }
    slow.outlet.pendingBytes = 0;
    tables.run();
    expect(slow.outlet.takeKeys().sort()).toEqual(
      [0, 1, 2, 3, 4, 5, 6].map((n) => `+${key(mac(n))}`).sort(),
    );
  });

  it("serves one again and again that is always ahead of a session that never catches up", () => {
    const tables = new Tables();
    const source = tables.source();
    tables.receiver();
    const slow = tables.receiver();
    tables.run();
    slow.outlet.take();
    let mark = 0;
    let seen = 0;
    for (let round = 0; round < 12; round++) {
      slow.outlet.pendingBytes = HIGH_WATER + 1;
      // One that moves in every round among others that do so in one round only.
      const macs = Array.from({ length: 100 }, (_, n) => mac(n === 1 ? 1 : 1000 * round + n));
      for (let cycle = 0; cycle < 50; cycle++) {
        tables.announce(source, macs, marked(++mark));
        tables.run();
      }
      tables.clock.advance(2000);
      slow.outlet.pendingBytes = 0;
      tables.out.run(0);
      seen += slow.outlet.takeKeys().filter((one) => one === `+${key(mac(1))}`).length;
    }
    // At 0, at 5,000 and at 15,000: when the slow one reads what is newer than what it was sent.
    expect(seen).toBe(3);
  });
});

describe("other readers of the log", () => {
  it("see what changes after they came, though no session has read the entry before", () => {
    const tables = new Tables();
    const source = tables.source();
    const asleep = tables.receiver();
    tables.run();
    asleep.outlet.pendingBytes = HIGH_WATER + 1;
    tables.announce(source, mac(1), marked(1));
    const reader = { position: tables.table.log.tail, read: () => false };
    tables.out.attachReader(reader);
    tables.announce(source, mac(1), marked(2));
    expect(tables.table.log.tail).toBeGreaterThan(reader.position);
  });
});

describe("no session holds up the others", () => {
  it("a batch of huge sets ends early", () => {
    const tables = new Tables();
    const source = tables.source();
    const far = tables.receiver({ extendedMessage: true });
    tables.run();
    far.outlet.take();
    for (let n = 0; n < 60; n++) tables.announce(source, mac(n), marked(n, 60_000));
    tables.out.run(0);
    const octets = far.outlet.buffers.reduce((sum, { length }) => sum + length, 0);
    expect(octets).toBeGreaterThan(0);
    expect(octets).toBeLessThan(1_200_000);
    tables.run();
    expect(far.outlet.takeKeys()).toHaveLength(60);
    const joiner = tables.receiver({ extendedMessage: true });
    let most = 0;
    joiner.outlet.onSend = () => {
      const octets = joiner.outlet.buffers.reduce((sum, { length }) => sum + length, 0);
      expect(joiner.outlet.takeKeys().length).toBeLessThan(30);
      most = Math.max(most, octets);
    };
    tables.run();
    expect(most).toBeGreaterThan(1_000_000);
    expect(most).toBeLessThan(1_200_000);
  });

  it("news reach the others before a sleeper has read its backlog", () => {
    const tables = new Tables();
    const source = tables.source();
    const fast = tables.receiver();
    const slow = tables.receiver();
    tables.run();
    slow.outlet.pendingBytes = HIGH_WATER + 1;
    for (let n = 0; n < 10_000; n++) tables.announce(source, mac(n));
    tables.run();
    fast.outlet.take();
    slow.outlet.take();
    slow.outlet.pendingBytes = 0;
    tables.announce(source, mac(20_000));
    tables.out.run(0);
    expect(fast.outlet.takeKeys()).toEqual([`+${key(mac(20_000))}`]);
    tables.run();
    expect(fast.outlet.takeKeys()).toEqual([]);
    expect(slow.outlet.takeKeys()).toHaveLength(10_001);
  });

  it("a long log is released in slices", () => {
    const tables = new Tables();
    const { table, out } = tables;
    const source = tables.source();
    const fast = tables.receiver();
    const slow = tables.receiver();
    tables.announce(source, mac(1));
    tables.run();
    slow.outlet.pendingBytes = HIGH_WATER + 1;
    const dest = tables.find(mac(1));
    for (let n = 0; n < 300_000; n++) {
      table.furthestReader = table.log.tail;
      table.touch(dest);
    }
    tables.run();
    expect(fast.outlet.takeKeys()).toHaveLength(2);
    const before = table.log.head;
    out.remove(slow.slot);
    let turns = 0;
    do turns++;
    while (out.run(0));
    expect(table.log.head - before).toBe(300_000);
    expect(turns).toBeGreaterThan(5);
  });
});

describe("the worst laggard", () => {
  it("is the hindmost session, if it has been behind for long enough", () => {
    const tables = new Tables();
    const source = tables.source();
    tables.receiver();
    const slow = tables.receiver();
    const slower = tables.receiver();
    tables.run();
    expect(tables.out.worstLaggard(0)).toBeUndefined();
    slower.outlet.pendingBytes = HIGH_WATER + 1;
    tables.table.nowMs = tables.clock.now();
    tables.announce(source, mac(1));
    tables.run();
    slow.outlet.pendingBytes = HIGH_WATER + 1;
    tables.announce(source, mac(2));
    tables.run();
    tables.clock.advance(999);
    expect(tables.out.worstLaggard(1000)).toBeUndefined();
    tables.clock.advance(2);
    expect(tables.out.worstLaggard(1000)).toBe(slower.slot);
  });
});

describe("route-target membership", () => {
  it("is asked of a client again when it asks for a refresh: what BoRR made stale must come", () => {
    const tables = new Tables();
    const greeting = encodeEndOfRib(Family.Ipv4Unicast);
    const client = tables.receiver({ greeting, families: 1 << Family.RouteTarget });
    tables.run();
    const kinds = (): string[] => client.outlet.take().map(({ kind }) => kind);
    // The stand-in greeting decodes as an End-of-RIB.
    expect(kinds()).toEqual(["end-of-rib", "end-of-rib"]);
    tables.out.refresh(client.slot, Family.RouteTarget);
    tables.run();
    expect(kinds()).toEqual(["refresh", "end-of-rib", "refresh"]);
  });
});
