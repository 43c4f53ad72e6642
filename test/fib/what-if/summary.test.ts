/** A what-if in sentences: what does not happen is not counted out. */
import { expect, test } from "vitest";
import { finishReport, type Found } from "../../../src/fib/what-if/summary.js";

const NOTHING = {
  ...{ compared: 0, moved: 0, takenOver: 0, dark: 0, returning: 0, lit: 0, hops: 0, onOnePe: 0 },
};

function sentences(macs: Partial<Found["macs"]>): readonly string[] {
  const found: Found = {
    routes: { looked: 9, gone: 2, replaced: 0, changed: 0, fresh: 0 },
    macs: { ...NOTHING, compared: 9, ...macs },
    rows: [],
    next: undefined,
    forwarders: [],
    forwardersChanged: 0,
    segments: [],
    segmentsChanged: 0,
    meanwhile: 0,
    complete: true,
    notes: [],
    costs: [],
  };
  return finishReport(found).summary.slice(1, 3);
}

test.each([
  [{}, ["No MAC would go dark.", "No MAC would move."]],
  [{ dark: 1 }, ["1 MAC would go dark.", "No MAC would move."]],
  [{ moved: 2 }, ["No MAC would go dark.", "2 MACs would move."]],
  [
    { dark: 3, returning: 1, moved: 2, takenOver: 2 },
    [
      "3 MACs would go dark; 1 of them on a segment that other PEs have, where they come back when learnt.",
      "2 MACs would move, 2 of them to a PE of their segment that stands by or shares the load.",
    ],
  ],
])("%j", (macs, expected) => {
  expect(sentences(macs)).toEqual(expected);
});
