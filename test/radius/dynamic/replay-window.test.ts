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
  const seen = window.add(packet(1), 1000, "home");
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
  const taken = [1, 2, 3, 4, 5, 6].map((n) => window.add(packet(n), 1000, "flood") !== undefined);
  expect(taken).toEqual([true, true, true, true, false, false]);
  expect(window.add(packet(7), 1000, "other")).toBeDefined();
  // What was turned away is not remembered.
  expect(window.find(packet(5))).toBeUndefined();
  window.expire(1000);
  expect(window.add(packet(5), 2000, "flood")).toBeDefined();
});
