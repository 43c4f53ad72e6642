/** Which revocation a Sec-EM may be told to be in force: none while an earlier one waits anywhere. */
import { expect, test } from "vitest";
import { WaitingRevocations } from "../../../src/asmn/gate/revocations.js";

test("ASM-71: a second revocation at an address does not take the place of the first, of its own Sec-EM or of another", () => {
  const waiting = new WaitingRevocations();
  waiting.add("192.0.2.1", "em", 5);
  waiting.add("192.0.2.2", "em", 5);
  waiting.add("192.0.2.1", "em", 6);
  waiting.add("192.0.2.1", "other", 3);
  // 6 is in force, and 5 is not, elsewhere: to tell 6 would be to tell both.
  expect(waiting.settle("192.0.2.1")).toEqual([{ source: "other", revocation: 3 }]);
  expect(waiting.settle("192.0.2.2")).toEqual([{ source: "em", revocation: 6 }]);
  expect(waiting.settle("192.0.2.2")).toEqual([]);
});

test("ASM-71: an earlier one that waits beside a later one, at the same address, holds back those between", () => {
  const waiting = new WaitingRevocations();
  waiting.add("192.0.2.1", "em", 5);
  waiting.add("192.0.2.1", "em", 7);
  waiting.add("192.0.2.2", "em", 6);
  expect(waiting.settle("192.0.2.2")).toEqual([]);
  expect(waiting.settle("192.0.2.1")).toEqual([{ source: "em", revocation: 7 }]);
});

test("ASM-71: one that has no address is told when those before it are in force", () => {
  const waiting = new WaitingRevocations();
  expect(waiting.settled("em", 1)).toEqual([{ source: "em", revocation: 1 }]);
  waiting.add("192.0.2.1", "em", 2);
  expect(waiting.settled("em", 3)).toEqual([]);
  waiting.add("192.0.2.1", "em", 4);
  expect(waiting.has("192.0.2.1")).toBe(true);
  expect(waiting.settle("192.0.2.1")).toEqual([{ source: "em", revocation: 4 }]);
  expect(waiting.has("192.0.2.1")).toBe(false);
});
