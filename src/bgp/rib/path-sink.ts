/** Who is told of paths that come, change or go, in the middle of the table's work: monitoring feeds, route-target constraint. */
import type { Family } from "../../fast-bgp-codec/family.js";

export interface PathSink {
  /** A path is new, or something of it changed: its present state is the table's to tell. */
  pathChanged(slot: number, dest: number, pathId: number): void;
  /** A path goes; its NLRI is `bytes[start, start + length)`, without path id. */
  pathRemoved(
    slot: number,
    family: Family,
    pathId: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void;
}

/** Told of every membership that comes (1) or goes (-1); the NLRI is at `start` in `bytes`. */
export type MembershipSink = (
  slot: number,
  bytes: Uint8Array,
  start: number,
  change: 1 | -1,
) => void;
