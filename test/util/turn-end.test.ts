import { expect, test } from "vitest";
import { TurnEnd } from "../../src/util/turn-end.js";

test("all of one turn wait together, behind what the turn still brings; the next turn has an end of its own", async () => {
  const turnEnd = new TurnEnd();
  const order: string[] = [];
  const first = turnEnd.wait().then(() => order.push("first"));
  await Promise.resolve();
  order.push("still this turn");
  const second = turnEnd.wait().then(() => order.push("second"));
  await Promise.all([first, second]);
  expect(order).toEqual(["still this turn", "first", "second"]);
  await turnEnd.wait();
});
