/**
 * One read buffer for the whole process. The kernel copies into it behind a headroom; a connection
 * puts what it saved of a split message right in front, so its reader always sees contiguous bytes
 * and nothing is allocated per read. Safe because a read and its callback are one synchronous step.
 *
 * Reading is also bounded here: libuv reads a busy socket up to 32 times in a row, which would let one
 * peer hold the loop for megabytes. Past READ_BUDGET a connection stops for the rest of this turn.
 */

/** Longest partial message, RFC 8654. */
export const HEADROOM = 65536;
export const READ_SIZE = 131072;
/** Octets one connection may take per turn of the event loop. */
export const READ_BUDGET = 524288;

export const readBuffer = new Uint8Array(HEADROOM + READ_SIZE);
/** What the kernel fills. */
export const kernelView = readBuffer.subarray(HEADROOM);

export interface BudgetedReader {
  /** The next turn has begun: read on. */
  budgetRenewed(): void;
}

let turn = 1;
let scheduled = false;
let waiting: BudgetedReader[] = [];

/** Number of the present turn of the event loop, as far as reading goes. */
export function currentTurn(): number {
  if (!scheduled) {
    scheduled = true;
    setImmediate(nextTurn);
  }
  return turn;
}

/** Calls `reader.budgetRenewed` in the next turn. */
export function waitForTurn(reader: BudgetedReader): void {
  waiting.push(reader);
}

function nextTurn(): void {
  scheduled = false;
  turn++;
  if (waiting.length === 0) return;
  const readers = waiting;
  waiting = [];
  for (const reader of readers) reader.budgetRenewed();
}
