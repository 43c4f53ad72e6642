/**
 * One request of a client from arrival to its answer, and the place it came from.
 * An origin is what makes identifiers unique: a source address and port on one socket, or one TLS
 * connection (RFC 5080 section 2.2.2). Slots and kept answers are the duplicate cache.
 */
import type { Secret } from "../packet/md5.js";
import type { PacketFacts } from "../packet/packet.js";
import type { ListenerCounters } from "../statistics/counters.js";
import type { Kind, Ticket, Upstream } from "../upstream/upstream.js";
import type { Client } from "./client-table.js";
import type { KeptAnswers } from "./kept-answers.js";

export interface Origin {
  /** Another one after a reload that changed the client's secrets or rules. */
  client: Client;
  /** What sessions and counters are kept under: the address, or the name of a TLS client. */
  readonly identity: string;
  readonly address: string;
  readonly port: number;
  /** What waits for an answer, by identifier. */
  readonly slots: Map<number, Exchange>;
  /** What has been answered. */
  readonly kept: KeptAnswers;
  readonly counters: ListenerCounters;
  /** @param bytes may be used again when it returns */
  send(bytes: Uint8Array): void;
}

export interface Exchange {
  readonly kind: Kind;
  readonly origin: Origin;
  /** As the client sent it. */
  readonly packet: Uint8Array;
  readonly facts: PacketFacts;
  /** The one of the client's secrets that fitted. */
  readonly secret: Secret;
  readonly delaySeconds: 0;
  readonly arrivedAt: number;
  state: "pending" | "answered" | "gone";
  /** Where it was sent, to be repeated and forgotten there. */
  ticket: Ticket | undefined;
  upstream: Upstream | undefined;
}
