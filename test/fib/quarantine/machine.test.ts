/** The state machine of duplicates and quarantines: each state with each input, and against a slow obvious model. */
import { describe, expect, it } from "vitest";
import {
  Action,
  Input,
  isEffect,
  newSubject,
  Output,
  State,
  step,
  type Rule,
  type Subject,
} from "../../../src/fib/quarantine/machine.js";
import { Random } from "../../model/lib/random.js";

const RULE: Rule = {
  moves: 5,
  seconds: 180,
  releaseSeconds: 60,
  action: Action.Pin,
  intervalSeconds: 10,
};
const PASSIVE: Rule = { ...RULE, action: Action.None };
const HOLDS: Rule = { ...RULE, action: Action.Hold };
const LIMITS: Rule = { ...RULE, action: Action.RateLimit };

const { Quiet, Counting, Alarmed, Pinned, Held, Limited, Released } = State;
const { None, Alarm, Cleared, Apply, Lift, Turn } = Output;
const { Move, Attempt, Time, Release, Quarantine, Policy, Gone, Seen } = Input;

function subject(state: State, over: Partial<Subject> = {}): Subject {
  const alarmed = state !== Quiet && state !== Counting;
  return { ...newSubject(), state, alarmed, moves: alarmed ? 5 : 0, ...over };
}

/** All at 1 second after everything, so that time alone does nothing. */
const STATES: Readonly<
  Record<number, readonly (readonly [Input, Rule | undefined, State, number])[]>
> = {
  [Quiet]: [
    [Move, RULE, Counting, None],
    [Move, undefined, Quiet, None],
    [Attempt, RULE, Quiet, None],
    [Time, RULE, Quiet, None],
    [Release, RULE, Quiet, None],
    [Quarantine, HOLDS, Held, Apply],
    [Policy, RULE, Quiet, None],
    [Policy, undefined, Quiet, None],
    [Gone, RULE, Quiet, None],
    [Seen, RULE, Quiet, None],
  ],
  [Counting]: [
    [Move, RULE, Counting, None],
    [Move, undefined, Counting, None],
    [Attempt, RULE, Counting, None],
    [Time, RULE, Counting, None],
    [Time, undefined, Quiet, None],
    [Release, RULE, Quiet, None],
    [Quarantine, RULE, Pinned, Apply],
    [Policy, RULE, Counting, None],
    [Policy, undefined, Quiet, None],
    [Gone, RULE, Counting, None],
    [Seen, RULE, Counting, None],
  ],
  [Alarmed]: [
    [Move, PASSIVE, Alarmed, None],
    [Attempt, PASSIVE, Alarmed, None],
    [Time, PASSIVE, Alarmed, None],
    [Release, PASSIVE, Quiet, Cleared],
    [Quarantine, LIMITS, Limited, Apply],
    [Policy, PASSIVE, Alarmed, None],
    [Policy, RULE, Pinned, Apply],
    [Policy, undefined, Quiet, Cleared],
    [Gone, PASSIVE, Alarmed, None],
    [Seen, PASSIVE, Alarmed, None],
  ],
  [Pinned]: [
    [Move, RULE, Pinned, None],
    [Attempt, RULE, Pinned, None],
    [Time, RULE, Pinned, None],
    [Release, RULE, Quiet, Lift | Cleared],
    [Quarantine, HOLDS, Held, Apply],
    [Policy, RULE, Pinned, None],
    [Policy, HOLDS, Held, Apply],
    [Policy, PASSIVE, Alarmed, Lift],
    [Policy, undefined, Quiet, Lift | Cleared],
    [Gone, RULE, Pinned, Turn],
    [Seen, RULE, Pinned, None],
  ],
  [Held]: [
    [Move, HOLDS, Held, None],
    [Attempt, HOLDS, Held, None],
    [Time, HOLDS, Held, None],
    [Release, HOLDS, Quiet, Lift | Cleared],
    [Quarantine, RULE, Pinned, Apply],
    [Policy, HOLDS, Held, None],
    [Policy, LIMITS, Limited, Apply],
    [Policy, PASSIVE, Alarmed, Lift],
    [Policy, undefined, Quiet, Lift | Cleared],
    [Gone, HOLDS, Held, None],
    [Seen, HOLDS, Held, None],
  ],
  [Limited]: [
    [Move, LIMITS, Limited, None],
    [Attempt, LIMITS, Limited, None],
    [Time, LIMITS, Limited, None],
    [Release, LIMITS, Quiet, Lift | Cleared],
    [Quarantine, LIMITS, Limited, Apply],
    [Policy, LIMITS, Limited, None],
    [Policy, RULE, Pinned, Apply],
    [Policy, PASSIVE, Alarmed, Lift],
    [Policy, undefined, Quiet, Lift | Cleared],
    [Gone, LIMITS, Limited, None],
    [Seen, LIMITS, Limited, None],
  ],
  [Released]: [
    [Move, RULE, Released, None],
    [Move, undefined, Released, None],
    [Attempt, RULE, Released, None],
    [Time, RULE, Released, None],
    [Release, RULE, Quiet, Cleared],
    [Quarantine, RULE, Pinned, Apply],
    [Policy, RULE, Released, None],
    [Policy, undefined, Quiet, Cleared],
    [Gone, RULE, Released, None],
    [Seen, RULE, Released, None],
  ],
};

describe("each state with each input", () => {
  for (const [state, rows] of Object.entries(STATES)) {
    it(`state ${state}`, () => {
      const inputs = new Set(rows.map(([input]) => input));
      expect(inputs.size, "every input").toBe(Object.keys(Input).length);
      for (const [input, rule, after, output] of rows) {
        const one = subject(Number(state) as State, { moves: 1 });
        expect([step(one, input, 1000, rule), one.state], `input ${input}`).toEqual([
          output,
          after,
        ]);
        expect(one.absent).toBe(input === Gone);
        expect(one.alarmed).toBe(after === Quiet ? false : Number(state) > Counting);
      }
    });
  }
});

type Row = readonly [string, Subject, Input, number, Rule, State, number];
const TIMES: readonly Row[] = [
  [
    "the fifth move in time",
    subject(Counting, { moves: 4 }),
    Move,
    180_000,
    PASSIVE,
    Alarmed,
    Alarm,
  ],
  ["… with an effect", subject(Counting, { moves: 4 }), Move, 180_000, RULE, Pinned, Alarm | Apply],
  ["… too late", subject(Counting, { moves: 4 }), Move, 180_001, RULE, Counting, None],
  ["the window lasts", subject(Counting), Time, 180_000, RULE, Counting, None],
  ["the window ends", subject(Counting), Time, 180_001, RULE, Quiet, None],
  ["not calm yet", subject(Alarmed, { last: 50 }), Time, 60_050, PASSIVE, Alarmed, None],
  ["calm for long", subject(Alarmed, { last: 50 }), Time, 60_051, PASSIVE, Quiet, Cleared],
  [
    "gone for long, by hand only",
    subject(Alarmed, { absent: true }),
    Time,
    180_001,
    { ...PASSIVE, releaseSeconds: 0 },
    Quiet,
    Cleared,
  ],
  ["no attempt for long", subject(Pinned, { last: 50 }), Time, 60_051, RULE, Released, Lift],
  ["an attempt lately", subject(Held, { last: 60_000 }), Time, 120_000, HOLDS, Held, None],
  [
    "by hand, time up: nothing to be tried",
    subject(Held, { alarmed: false }),
    Time,
    60_001,
    HOLDS,
    Quiet,
    Lift,
  ],
  ["pinned just now, and gone", subject(Pinned), Gone, 1999, RULE, Pinned, Turn],
  ["pinned for some time, and gone", subject(Pinned), Gone, 2000, RULE, Pinned, None],
  ["held just now, and gone", subject(Held), Gone, 10, HOLDS, Held, None],
  ["pinned, just gone", subject(Pinned, { absent: true }), Time, 999, RULE, Pinned, None],
  ["pinned, really gone", subject(Pinned, { absent: true }), Time, 1000, RULE, Pinned, Turn],
  ["held, gone", subject(Held, { absent: true }), Time, 30_000, HOLDS, Held, None],
  ["limited, not yet", subject(Limited), Time, 9_999, LIMITS, Limited, None],
  ["limited, time for a change", subject(Limited), Time, 10_000, LIMITS, Limited, Turn],
  [
    "on trial, not calm for long",
    subject(Released, { last: 9 }),
    Time,
    180_009,
    RULE,
    Released,
    None,
  ],
  ["on trial, calm", subject(Released, { last: 9 }), Time, 180_010, RULE, Quiet, Cleared],
  [
    "on trial, moves in time",
    subject(Released, { moves: 4 }),
    Move,
    180_000,
    RULE,
    Pinned,
    Alarm | Apply,
  ],
  [
    "on trial, moves too slow",
    subject(Released, { moves: 4 }),
    Move,
    180_001,
    RULE,
    Released,
    None,
  ],
  [
    "a time before the clock began",
    subject(Counting, { since: -10, last: -10, moves: 4 }),
    Move,
    10,
    PASSIVE,
    Alarmed,
    Alarm,
  ],
  [
    "a time to come",
    subject(Pinned, { absent: true, absentSince: 5000 }),
    Time,
    9,
    RULE,
    Pinned,
    None,
  ],
];

describe("time", () => {
  for (const [name, before, input, at, rule, after, output] of TIMES) {
    it(name, () => {
      const one = { ...before };
      expect([step(one, input, at, rule), one.state]).toEqual([output, after]);
    });
  }

  it("chooses again only after another interval", () => {
    const one = subject(Limited);
    expect(step(one, Time, 10_000, LIMITS)).toBe(Turn);
    expect(step(one, Time, 19_999, LIMITS)).toBe(None);
    expect(step(one, Time, 20_000, LIMITS)).toBe(Turn);
  });

  it("never releases what is to be released by hand", () => {
    const byHand = { ...RULE, releaseSeconds: 0 };
    for (const state of [Alarmed, Pinned, Held, Limited] as const) {
      const one = subject(state);
      expect(step(one, Time, 2 ** 31 - 1, byHand) & ~Turn).toBe(None);
      expect(one.state).toBe(state);
    }
  });

  it("an attempt renews the time and is counted; a move under an effect is neither", () => {
    const one = subject(Pinned, { last: 5 });
    step(one, Move, 10, RULE);
    expect(one).toMatchObject({ last: 5, moves: 5, attempts: 0 });
    step(one, Attempt, 20, RULE);
    expect(one).toMatchObject({ last: 20, moves: 5, attempts: 1 });
  });
});

/** All that ever happened to one MAC, looked through from the beginning at each question. */
class Model {
  private window: number[] = [];
  private effect: Action | undefined;
  private trialSince: number | undefined;
  private duplicate = false;
  private last = 0;
  private turned = 0;
  private begun = 0;
  private gone: number | undefined;
  attempts = 0;

  get state(): State {
    if (this.effect === Action.Pin) return Pinned;
    if (this.effect === Action.Hold) return Held;
    if (this.effect === Action.RateLimit) return Limited;
    if (this.trialSince !== undefined) return Released;
    if (this.duplicate) return Alarmed;
    return this.window.length > 0 ? Counting : Quiet;
  }

  take(input: Input, at: number, rule: Rule | undefined): number {
    switch (input) {
      case Gone:
        this.gone = at;
        return this.effect === Action.Pin && at - this.begun < 2000 ? Turn : None;
      case Seen:
        this.gone = undefined;
        return None;
      case Release:
        return this.forget();
      case Quarantine:
        return rule === undefined ? None : this.begin(at, rule);
      case Attempt:
        if (this.effect === undefined) return None;
        this.attempts++;
        this.last = at;
        return None;
      case Move:
        return this.move(at, rule);
      case Policy:
        return this.policy(at, rule);
      default:
        return this.time(at, rule);
    }
  }

  private move(at: number, rule: Rule | undefined): number {
    if (this.effect !== undefined) return None;
    if (this.state === Alarmed) {
      this.last = at;
      return None;
    }
    if (rule === undefined) return None;
    const start = this.trialSince ?? this.window[0];
    if (start !== undefined && at - start > rule.seconds * 1000) {
      this.window = [];
      if (this.trialSince !== undefined) this.trialSince = at;
    }
    this.window.push(at);
    this.last = at;
    if (this.window.length < rule.moves) return None;
    this.duplicate = true;
    this.trialSince = undefined;
    return rule.action === Action.None ? Alarm : Alarm | this.begin(at, rule);
  }

  private policy(at: number, rule: Rule | undefined): number {
    if (rule === undefined) return this.forget();
    if (this.state === Alarmed) return rule.action === Action.None ? None : this.begin(at, rule);
    if (this.effect === undefined || this.effect === rule.action) return None;
    if (rule.action !== Action.None) return this.begin(at, rule);
    this.effect = undefined;
    this.window = [];
    this.last = at;
    return Lift;
  }

  private time(at: number, rule: Rule | undefined): number {
    const release =
      rule === undefined || rule.releaseSeconds === 0 ? Infinity : rule.releaseSeconds;
    const window = (rule?.seconds ?? 0) * 1000;
    const calm = at - this.last > release * 1000;
    switch (this.state) {
      case Counting:
        if (at - this.window[0]! > window) this.window = [];
        return None;
      case Alarmed:
        return calm || (this.gone !== undefined && at - this.gone > window) ? this.forget() : None;
      case Released:
        return at - Math.max(this.trialSince!, this.last) > window ? this.forget() : None;
      case Quiet:
        return None;
      default:
    }
    if (calm) {
      this.effect = undefined;
      this.window = [];
      if (this.duplicate) this.trialSince = at;
      return Lift;
    }
    if (this.effect === Action.Pin) {
      return this.gone !== undefined && at - this.gone >= 1000 ? Turn : None;
    }
    if (this.effect !== Action.RateLimit || rule === undefined) return None;
    if (at - this.turned < rule.intervalSeconds * 1000) return None;
    this.turned = at;
    return Turn;
  }

  private begin(at: number, rule: Rule): number {
    if (this.effect === undefined) this.attempts = 0;
    this.effect = rule.action;
    this.begun = at;
    this.trialSince = undefined;
    this.last = at;
    this.turned = at;
    return Apply;
  }

  private forget(): number {
    const output = (this.effect === undefined ? 0 : Lift) | (this.duplicate ? Cleared : 0);
    this.effect = undefined;
    this.trialSince = undefined;
    this.duplicate = false;
    this.window = [];
    return output;
  }
}

describe("random inputs", () => {
  it("agree with the model", () => {
    const random = new Random(11);
    const reached = new Set<State>();
    const actions = [Action.None, Action.Pin, Action.Hold, Action.RateLimit] as const;
    const makeRule = (): Rule => ({
      moves: 1 + random.below(4),
      seconds: 5 + random.below(10),
      releaseSeconds: random.pick([0, 5, 8] as const),
      action: random.pick(actions),
      intervalSeconds: 1 + random.below(5),
    });
    for (let run = 0; run < 400; run++) {
      const one = newSubject();
      const model = new Model();
      let rule = makeRule();
      let at = 1 + random.below(2 ** 30);
      for (let turn = 0; turn < 120; turn++) {
        at += random.below(3000);
        const input = random.pick([
          Move,
          Move,
          Move,
          Move,
          Attempt,
          Time,
          Time,
          Release,
          Quarantine,
          Policy,
          Gone,
          Seen,
        ] as const);
        if (input === Policy) rule = makeRule();
        const exempt =
          (input === Policy || input === Move || input === Time) && random.below(8) === 0;
        const under = exempt
          ? undefined
          : input === Quarantine && rule.action === Action.None
            ? { ...rule, action: Action.Hold }
            : rule;
        const output = step(one, input, at, under);
        const text = `run ${run} turn ${turn} input ${input}`;
        // What time does to an exempt MAC that counts is its owner's business: the policy has ended it.
        if (input === Time && under === undefined && model.state === Counting)
          model.take(Release, at, rule);
        else expect(output, text).toBe(model.take(input, at, under));
        expect(one.state, text).toBe(model.state);
        reached.add(one.state);
        if (isEffect(one.state)) expect(one.attempts, text).toBe(model.attempts);
      }
    }
    expect(reached.size).toBe(Object.keys(State).length);
  });
});
