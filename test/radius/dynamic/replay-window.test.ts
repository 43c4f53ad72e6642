/** The window of requests seen: each known for its time, one source never all of it. */
import { expect, test } from "vitest";
import { ReplayWindow } from "../../../src/radius/dynamic/replay-window.js";

const packet = (n: number): Uint8Array => {
  const octets = new Uint8Array(20);
  new DataView(octets.buffer).setUint32(4, n);
  return octets;
};

test("RAD-62: a request is known until its time is over, and gets the answer it had", () => {
  const window = new ReplayWindow(8);
  const seen = window.add(packet(1), 0, 1000, "home");
  seen!.answer = Uint8Array.of(41);
  expect(window.find(packet(1))?.answer).toEqual(Uint8Array.of(41));
  window.expire(999);
  expect(window.find(packet(1))).toBeDefined();
  window.expire(1000);
  expect(window.find(packet(1))).toBeUndefined();
  expect(window.size).toBe(0);
});

test("RAD-62: a home server that floods the window leaves room for the others, and has room again later", () => {
  const window = new ReplayWindow(8);
  const taken = [1, 2, 3, 4, 5, 6].map(
    (n) => window.add(packet(n), 0, 1000, "flood") !== undefined,
  );
  expect(taken).toEqual([true, true, true, true, false, false]);
  expect(window.add(packet(7), 0, 1000, "other")).toBeDefined();
  // What was turned away is not remembered.
  expect(window.find(packet(5))).toBeUndefined();
  window.expire(1000);
  expect(window.add(packet(5), 1000, 2000, "flood")).toBeDefined();
});

test("RAD-62: the answer is kept for a minute, the name for as long as the stamp is good", () => {
  const window = new ReplayWindow(8);
  window.add(packet(1), 0, 600_000, "home")!.answer = Uint8Array.of(41);
  window.expire(59_999);
  expect(window.find(packet(1))?.answer).toBeDefined();
  expect(window.answers).toBe(1);
  window.expire(60_000);
  expect(window.find(packet(1))).toEqual({ until: 600_000, source: "home", answer: undefined });
  expect(window.answers).toBe(0);
  expect(window.expire(600_000)).toHaveLength(1);
  expect(window.size).toBe(0);
});

test("RAD-62: of thousands of requests the names are kept, the answers of the last minute alone", () => {
  const window = new ReplayWindow(16_384);
  for (let n = 0; n < 8192; n++) {
    window.add(packet(n), n * 50, 600_000 + n * 50, "home")!.answer = new Uint8Array(60);
    if (n % 100 === 0) window.expire(n * 50);
  }
  expect(window.add(packet(8192), 8192 * 50, 900_000, "home")).toBeUndefined();
  expect(window.answers).toBeLessThanOrEqual(1300);
  expect(window.size).toBe(8192);
  expect(window.find(packet(0))).toMatchObject({ answer: undefined });
});
