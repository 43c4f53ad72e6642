import { setImmediate as immediate } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { nextTurn, turnEnd } from "../../src/util/turn-end.js";

let order: string[];
beforeEach(async () => {
  order = [];
  await immediate();
});

function note(name: string, wait: Promise<void>): Promise<unknown> {
  return wait.then(() => order.push(name));
}

test("all of one turn wait together, behind what the turn still brings; the next turn has an end of its own", async () => {
  const first = note("first", turnEnd());
  await Promise.resolve();
  order.push("still this turn");
  await Promise.all([first, note("second", turnEnd())]);
  expect(order).toEqual(["still this turn", "first", "second"]);
  await turnEnd();
});

test("who waits for the end of a turn goes before who gives way, whoever came first", async () => {
  // As of a stream: its page is done where the loop calls immediates, so its next turn is asked for before others come.
  await immediate();
  const page = note("page", nextTurn());
  await Promise.resolve();
  await Promise.all([page, note("answer", turnEnd())]);
  expect(order).toEqual(["answer", "page"]);
});

test("a turn that takes long keeps nobody waiting to its end", async () => {
  const early = note("early", turnEnd());
  const until = performance.now() + 5;
  while (performance.now() < until);
  const late = note("late", turnEnd());
  for (let i = 0; i < 5; i++) await Promise.resolve();
  order.push("still this turn");
  await Promise.all([early, late, note("next", turnEnd())]);
  expect(order).toEqual(["early", "late", "still this turn", "next"]);
});
