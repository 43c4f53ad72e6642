import { expect, test } from "vitest";
import { Stage, turn } from "../../../src/radius/udp/turn.js";

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("RAD-58: answers of home servers come first, then what arrived is taken in, then it is worked off", async () => {
  const done: string[] = [];
  turn.add(Stage.work, () => done.push("work"));
  turn.add(Stage.arrivals, () => {
    done.push("arrivals");
    // What arrives is worked off in the same turn; more of the same waits for the next.
    turn.add(Stage.work, () => done.push("work that arrived"));
    turn.add(Stage.answers, () => done.push("later answers"));
    turn.add(Stage.arrivals, () => done.push("later arrivals"));
  });
  turn.add(Stage.answers, () => done.push("answers"));
  await nextTurn();
  expect(done).toEqual(["answers", "arrivals", "work", "work that arrived"]);
  await nextTurn();
  expect(done.slice(4)).toEqual(["later answers", "later arrivals"]);
});
