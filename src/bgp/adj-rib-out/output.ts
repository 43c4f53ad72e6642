/**
 * What a batch is filled with. Live serving (`live-run.ts`) and dumps (`dump-runner.ts`) walk
 * destinations for a group of sessions; an output turns one destination into announcements and
 * withdrawals for them, and remembers who was sent what.
 */
import type { Family } from "../../fast-bgp-codec/family.js";
import type { ChangeLog } from "../rib/change-log.js";
import type { Cursor } from "./cursor.js";

/** Slots with a dump under way at one place, masks by family. */
export interface DumpMasks {
  /** Those who get what they should have and have not. */
  readonly initial: readonly Int32Array[];
  /** Those who get everything. */
  readonly refresh: readonly Int32Array[];
  /** Those of `initial` whose export policy was another: they also get again what it made something else of. */
  readonly former: readonly FormerPolicy[];
}

/** Slots that were served under another export policy. */
export interface FormerPolicy {
  readonly policy: number;
  readonly mask: Int32Array;
}

export interface Output {
  readonly log: ChangeLog;
  /** The batch has no room for another destination. */
  readonly isFull: boolean;
  /** Whether the log entry at `position` is the destination's newest. */
  isNewest(dest: number, position: number): boolean;
  /** Somebody has read up to here: what changes from now on needs an entry of its own. */
  noteRead(position: number): void;
  /** A new, empty batch. */
  begin(): void;
  /** One changed destination for the sessions in `members`: announce to whom wants it, withdraw from whom had it and should no longer. */
  live(dest: number, members: Int32Array): void;
  /** One destination for dumps; whether it added something. */
  dumped(dest: number, family: Family, masks: DumpMasks): boolean;
  /** The session is gone, and with it what it was sent. */
  forget(slot: number): void;
  /** Builds the batch's messages and hands each session of the group its share. */
  deliver(group: readonly Cursor[]): void;
}
