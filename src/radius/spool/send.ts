/** One spooled record to a home server that lives, with Acct-Delay-Time raised by the time it has waited. */
import type { Clock } from "../../util/clock.js";
import { checkPacket } from "../packet/packet.js";
import type { Pool } from "../upstream/pool.js";
import type { Ticket, Upstream } from "../upstream/upstream.js";
import type { Spooled } from "./spool.js";

export interface Sent {
  readonly server: Upstream;
  readonly ticket: Ticket;
}

/**
 * @param onTaken is called at most once: a home server has the record
 * @returns `busy`: nobody can take anything now; otherwise why no time heals it
 */
export function sendSpooled(
  { packet, arrivedAt }: Spooled,
  pool: Pool,
  clock: Clock,
  onTaken: () => void,
): Sent | "busy" | "is damaged" | "is too long to be sent" {
  const server = pool.choose(undefined);
  if (server === undefined) return "busy";
  const facts = checkPacket(packet);
  if (typeof facts === "string") return "is damaged";
  const delaySeconds = Math.max(0, Math.round((clock.wall() - arrivedAt) / 1000));
  const request = { packet, facts, secret: undefined, delaySeconds };
  const ticket = server.send(request, onTaken);
  if (ticket !== undefined) return { server, ticket };
  // No room now; or it grew too long on the way.
  return server.pending > 0 ? "busy" : "is too long to be sent";
}

/** Accounting requests that a home server has answered so far: a sign that it takes such. */
export function repliesOf({ counters }: Upstream): number {
  return counters.latency.reduce((sum, count) => sum + count, 0);
}
