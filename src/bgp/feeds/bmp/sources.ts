/** What the BMP feed needs of the speaker; `bgp/feed-wiring.ts` supplies it. */
import type { Clock } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";
import type { RouteTable } from "../../rib/index.js";
import type { Connection, TappedSession } from "../../session/types.js";
import type { BmpCollectorSettings } from "../settings.js";
import type { EncodedSet } from "./route-batch.js";

/** A route in a peer's adj-RIB-out. */
export interface SentRoute {
  /** Whose NLRI it has. */
  readonly path: number;
  /** What it goes out with under ADD-PATH; 0 without. */
  readonly pathId: number;
  readonly set: EncodedSet;
}

/** A place in the loc-RIB's change log that must not be dropped from it. */
export interface LogPlace {
  readonly position: number;
  /** Called once a turn of the reflector; true when it wants the next turn soon. */
  read(): boolean;
}

export interface PeerNumbers {
  /** Routes held from the peer and routes it was sent, by `Family`. */
  routesIn(family: number): number;
  routesOut(family: number): number;
  readonly loops: number;
  readonly treatAsWithdraw: number;
}

export interface FeedSources {
  readonly as: number;
  readonly routerId: number;
  readonly table: RouteTable;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs after what this turn of the event loop reads has been read. */
  readonly soon: (run: () => void) => void;
  sessions(): Iterable<TappedSession>;
  /** Slot of an Established session. */
  slotOf(sessionId: number): number | undefined;
  numbers(sessionId: number): PeerNumbers | undefined;
  /** What the slot was sent of the destination. */
  sentRoutes(slot: number, dest: number): readonly SentRoute[];
  attach(place: LogPlace): void;
  detach(place: LogPlace): void;
  /** Log entries may be free now: a turn of the reflector, please. */
  kick(): void;
  dial(
    collector: BmpCollectorSettings,
    connected: (connection: Connection) => void,
    failed: (error: Error) => void,
  ): { cancel(): void };
}
