/** One round of the audit over everything, as a generator: between two `next`s the table may change. */
import { DestinationCheck } from "./destination-check.js";
import { recount } from "./recount.js";
import { Tally } from "./tally.js";
import type { AuditSubject, Find } from "./subject.js";

/** Destinations, or attribute sets, between two looks at the clock: well below 0.1 ms. */
const UNIT = 32;
const MOST_FINDINGS = 50;

export interface RoundPace {
  /** Set by the driver when the table may have changed since the last `next`. */
  fresh: boolean;
  /** Set by the round: of destinations, 0 to 1. */
  progress: number;
}

export function* auditRound(
  subject: AuditSubject,
  find: Find,
  pace: RoundPace,
): Generator<undefined, void> {
  const { table } = subject;
  const tally = new Tally(table);
  const check = new DestinationCheck(subject, tally, find);
  for (let dest = 1; dest < table.destinationLimit;) {
    if (pace.fresh) check.begin();
    pace.fresh = false;
    const stop = Math.min(dest + UNIT, table.destinationLimit);
    for (; dest < stop; dest++) check.look(dest);
    pace.progress = dest / table.destinationLimit;
    yield;
  }
  const { attrs } = table;
  for (let attr = 1; attr < attrs.limit;) {
    const stop = Math.min(attr + UNIT, attrs.limit);
    for (; attr < stop; attr++) {
      if (attrs.isLive(attr) && !attrs.isIntact(attr)) {
        find(`attribute set ${attr} is not what was interned`);
      }
    }
    yield;
  }
  yield* recount(subject, tally, find);
}

/** A whole round without a pause, for tests. */
export function auditNow(subject: AuditSubject): string[] {
  const { findings, find } = collector();
  const pace: RoundPace = { fresh: true, progress: 0 };
  const round = auditRound(subject, find, pace);
  while (round.next().done !== true);
  return findings;
}

/** Findings of one round, as many as anybody reads. */
export function collector(): { readonly findings: string[]; readonly find: Find } {
  const findings: string[] = [];
  const find = (finding: string): void => {
    if (findings.length < MOST_FINDINGS) findings.push(finding);
  };
  return { findings, find };
}
