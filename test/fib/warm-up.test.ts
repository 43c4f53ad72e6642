import { expect, it } from "vitest";
import { warmUpFib } from "../../src/fib/warm-up.js";
import { HandClock } from "./lib/fabric.js";

it("learns, moves and withdraws every MAC and address of its fabric, and leaves no timer", () => {
  const clock = new HandClock();
  // Learn, IP learn and move of each; withdrawals by the last PE, of MAC and address.
  expect(warmUpFib(clock)).toBe(2000 * 5);
  expect(clock.pending).toBe(0);
});
