/** Heartbeats: freshness, lag, revocations that did not come, a Sec-EM that went back. */
import { describe, expect, test } from "vitest";
import { HeartbeatWatch, signHeartbeat } from "../../../src/asmn/protocol/index.js";
import type { HeartbeatDocument, KnownSecEm } from "../../../src/asmn/protocol/index.js";
import { fullRing, START, testKey, VERDICT } from "./lib/keys.js";

const NONCE = new Uint8Array(32).fill(7);

function beat(
  sequence: number,
  time: number,
  changes: Partial<Omit<HeartbeatDocument, "issuer" | "mode">> = {},
  key = VERDICT,
): Uint8Array {
  const fields = { secEm: "em1", audience: "rr1", nonce: NONCE, epoch: 1, revocation: 0 };
  return signHeartbeat({ ...fields, intervalSeconds: 5, sequence, time, ...changes }, key);
}

function watch(known?: KnownSecEm): HeartbeatWatch {
  const source = { secEm: "em1", audience: "rr1", nonce: NONCE, askedAt: 0, known };
  return new HeartbeatWatch(source, fullRing());
}

const reason = (result: { ok: boolean; reason?: string }) => (result.ok ? "ok" : result.reason);

test("ASM-67: none for 15 seconds means stale; the reader's own clock decides, not the wall's", () => {
  const one = watch();
  expect(one.isStale(0)).toBe(true);
  expect(one.secEmTime(0)).toBeUndefined();
  expect(reason(one.accept(beat(1, START), 1000))).toBe("ok");
  expect(one.isStale(15_999)).toBe(false);
  expect(one.isStale(16_000)).toBe(true);
  expect(reason(one.accept(beat(2, START + 15_500), 16_500))).toBe("ok");
  expect(one.isStale(16_500)).toBe(false);
  expect(Math.abs((one.secEmTime(16_500) ?? 0) - (START + 15_500))).toBeLessThan(20);
});

describe("ASM-62, ASM-67: what is no heartbeat", () => {
  test.each<[string, Uint8Array, string]>([
    ["another subscription's", beat(1, START, { nonce: new Uint8Array(32) }), "expired"],
    ["another reader's", beat(1, START, { audience: "rr2" }), "audience"],
    ["another Sec-EM's", beat(1, START, { secEm: "em2" }), "issuer"],
    ["somebody's", beat(1, START, {}, testKey("someone")), "issuer"],
    ["one that jumps", beat(2, START), "serial"],
    ["half of one", beat(1, START).slice(0, 100), "malformed"],
  ])("%s", (_what, octets, expected) => {
    const one = watch();
    expect(reason(one.accept(octets, 1))).toBe(expected);
    expect(one.isStale(1)).toBe(true);
  });

  test("one that came before", () => {
    const one = watch();
    one.accept(beat(1, START), 1);
    one.accept(beat(2, START + 5000), 5001);
    expect(reason(one.accept(beat(2, START + 5000), 9000))).toBe("serial");
    expect(reason(one.accept(beat(1, START), 9000))).toBe("serial");
    expect(one.isStale(20_001)).toBe(true);
  });

  test("a first one that took more than 5 seconds", () => {
    expect(reason(watch().accept(beat(1, START), 5001))).toBe("expired");
  });
});

describe("ASM-67, ASM-77: whoever slows the stream down shows", () => {
  test("heartbeats at half their pace: out of reach as soon as they are 15 s late", () => {
    const one = watch();
    let staleAt = 0;
    for (let sequence = 1; staleAt === 0 && sequence < 100; sequence++) {
      const now = (sequence - 1) * 10_000;
      one.accept(beat(sequence, START + (sequence - 1) * 5000), now);
      if (one.isStale(now)) staleAt = now;
    }
    // 5 s are lost with each: the fourth is 15 s late.
    expect(staleAt).toBeLessThanOrEqual(40_000);
    expect(one.lagMs()).toBeGreaterThan(14_000);
  });

  test("a delay that stays the same costs nothing; one that began at the start is 5 s at most", () => {
    const one = watch();
    for (let sequence = 1; sequence <= 50; sequence++)
      expect(
        reason(one.accept(beat(sequence, START + sequence * 5000), sequence * 5000 - 1000)),
      ).toBe("ok");
    expect(one.isStale(50 * 5000 - 1000)).toBe(false);
    expect(one.lagMs()).toBeLessThan(1);
  });

  test("clocks that run apart by 0.05 % are no lag within an hour", () => {
    const one = watch();
    // One a minute: what matters is the hour.
    for (let sequence = 1; sequence <= 60; sequence++)
      one.accept(beat(sequence, START + sequence * 60_000), (sequence - 1) * 60_000 * 1.0005);
    expect(one.lagMs()).toBeLessThan(100);
  });

  test("who slows it down slowly, below what clocks may differ, gains 4 s and no more", () => {
    const one = watch();
    let behind = 0;
    // 0.9 ms a second: an hour of it is 3.2 s, a day would be 78 s.
    for (let sequence = 1; behind === 0 && sequence < 20_000; sequence++) {
      const now = (sequence - 1) * 10_000;
      const late = Math.round(now * 0.0009);
      one.accept(beat(sequence, START + now - late), now);
      if (one.isStale(now)) behind = late;
    }
    expect(behind).toBeGreaterThan(18_000);
    expect(behind).toBeLessThan(20_000);
  });

  test("the Sec-EM's time is the latest that any heartbeat allows: delay makes nothing younger", () => {
    const one = watch();
    one.accept(beat(1, START), 0);
    one.accept(beat(2, START + 5000), 14_000);
    expect(one.secEmTime(14_000)).toBeGreaterThan(START + 13_900);
  });
});

test("ASM-67: a revocation that did not come is missed, and known as soon as the next heartbeat", () => {
  const one = watch();
  one.accept(beat(1, START, { revocation: 3 }), 0);
  expect(one.missing).toBe(true);
  one.revocationShown(3);
  expect(one.missing).toBe(false);
  one.accept(beat(2, START + 5000, { revocation: 4 }), 5000);
  expect(one.missing).toBe(true);
  one.revocationShown(4);
  expect(one.missing).toBe(false);
  expect(reason(one.accept(beat(3, START + 10_000, { revocation: 3 }), 10_000))).toBe("serial");
});

test("ASM-67: a Sec-EM that was restored from an older copy is refused until its epoch is higher", () => {
  const before = watch();
  before.accept(beat(1, START, { revocation: 5 }), 0);
  const known = before.known();
  expect(reason(watch(known).accept(beat(1, START, { revocation: 4 }), 0))).toBe("serial");
  expect(reason(watch(known).accept(beat(1, START, { revocation: 5 }), 0))).toBe("ok");
  expect(reason(watch(known).accept(beat(1, START, { revocation: 0, epoch: 2 }), 0))).toBe("ok");
  expect(reason(watch({ epoch: 2, revocation: 0 }).accept(beat(1, START), 0))).toBe("epoch");
});
