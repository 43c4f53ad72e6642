/** Duplicates and quarantines as plain data; times are wall-clock milliseconds. */
import { isEffect, State } from "./machine.js";
import { newSubject } from "./machine.js";
import { Place, type WatchRecords } from "./records.js";

/** A MAC that moves too often. */
export interface DuplicateView {
  /** Since the alarm, the quarantine, or the trial. */
  readonly since: number;
  readonly lastMove: number;
  readonly moves: number;
}

export type QuarantineState = "pin" | "hold" | "rate-limit" | "released";

export interface QuarantineView {
  /** The effect, or `released`: it is over, and the MAC is on trial. */
  readonly state: QuarantineState;
  /** Only this PE's routes count; its segment's as well, if it has one. */
  readonly pe: string;
  readonly esi: string | undefined;
  readonly since: number;
  /** When it ends if nothing more comes; undefined = when it is released by hand. */
  readonly until: number | undefined;
  /** Routes that came and were held, counted once for each burst. */
  readonly attempts: number;
  readonly byHand: boolean;
}

const NAMES: Readonly<Partial<Record<State, QuarantineState>>> = {
  [State.Pinned]: "pin",
  [State.Held]: "hold",
  [State.Limited]: "rate-limit",
  [State.Released]: "released",
};

/** @param wall of a time of the records */
export function duplicateView(
  records: WatchRecords,
  id: number,
  wall: (at: number) => number,
): DuplicateView | undefined {
  if (!records.isAlarmed(id)) return undefined;
  const subject = newSubject();
  records.load(id, subject);
  return { since: wall(subject.since), lastMove: wall(subject.last), moves: subject.moves };
}

/** @param releaseSeconds of the rule that counts, 0 = by hand */
export function quarantineView(
  records: WatchRecords,
  id: number,
  releaseSeconds: number,
  wall: (at: number) => number,
): QuarantineView | undefined {
  const subject = newSubject();
  records.load(id, subject);
  const state = NAMES[subject.state];
  if (state === undefined) return undefined;
  const kept = records.place(id, Place.Kept);
  const timed = isEffect(subject.state) && releaseSeconds > 0;
  return {
    state,
    pe: kept?.pe ?? "",
    esi: kept?.esi,
    since: wall(subject.since),
    until: timed ? wall(subject.last) + releaseSeconds * 1000 : undefined,
    attempts: subject.attempts,
    byHand: records.isByHand(id),
  };
}

/** What is done, and until when: `Its MAC is in quarantine as a duplicate: pinned to 10.0.0.1 until 2026-01-02 03:04:05 UTC, if nothing more comes`. */
export function quarantineText(view: QuarantineView): string {
  const { state, pe, until, byHand } = view;
  const what = {
    pin: `pinned to ${pe}`,
    hold: `only ${pe} counts`,
    "rate-limit": `changes are limited, now ${pe} counts`,
    released: "",
  }[state];
  if (what === "") return "Its MAC was in quarantine, and is on trial";
  const end =
    until === undefined
      ? "until it is released by hand"
      : `until ${new Date(until).toISOString().slice(0, 19).replace("T", " ")} UTC, unless it is tried again`;
  return `Its MAC is in quarantine ${byHand ? "by hand" : "as a duplicate"}: ${what} ${end}`;
}
