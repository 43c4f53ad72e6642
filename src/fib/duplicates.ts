/**
 * When a MAC that moves becomes a duplicate, and when it is one no more (RFC 7432 section 15.1), as a state
 * machine without clock or memory of its own. A reflector sees what no PE does: moves from one remote PE to
 * another.
 *
 *   quiet ── move ──> counting ── moves in time ──> duplicate
 *     ^                  │  too late: counts anew       │
 *     └── time is up ────┴──── no move for long, or cleared by hand
 *
 * The first move starts a window; that many moves within it are a duplicate. A move after the window
 * starts the next one.
 */

export const WatchState = { Quiet: 0, Counting: 1, Duplicate: 2 } as const;
export type WatchState = (typeof WatchState)[keyof typeof WatchState];

export const WatchInput = { Move: 0, Time: 1, Clear: 2 } as const;
export type WatchInput = (typeof WatchInput)[keyof typeof WatchInput];

export const WatchOutput = { None: 0, Alarm: 1, Cleared: 2 } as const;
export type WatchOutput = (typeof WatchOutput)[keyof typeof WatchOutput];

/** What is remembered of one MAC. Times are milliseconds modulo 2^32 of one clock. */
export interface Watch {
  state: WatchState;
  /** When the window began, or when the MAC became a duplicate. */
  since: number;
  /** When it last moved. */
  last: number;
  /** In the window; of a duplicate, all since the window began. */
  moves: number;
}

export interface WatchRule {
  /** So many moves … */
  readonly moves: number;
  /** … within so many seconds. */
  readonly seconds: number;
  /** 0 = a duplicate stays one until it is cleared. */
  readonly releaseSeconds: number;
}

/** Takes `watch` to its next state. */
export function stepWatch(
  watch: Watch,
  input: WatchInput,
  at: number,
  rule: WatchRule,
): WatchOutput {
  switch (watch.state) {
    case WatchState.Quiet:
      return input === WatchInput.Move ? startWindow(watch, at, rule) : WatchOutput.None;
    case WatchState.Counting:
      return stepCounting(watch, input, at, rule);
    case WatchState.Duplicate:
      return stepDuplicate(watch, input, at, rule);
  }
}

function stepCounting(watch: Watch, input: WatchInput, at: number, rule: WatchRule): WatchOutput {
  const over = elapsed(watch.since, at) > rule.seconds * 1000;
  if (input === WatchInput.Move)
    return over ? startWindow(watch, at, rule) : count(watch, at, rule);
  if (over || input === WatchInput.Clear) watch.state = WatchState.Quiet;
  return WatchOutput.None;
}

function stepDuplicate(watch: Watch, input: WatchInput, at: number, rule: WatchRule): WatchOutput {
  if (input === WatchInput.Move) {
    watch.moves++;
    watch.last = at;
    return WatchOutput.None;
  }
  const calm = rule.releaseSeconds > 0 && elapsed(watch.last, at) > rule.releaseSeconds * 1000;
  if (input === WatchInput.Time && !calm) return WatchOutput.None;
  watch.state = WatchState.Quiet;
  return WatchOutput.Cleared;
}

function startWindow(watch: Watch, at: number, rule: WatchRule): WatchOutput {
  watch.state = WatchState.Counting;
  watch.since = at;
  watch.moves = 0;
  return count(watch, at, rule);
}

function count(watch: Watch, at: number, rule: WatchRule): WatchOutput {
  watch.moves++;
  watch.last = at;
  if (watch.moves < rule.moves) return WatchOutput.None;
  watch.state = WatchState.Duplicate;
  watch.since = at;
  return WatchOutput.Alarm;
}

function elapsed(from: number, to: number): number {
  return (to - from) >>> 0;
}
