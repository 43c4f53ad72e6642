/**
 * The way in, the same for authentication and accounting: octets of a known client to a checked
 * request, or to the counter that says why not. The order is the defence: client, form, signature,
 * and only then the duplicate cache, so that nobody without the secret can touch it.
 */
import type { Clock } from "../../util/clock.js";
import type { ListenerSettings } from "../settings.js";
import type { Client } from "./client-table.js";
import type { Exchange, Origin } from "./exchange.js";
import { ownAnswer } from "./own-answer.js";
import {
  messageFits,
  packetFits,
  requestField,
  sameAuthenticator,
} from "../packet/authenticator.js";
import { ZERO_AUTHENTICATOR } from "../packet/authenticator.js";
import { AcctStatus, Attr, Code } from "../packet/iana.js";
import type { Secret } from "../packet/md5.js";
import { checkPacket, findNumber } from "../packet/packet.js";
import type { PacketFacts } from "../packet/packet.js";
import type { Kind } from "../upstream/upstream.js";
import { hasWhatItMust, mayBeUnsigned } from "./rules.js";

export interface IngressParts {
  readonly kind: Kind;
  readonly clock: Clock;
  /** As they are now: a reload may change them. */
  settings(): Pick<ListenerSettings, "cacheMs" | "pendingMax">;
  profile(): "seed" | "modern";
  /** Nothing new is taken while the relay drains. */
  draining(): boolean;
  /** A request nobody has seen before. */
  onRequest(exchange: Exchange): void;
  /** The client asks again while its request waits. */
  onRepeat(exchange: Exchange): void;
  /** The client gave its request up. */
  onGone(exchange: Exchange): void;
}

export class Ingress {
  private readonly parts: IngressParts;
  /** Answered exchanges, oldest first: their time in the cache is the same for all. */
  private answered: Exchange[] = [];
  pending = 0;

  constructor(parts: IngressParts) {
    this.parts = parts;
  }

  take(origin: Origin, bytes: Uint8Array): void {
    const { counters, client } = origin;
    const facts = checkPacket(bytes);
    if (typeof facts === "string") {
      counters.malformed++;
      return;
    }
    const code = bytes[0] ?? 0;
    if (code === Code.StatusServer) {
      this.answerStatus(origin, bytes, facts);
      return;
    }
    const { kind } = this.parts;
    if (code !== (kind === "authentication" ? Code.AccessRequest : Code.AccountingRequest)) {
      counters.unexpected++;
      return;
    }
    // Octets beyond Length are padding, and no part of what is kept.
    const packet = bytes.length === facts.length ? bytes : bytes.subarray(0, facts.length);
    counters.requests++;
    if (kind === "accounting") countStatus(origin, packet);
    const secret = this.verify(origin, packet, facts);
    if (secret === undefined) return;
    const before = origin.slots.get(packet[1] ?? 0);
    if (before !== undefined) {
      if (sameAuthenticator(before.packet, packet)) {
        this.repeat(before);
        return;
      }
      this.drop(before);
    }
    if (!hasWhatItMust(kind, packet, facts, this.parts.profile())) counters.invalid++;
    else if (!this.admit(client, facts)) counters.dropped++;
    else this.accept(origin, packet, facts, secret);
  }

  /** Sends the answer and keeps it for the client's repeats. */
  answer(exchange: Exchange, answer: Uint8Array): void {
    if (exchange.state !== "pending") return;
    this.settle(exchange);
    exchange.state = "answered";
    exchange.answer = answer;
    exchange.answeredAt = this.parts.clock.now();
    exchange.upstream = undefined;
    this.answered.push(exchange);
    exchange.origin.send(answer);
  }

  /** The request ends without an answer; the client may ask again. */
  abandon(exchange: Exchange): void {
    if (exchange.state !== "pending") return;
    this.settle(exchange);
    exchange.state = "gone";
    this.forget(exchange);
  }

  /** The place is no client's any more: nothing goes there. */
  leave(origin: Origin): void {
    for (const exchange of [...origin.slots.values()]) this.drop(exchange);
  }

  /** Empties the cache of what is too old. */
  expire(now: number): void {
    let count = 0;
    const { cacheMs } = this.parts.settings();
    for (const exchange of this.answered) {
      if (now - exchange.answeredAt < cacheMs) break;
      count++;
      if (exchange.state === "answered") this.forget(exchange);
      exchange.state = "gone";
    }
    if (count > 0) this.answered = this.answered.slice(count);
  }

  get cached(): number {
    return this.answered.length;
  }

  private accept(origin: Origin, packet: Uint8Array, facts: PacketFacts, secret: Secret): void {
    const exchange: Exchange = {
      kind: this.parts.kind,
      origin,
      packet,
      facts,
      secret,
      arrivedAt: this.parts.clock.now(),
      state: "pending",
      delaySeconds: 0,
      answer: undefined,
      answeredAt: 0,
      ticket: undefined,
      upstream: undefined,
    };
    origin.slots.set(packet[1] ?? 0, exchange);
    origin.counters.pending++;
    this.pending++;
    this.parts.onRequest(exchange);
  }

  private repeat(before: Exchange): void {
    const { counters } = before.origin;
    if (before.answer !== undefined) {
      counters.cachedAnswers++;
      before.origin.send(before.answer);
      return;
    }
    counters.duplicates++;
    this.parts.onRepeat(before);
  }

  /** The identifier is in use for something else now. */
  private drop(before: Exchange): void {
    if (before.state === "pending") {
      before.origin.counters.superseded++;
      this.settle(before);
      this.parts.onGone(before);
    }
    before.state = "gone";
    this.forget(before);
  }

  private settle(exchange: Exchange): void {
    exchange.origin.counters.pending--;
    this.pending--;
  }

  private forget(exchange: Exchange): void {
    const { slots } = exchange.origin;
    const identifier = exchange.packet[1] ?? 0;
    if (slots.get(identifier) === exchange) slots.delete(identifier);
  }

  /** @returns the secret that fits; undefined when the packet was counted as refused */
  private verify(origin: Origin, packet: Uint8Array, facts: PacketFacts): Secret | undefined {
    const { client, counters } = origin;
    const at = facts.messageAuthenticator;
    if (this.parts.kind === "accounting") {
      for (const secret of client.secrets) {
        if (!packetFits(packet, ZERO_AUTHENTICATOR, secret)) continue;
        if (at !== 0 && !messageFits(packet, at, ZERO_AUTHENTICATOR, secret)) continue;
        return secret;
      }
      counters.badAuthenticators++;
      return undefined;
    }
    if (at === 0) {
      if (!mayBeUnsigned(client, facts)) {
        counters.unsigned++;
        return undefined;
      }
      return client.secrets[0];
    }
    const field = requestField(packet);
    for (const secret of client.secrets) {
      if (!messageFits(packet, at, field, secret)) continue;
      client.learned = true;
      return secret;
    }
    counters.badAuthenticators++;
    return undefined;
  }

  /** RFC 5997: always signed, answered here and never forwarded. */
  private answerStatus(origin: Origin, packet: Uint8Array, facts: PacketFacts): void {
    const { counters, client } = origin;
    counters.statusServer++;
    const at = facts.messageAuthenticator;
    if (at === 0) return;
    const field = requestField(packet);
    const secret = client.secrets.find((key) => messageFits(packet, at, field, key));
    if (secret === undefined) return;
    const code = this.parts.kind === "authentication" ? Code.AccessAccept : Code.AccountingResponse;
    const answer = ownAnswer({ packet, facts, secret }, code);
    if (answer !== undefined) origin.send(answer);
  }

  /** Requests with State go on for a while after new ones are turned away (RFC 5080 section 2.2.3). */
  private admit(client: Client, facts: PacketFacts): boolean {
    if (this.parts.draining()) return false;
    const { clock } = this.parts;
    const { pendingMax } = this.parts.settings();
    const known = facts.state !== 0;
    if (this.pending >= (known ? pendingMax + (pendingMax >> 2) : pendingMax)) return false;
    const { rateLimit } = client.settings;
    if (rateLimit === 0) return true;
    const now = clock.now();
    client.tokens = Math.min(
      rateLimit,
      client.tokens + ((now - client.filledAt) * rateLimit) / 1000,
    );
    client.filledAt = now;
    if (client.tokens < 1) return known;
    client.tokens--;
    return true;
  }
}

function countStatus(origin: Origin, packet: Uint8Array): void {
  const status = findNumber(packet, Attr.AcctStatusType);
  if (status === AcctStatus.Start) origin.counters.starts++;
  else if (status === AcctStatus.Stop) origin.counters.stops++;
  else if (status === AcctStatus.Interim) origin.counters.interims++;
}
