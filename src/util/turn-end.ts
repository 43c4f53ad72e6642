/**
 * The end of the event loop's turn: what its sockets brought has been taken by then. A thread has one event loop, so
 * these are functions of the thread.
 */

/** Who waits longer than this while the turn goes on waits for nobody else. Milliseconds. */
const LONGEST = 2;

let waiting: Promise<void> | undefined;
let since = 0;
let end = (): void => {};

/** One wait for all who ask in a turn; shorter when the turn takes long. */
export function turnEnd(): Promise<void> {
  const begun = waiting;
  if (begun === undefined) {
    since = performance.now();
    setImmediate(over);
    return (waiting = new Promise((resolve) => (end = resolve)));
  }
  if (performance.now() - since > LONGEST) over();
  return begun;
}

/** A turn for others, those first who wait for the end of theirs. */
export function nextTurn(): Promise<void> {
  void turnEnd();
  return new Promise((resolve) => setImmediate(resolve));
}

function over(): void {
  waiting = undefined;
  end();
}
