import { expect, test } from "vitest";
import { Retransmission } from "../../../src/radius/radsec/retransmission.js";
import type { Exchange } from "../../../src/radius/server/exchange.js";

test("RAD-57, RAD-60: what a TLS client waits for is repeated over UDP in its place, five times at most", () => {
  const waiting = { state: "pending", arrivedAt: 0 } as Exchange;
  const answered = { state: "answered", arrivedAt: 0 } as Exchange;
  const slots = new Map([
    [1, waiting],
    [2, answered],
  ]);
  const retransmission = new Retransmission();
  const at: number[] = [];
  for (let now = 0; now < 100_000; now += 100) {
    retransmission.tick(now, slots, (exchange) => {
      expect(exchange).toBe(waiting);
      at.push(now);
    });
  }
  expect(at).toHaveLength(5);
  expect(at[0]).toBeGreaterThanOrEqual(1800);
  expect(at[0]).toBeLessThanOrEqual(2300);
  const gaps = at.slice(1).map((time, index) => time - at[index]!);
  for (const [index, base] of [4000, 8000, 16_000, 16_000].entries()) {
    expect(gaps[index]).toBeGreaterThanOrEqual(base * 0.9 - 100);
    expect(gaps[index]).toBeLessThanOrEqual(base * 1.1 + 100);
  }
});
