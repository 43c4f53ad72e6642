/**
 * What stands behind the relay, whatever protocol it speaks: `home-server.ts` is RADIUS; TACACS+, say,
 * would be another class with this shape. Nothing of the relay but the place that makes them
 * (`RadiusParts.upstream`) knows which it has.
 */
import type { HomeServerCounters } from "../statistics/counters.js";
import type { PacketFacts } from "../packet/packet.js";
import type { Secret } from "../packet/md5.js";
import type { HomeServerSettings } from "../settings.js";

export type Kind = "authentication" | "accounting";
export type HealthState = "alive" | "suspect" | "dead";

/** A request that was checked: as its client sent it. */
export interface UpstreamRequest {
  readonly packet: Uint8Array;
  readonly facts: PacketFacts;
  /** The client's, for what the answer hides; undefined when nobody waits for an answer (replay). */
  readonly secret: Secret | undefined;
  /** Seconds that it has waited here: added to Acct-Delay-Time. */
  readonly delaySeconds: number;
}

export interface UpstreamReply {
  /** For the client: whole, hidden and signed with its secret; undefined when nobody waits. */
  readonly answer: Uint8Array | undefined;
  /** What the server said, as a checked RADIUS packet: code and attributes, values hidden as it hid them. */
  readonly said: Uint8Array;
}

/** A request on its way. */
export interface Ticket {
  readonly lastSentAt: number;
}

export interface Upstream {
  readonly name: string;
  readonly kind: Kind;
  readonly state: HealthState;
  /** Requests that wait for an answer. */
  readonly pending: number;
  readonly counters: HomeServerCounters;
  /**
   * Takes a request. `onReply` is called at most once, with a verified answer, unless the ticket was
   * forgotten. @returns undefined when it cannot be sent: no room, or too long for the protocol.
   */
  send(request: UpstreamRequest, onReply: (reply: UpstreamReply) => void): Ticket | undefined;
  /** The same octets once more. @returns false when they would be of no use any more: send it anew */
  resend(ticket: Ticket): boolean;
  /** Nobody waits any more: an answer that still comes is unmatched. */
  forget(ticket: Ticket): void;
  /** Other secrets and times for the server at the same place. */
  configure(settings: HomeServerSettings): void;
  /** Called a few times a second: watches silence. */
  tick(): void;
  close(): void;
}
