/** Who is told of every path that comes, changes or goes: monitoring feeds. Called in the middle of the table's work. */
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
