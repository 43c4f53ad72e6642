/** What limits ask of the reflector. */
import type { Clock } from "../../util/clock.js";
import type { RouteTable } from "../rib/route-table.js";

/** @typeParam Limiter whose paths are looked at */
export interface LimitHost<Limiter> {
  readonly table: RouteTable;
  readonly clock: Clock;
  /** Held paths of the peer may be let in, or others are to be held: looks at them soon, in slices. */
  review(limiter: Limiter): void;
  /** One line for each peer, kind and interval. */
  warn(peer: string, kind: string, fields: object, message: string): void;
}
