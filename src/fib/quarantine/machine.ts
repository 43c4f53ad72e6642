/**
 * When a MAC that moves becomes a duplicate, what is done about it, and how that ends (RFC 7432 section
 * 15.1), as a state machine without clock or memory of its own. A reflector sees what no PE does: moves
 * from one remote PE to another.
 *
 *   quiet ── move ──> counting ── moves in time ──> alarmed, or with an effect: pinned, held, limited
 *     ^                  │ too late: counts anew        │             │ no attempt for long
 *     │                  v                              │             v
 *     └──────────── time is up ──────── calm for long ──┴───────── released ── moves in time ──> again
 *
 * The first move starts a window; so many moves within it are a duplicate. Under an effect the FIB sees
 * little of the MAC, as the routes that would move it are held: moves are the effect's own doing and count for
 * nothing, and an *attempt*, a route that came and was held, stands in their place. So an effect never ends
 * in calm but on trial (`released`): the MAC is seen again, still a duplicate, and only calm that is seen
 * clears it.
 *
 * An *exempt* MAC (no rule) starts nothing, and ends what is there as soon as the policy says so.
 */

export const State = {
  Quiet: 0,
  Counting: 1,
  /** A duplicate, and nothing is done about it. */
  Alarmed: 2,
  /** Only one place counts: where it was last stable. When that place loses it, another takes over. */
  Pinned: 3,
  /** Only the place that had it when the alarm was raised counts, whatever happens there. */
  Held: 4,
  /** One place counts, chosen again every so many seconds. */
  Limited: 5,
  /** The effect is off, the duplicate on trial. */
  Released: 6,
} as const;
export type State = (typeof State)[keyof typeof State];

export const Input = {
  /** The MAC was announced away from where it was. */
  Move: 0,
  /** A route of it came and was held. */
  Attempt: 1,
  Time: 2,
  /** By hand: all of it ends. */
  Release: 3,
  /** By hand: the effect that the rule names. */
  Quarantine: 4,
  /** The rule may be another one. */
  Policy: 5,
  /** No route that counts is left. */
  Gone: 6,
  /** There is one again. */
  Seen: 7,
} as const;
export type Input = (typeof Input)[keyof typeof Input];

/** What follows from a step; bits. */
export const Output = {
  None: 0,
  Alarm: 1,
  Cleared: 2,
  Apply: 4,
  Lift: 8,
  /** The place that counts is to be chosen again. */
  Turn: 16,
} as const;

/** What is done about a duplicate; the numbers are kept in records. */
export const Action = { None: 0, Pin: 1, Hold: 2, RateLimit: 3 } as const;
export type Action = (typeof Action)[keyof typeof Action];

/** What is remembered of one MAC. Times are milliseconds of one clock. */
export interface Subject {
  state: State;
  /** When the window began, the alarm was raised, the effect began, or the trial. */
  since: number;
  /** When it last moved, or tried to. */
  last: number;
  /** In the window; of a duplicate, all since the window began. */
  moves: number;
  /** Since the effect began. */
  attempts: number;
  /** When the place that counts was last chosen by time. */
  turned: number;
  /** It is a duplicate: `Alarm` was given, and `Cleared` not yet. */
  alarmed: boolean;
  /** No route that counts is there, since `absentSince`. */
  absent: boolean;
  absentSince: number;
}

export interface Rule {
  /** So many moves … */
  readonly moves: number;
  /** … within so many seconds. */
  readonly seconds: number;
  /** A duplicate that has not moved, or tried to, for so long is let go; 0 = by hand only. */
  readonly releaseSeconds: number;
  readonly action: Action;
  /** Of `RateLimit`: seconds between two choices of the place that counts. */
  readonly intervalSeconds: number;
}

/** A pinned place that loses the MAC for so long has lost it: sooner it may be replacing its routes. */
export const PATIENCE_MS = 1000;
/** At first it gives way at once: it was told of the other place before that one's routes were held. */
export const TOLD_MS = 2000;

export function isEffect(state: State): boolean {
  return state === State.Pinned || state === State.Held || state === State.Limited;
}

export function newSubject(): Subject {
  return {
    state: State.Quiet,
    since: 0,
    last: 0,
    moves: 0,
    attempts: 0,
    turned: 0,
    alarmed: false,
    absent: false,
    absentSince: 0,
  };
}

/**
 * Takes `subject` to its next state.
 * @param rule undefined: the MAC is exempt
 * @returns bits of `Output`
 */
export function step(subject: Subject, input: Input, at: number, rule: Rule | undefined): number {
  if (input === Input.Gone || input === Input.Seen) {
    subject.absent = input === Input.Gone;
    subject.absentSince = at;
    const told = subject.state === State.Pinned && elapsed(subject.since, at) < TOLD_MS;
    return told && subject.absent ? Output.Turn : Output.None;
  }
  if (input === Input.Release) return end(subject);
  if (input === Input.Policy && rule === undefined) return end(subject);
  if (input === Input.Quarantine && rule !== undefined) return begin(subject, at, rule);
  switch (subject.state) {
    case State.Quiet:
      return input === Input.Move && rule !== undefined
        ? count(restart(subject, at), at, rule)
        : Output.None;
    case State.Counting:
      return stepCounting(subject, input, at, rule);
    case State.Alarmed:
      return stepAlarmed(subject, input, at, rule);
    case State.Released:
      return stepReleased(subject, input, at, rule);
    default:
      return stepEffect(subject, input, at, rule);
  }
}

function stepCounting(subject: Subject, input: Input, at: number, rule: Rule | undefined): number {
  const over = rule === undefined || elapsed(subject.since, at) > rule.seconds * 1000;
  if (input === Input.Move && rule !== undefined) {
    return count(over ? restart(subject, at) : subject, at, rule);
  }
  if (over && input === Input.Time) subject.state = State.Quiet;
  return Output.None;
}

function stepAlarmed(subject: Subject, input: Input, at: number, rule: Rule | undefined): number {
  switch (input) {
    case Input.Move:
      subject.moves++;
      subject.last = at;
      return Output.None;
    case Input.Policy:
      return rule === undefined || rule.action === Action.None
        ? Output.None
        : begin(subject, at, rule);
    case Input.Time:
      return isCalm(subject, at, rule) || isLongGone(subject, at, rule)
        ? end(subject)
        : Output.None;
    default:
      return Output.None;
  }
}

function stepEffect(subject: Subject, input: Input, at: number, rule: Rule | undefined): number {
  switch (input) {
    case Input.Attempt:
      subject.attempts++;
      subject.last = at;
      return Output.None;
    case Input.Policy:
      if (rule === undefined || stateOf(rule.action) === subject.state) return Output.None;
      if (rule.action !== Action.None) return begin(subject, at, rule);
      subject.state = subject.alarmed ? State.Alarmed : State.Quiet;
      subject.last = at;
      return Output.Lift;
    case Input.Time:
      if (isCalm(subject, at, rule)) return release(subject, at);
      return turn(subject, at, rule);
    default:
      return Output.None;
  }
}

function stepReleased(subject: Subject, input: Input, at: number, rule: Rule | undefined): number {
  const seconds = rule?.seconds ?? 0;
  if (input === Input.Move && rule !== undefined) {
    if (elapsed(subject.since, at) > seconds * 1000) {
      subject.since = at;
      subject.moves = 0;
    }
    return count(subject, at, rule);
  }
  if (input !== Input.Time) return Output.None;
  const calm =
    elapsed(subject.since, at) > seconds * 1000 && elapsed(subject.last, at) > seconds * 1000;
  return calm ? end(subject) : Output.None;
}

/** The window begins with this move. */
function restart(subject: Subject, at: number): Subject {
  subject.state = State.Counting;
  subject.since = at;
  subject.moves = 0;
  return subject;
}

function count(subject: Subject, at: number, rule: Rule): number {
  subject.moves++;
  subject.last = at;
  if (subject.moves < rule.moves) return Output.None;
  subject.alarmed = true;
  if (rule.action !== Action.None) return Output.Alarm | begin(subject, at, rule);
  subject.state = State.Alarmed;
  subject.since = at;
  return Output.Alarm;
}

/** The rule's effect begins, in the place of another if there is one. */
function begin(subject: Subject, at: number, rule: Rule): number {
  if (!isEffect(subject.state)) subject.attempts = 0;
  subject.state = stateOf(rule.action);
  subject.since = at;
  subject.last = at;
  subject.turned = at;
  return Output.Apply;
}

/** The effect ends by time; whether the MAC is a duplicate still is to be seen. */
function release(subject: Subject, at: number): number {
  subject.state = subject.alarmed ? State.Released : State.Quiet;
  subject.since = at;
  subject.moves = 0;
  return Output.Lift;
}

function end(subject: Subject): number {
  const output =
    (isEffect(subject.state) ? Output.Lift : 0) | (subject.alarmed ? Output.Cleared : 0);
  subject.state = State.Quiet;
  subject.alarmed = false;
  return output;
}

function turn(subject: Subject, at: number, rule: Rule | undefined): number {
  if (subject.state === State.Pinned) {
    const lost = subject.absent && elapsed(subject.absentSince, at) >= PATIENCE_MS;
    return lost ? Output.Turn : Output.None;
  }
  if (subject.state !== State.Limited || rule === undefined) return Output.None;
  if (elapsed(subject.turned, at) < rule.intervalSeconds * 1000) return Output.None;
  subject.turned = at;
  return Output.Turn;
}

function isCalm(subject: Subject, at: number, rule: Rule | undefined): boolean {
  const seconds = rule?.releaseSeconds ?? 0;
  return seconds > 0 && elapsed(subject.last, at) > seconds * 1000;
}

function isLongGone(subject: Subject, at: number, rule: Rule | undefined): boolean {
  return subject.absent && elapsed(subject.absentSince, at) > (rule?.seconds ?? 0) * 1000;
}

function stateOf(action: Action): State {
  switch (action) {
    case Action.None:
      return State.Alarmed;
    case Action.Pin:
      return State.Pinned;
    case Action.Hold:
      return State.Held;
    case Action.RateLimit:
      return State.Limited;
  }
}

/** A time in the future has not elapsed at all. */
export function elapsed(from: number, to: number): number {
  return Math.max(0, to - from);
}
