/** What limits ask of the reflector. */
import type { Clock } from "../../util/clock.js";
import type { RouteTable } from "../rib/route-table.js";
import type { PeerLimiter } from "./peer-limiter.js";

export interface LimitHost {
  readonly table: RouteTable;
  readonly clock: Clock;
  /** Held paths of the peer may be let in, or others are to be held: looks at them soon, in slices. */
  review(limiter: PeerLimiter): void;
  /** One line for each peer, kind and interval. */
  warn(peer: string, kind: string, fields: object, message: string): void;
}
