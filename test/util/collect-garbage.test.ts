import { expect, it } from "vitest";
import { collectGarbage } from "../../src/util/collect-garbage.js";

it("frees what nobody holds", async () => {
  const refs = Array.from({ length: 10 }, () => new WeakRef({ text: "x".repeat(1000) }));
  // What this turn has looked at lives to its end.
  await new Promise((turn) => setImmediate(turn));
  collectGarbage();
  expect(refs.every((ref) => ref.deref() === undefined)).toBe(true);
});
