/** The state machine of RFC 7432 section 15.1: each state with each input, and against a plain list of moves. */
import { describe, expect, it } from "vitest";
import {
  stepWatch,
  WatchInput,
  WatchOutput,
  WatchState,
  type Watch,
  type WatchRule,
} from "../../src/fib/duplicates.js";
import { Random } from "../model/lib/random.js";

const RULE: WatchRule = { moves: 5, seconds: 180, releaseSeconds: 60 };

function watch(state: WatchState, since = 0, last = 0, moves = 0): Watch {
  return { state, since, last, moves };
}

const { Quiet, Counting, Duplicate } = WatchState;
const { Move, Time, Clear } = WatchInput;
const { None, Alarm, Cleared } = WatchOutput;

const ROWS: readonly (readonly [string, Watch, WatchInput, number, Watch, WatchOutput])[] = [
  ["first move", watch(Quiet), Move, 10, watch(Counting, 10, 10, 1), None],
  ["time, quiet", watch(Quiet), Time, 10, watch(Quiet), None],
  ["clear, quiet", watch(Quiet), Clear, 10, watch(Quiet), None],
  ["a move in time", watch(Counting, 10, 10, 1), Move, 20, watch(Counting, 10, 20, 2), None],
  [
    "the fifth in time",
    watch(Counting, 0, 9, 4),
    Move,
    180_000,
    watch(Duplicate, 180_000, 180_000, 5),
    Alarm,
  ],
  [
    "the fifth too late counts anew",
    watch(Counting, 0, 9, 4),
    Move,
    180_001,
    watch(Counting, 180_001, 180_001, 1),
    None,
  ],
  ["the window lasts", watch(Counting, 0, 9, 4), Time, 180_000, watch(Counting, 0, 9, 4), None],
  ["the window ends", watch(Counting, 0, 9, 4), Time, 180_001, watch(Quiet, 0, 9, 4), None],
  ["cleared while counting", watch(Counting, 0, 9, 4), Clear, 9, watch(Quiet, 0, 9, 4), None],
  ["it moves on", watch(Duplicate, 5, 5, 5), Move, 50, watch(Duplicate, 5, 50, 6), None],
  ["not calm yet", watch(Duplicate, 5, 50, 6), Time, 60_050, watch(Duplicate, 5, 50, 6), None],
  ["calm for long", watch(Duplicate, 5, 50, 6), Time, 60_051, watch(Quiet, 5, 50, 6), Cleared],
  ["cleared by hand", watch(Duplicate, 5, 50, 6), Clear, 51, watch(Quiet, 5, 50, 6), Cleared],
  ["the clock wraps", watch(Counting, -10, -10, 4), Move, 10, watch(Duplicate, 10, 10, 5), Alarm],
];

describe("a watched MAC", () => {
  for (const [name, before, input, at, after, output] of ROWS) {
    it(name, () => {
      const copy = { ...before };
      expect(stepWatch(copy, input, at, RULE)).toBe(output);
      expect(copy).toEqual(after);
    });
  }

  it("is a duplicate at its first move when one is enough", () => {
    const one = watch(Quiet);
    expect(stepWatch(one, Move, 1, { ...RULE, moves: 1 })).toBe(Alarm);
  });

  it("stays a duplicate until cleared when nothing releases it", () => {
    const one = watch(Duplicate, 0, 0, 5);
    expect(stepWatch(one, Time, 2 ** 31 - 1, { ...RULE, releaseSeconds: 0 })).toBe(None);
    expect(stepWatch(one, Clear, 0, { ...RULE, releaseSeconds: 0 })).toBe(Cleared);
  });

  it("agrees with a plain list of the moves in its window", () => {
    const random = new Random(7);
    for (let run = 0; run < 200; run++) {
      const rule = { moves: 1 + random.below(6), seconds: 10, releaseSeconds: 5 };
      const one = watch(Quiet);
      let window: number[] = [];
      let duplicate = false;
      let at = random.below(2 ** 31);
      for (let step = 0; step < 100; step++) {
        at += random.below(4000);
        const input = random.pick([Move, Move, Move, Time, Clear] as const);
        const output = stepWatch(one, input, at, rule);
        let expected: WatchOutput = None;
        if (input === Move) {
          if (!duplicate && window.length > 0 && at - window[0]! > 10_000) window = [];
          window.push(at);
          if (!duplicate && window.length >= rule.moves) {
            duplicate = true;
            expected = Alarm;
          }
        } else if (duplicate) {
          if (input === Clear || at - window[window.length - 1]! > 5000) {
            duplicate = false;
            window = [];
            expected = Cleared;
          }
        } else if (input === Clear || (window.length > 0 && at - window[0]! > 10_000)) {
          window = [];
        }
        expect(output).toBe(expected);
        expect(one.state === Duplicate).toBe(duplicate);
      }
    }
  });
});
