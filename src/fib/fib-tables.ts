/** What the parts of a MAC FIB share: its tables, and who is told of what duplicate detection counts. */
import type { RouteTable } from "../bgp/rib/index.js";
import type { BridgeDomains } from "./bridge-domain.js";
import type { EthernetSegments } from "./ethernet-segment.js";
import type { FibEvents } from "./events.js";
import type { RemotePes } from "./remote-pes.js";
import type { RouteFacts } from "./route-facts.js";

/** The tables a MAC FIB is made over. */
export interface FibTables {
  readonly routes: RouteTable;
  readonly pes: RemotePes;
  readonly facts: RouteFacts;
  readonly domains: BridgeDomains;
  readonly segments: EthernetSegments;
  readonly events: FibEvents;
}

/** Told of what duplicate detection counts. */
export interface MoveSink {
  /** A PE announced the MAC away from another; `segment` is that of where it was, 0 = none. */
  moved(entry: number, pe: number, segment: number): void;
  /** The entry is about to go. */
  gone(entry: number, pe: number, segment: number): void;
  /**
   * The entry is new.
   * @param counts whether a MAC that comes back elsewhere counts as moved
   * @returns the PE where it was lately, with a reference for the caller; 0 = none, or it is there again
   */
  learnt(entry: number, counts: boolean): number;
  /** A route of an entry that is watched came, or changed. */
  seen(entry: number, dest: number): void;
  /** After `learnt` gave a PE, and that was told: the move is counted. */
  returned(entry: number): void;
}
