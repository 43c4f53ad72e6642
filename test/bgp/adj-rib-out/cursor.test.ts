/** Water marks with hysteresis, and what promotion leaves behind. */
import { describe, expect, it } from "vitest";
import { Cursor, HIGH_WATER, LOW_WATER } from "../../../src/bgp/adj-rib-out/cursor.js";
import { HIGH_WATER as SOCKET_HIGH_WATER } from "../../../src/bgp/transport/tcp-connection.js";
import { FakeOutlet } from "../lib/tables.js";

function cursor(outlet = new FakeOutlet()): Cursor {
  return new Cursor(0, outlet, 0xf, false, true, 0);
}

describe("a cursor", () => {
  it("is passed over above the high mark until it is back at the low one", () => {
    const outlet = new FakeOutlet();
    const one = cursor(outlet);
    const readyAt = (pending: number): boolean => {
      outlet.pendingBytes = pending;
      return one.isReady();
    };
    expect(readyAt(0)).toBe(true);
    expect(readyAt(HIGH_WATER + 1)).toBe(false);
    expect(readyAt(LOW_WATER + 1)).toBe(false);
    expect(readyAt(LOW_WATER)).toBe(true);
    expect(readyAt(LOW_WATER + 1)).toBe(true);
  });

  it("goes on at the high mark itself, from which the transport would not call back", () => {
    expect(HIGH_WATER).toBe(SOCKET_HIGH_WATER);
    const outlet = new FakeOutlet();
    outlet.pendingBytes = HIGH_WATER;
    expect(cursor(outlet).isReady()).toBe(true);
  });

  it("forgets promotions once it is past all of them", () => {
    const one = cursor();
    one.promoted.set(7, 100);
    one.promotedUntil = 100;
    one.advanceTo(99);
    expect(one.promoted.size).toBe(1);
    one.advanceTo(100);
    expect(one.promoted.size).toBe(0);
  });
});
