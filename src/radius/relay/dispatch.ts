/**
 * From a verified request to a server and back: the part that authentication and accounting share.
 * Chooses the server, and repeats when the client repeats; a server that died meanwhile is replaced by
 * the next of its pool.
 */
import type { Clock } from "../../util/clock.js";
import type { Exchange } from "../server/exchange.js";
import type { Pool } from "../upstream/pool.js";
import type { Upstream, UpstreamReply } from "../upstream/upstream.js";

/** Nobody's repeats go out more often than this. */
const REPEAT_MS = 1000;

export type Outcome = "sent" | "no-server" | "no-room";

export class Dispatch {
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Sends a request on. `onReply` is called at most once, unless the exchange is withdrawn first. */
  send(
    exchange: Exchange,
    pool: Pool,
    conversation: string | undefined,
    onReply: (reply: UpstreamReply, server: Upstream) => void,
  ): Outcome {
    const server = pool.choose(conversation);
    if (server === undefined) return "no-server";
    const ticket = server.send(exchange, (reply) => {
      exchange.ticket = undefined;
      onReply(reply, server);
    });
    if (ticket === undefined) return "no-room";
    exchange.ticket = ticket;
    exchange.upstream = server;
    return "sent";
  }

  /** The client asks again: the same octets go out again, unless that server is dead. */
  repeat(exchange: Exchange): "repeated" | "too-soon" | "move" {
    const { ticket, upstream } = exchange;
    if (ticket === undefined || upstream === undefined) return "move";
    if (upstream.state === "dead") {
      this.withdraw(exchange);
      return "move";
    }
    if (this.clock.now() - ticket.lastSentAt < REPEAT_MS) return "too-soon";
    if (upstream.resend(ticket)) return "repeated";
    this.withdraw(exchange);
    return "move";
  }

  /** Nobody waits for it any more; an answer that still comes is unmatched. */
  withdraw(exchange: Exchange): void {
    if (exchange.ticket !== undefined) exchange.upstream?.forget(exchange.ticket);
    exchange.ticket = undefined;
  }
}
