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
import { countLatency } from "../statistics/counters.js";
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
  /** A client's packet is of no use, and why: for the log. */
  onRefused?(origin: Origin, why: string): void;
}

const BAD_SECRET = "signed with another secret: compare its secret with ours";
/** A sweep goes through the whole cache in about so many calls of `expire`. */
const SWEEP_CALLS = 25;
/** Places looked at in a call, at the least. */
const SWEEP_LEAST = 8;

export class Ingress {
  private readonly parts: IngressParts;
  /** Places where something waits or is kept. */
  private readonly places = new Set<Origin>();
  private sweep: Iterator<Origin> | undefined;
  pending = 0;

  constructor(parts: IngressParts) {
    this.parts = parts;
  }

  take(origin: Origin, bytes: Uint8Array): void {
    const { counters, client } = origin;
    const facts = checkPacket(bytes);
    if (typeof facts === "string") {
      counters.malformed++;
      this.parts.onRefused?.(origin, `malformed (${facts})`);
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
    if (this.isRepeat(origin, packet)) return;
    if (!hasWhatItMust(kind, packet, facts, this.parts.profile())) {
      counters.invalid++;
      this.parts.onRefused?.(origin, "without the attributes that it must have");
    } else if (!this.admit(client, facts)) counters.dropped++;
    else this.accept(origin, packet, facts, secret);
  }

  /** Sends the answer and keeps it for the client's repeats. */
  answer(exchange: Exchange, answer: Uint8Array): void {
    if (exchange.state !== "pending") return;
    this.settle(exchange);
    this.forget(exchange);
    exchange.state = "answered";
    exchange.upstream = undefined;
    const { origin } = exchange;
    const now = this.parts.clock.now();
    origin.kept.keep(exchange.packet, answer, now);
    countLatency(origin.client.latency, now - exchange.arrivedAt);
    origin.send(answer);
  }

  /** The request ends without an answer; the client may ask again. */
  abandon(exchange: Exchange): void {
    if (exchange.state !== "pending") return;
    this.settle(exchange);
    this.forget(exchange);
    exchange.state = "gone";
  }

  /** The place is no client's any more: nothing goes there. */
  leave(origin: Origin): void {
    for (const exchange of [...origin.slots.values()]) this.drop(exchange);
    origin.kept.forgetUntil(Infinity);
    this.places.delete(origin);
  }

  /** Empties the cache of what is too old, a part in each call: nobody gets such an answer meanwhile. */
  expire(now: number): void {
    const { cacheMs } = this.parts.settings();
    const most = Math.max(SWEEP_LEAST, Math.ceil(this.places.size / SWEEP_CALLS));
    for (let looked = 0; looked < most; looked++) {
      this.sweep ??= this.places.values();
      const next = this.sweep.next();
      if (next.done === true) {
        this.sweep = undefined;
        return;
      }
      const origin = next.value;
      origin.kept.forgetUntil(now - cacheMs);
      if (origin.slots.size === 0 && origin.kept.size === 0) this.places.delete(origin);
    }
  }

  /** Answers in the cache, those included whose time is over and whose turn has not come. */
  get cached(): number {
    let cached = 0;
    for (const { kept } of this.places) cached += kept.size;
    return cached;
  }

  /** Answers or counts what was asked before; whoever uses the identifier for something else gave that up. */
  private isRepeat(origin: Origin, packet: Uint8Array): boolean {
    const identifier = packet[1] ?? 0;
    const waiting = origin.slots.get(identifier);
    if (waiting !== undefined) {
      if (sameAuthenticator(waiting.packet, packet)) {
        origin.counters.duplicates++;
        this.parts.onRepeat(waiting);
        return true;
      }
      this.drop(waiting);
    }
    const { kept } = origin;
    if (this.parts.clock.now() - kept.keptAt(identifier) < this.parts.settings().cacheMs) {
      const answer = kept.find(packet);
      if (answer !== undefined) {
        origin.counters.cachedAnswers++;
        origin.send(answer);
        return true;
      }
    }
    kept.forget(identifier);
    return false;
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
      ticket: undefined,
      upstream: undefined,
    };
    if (origin.slots.size === 0) this.places.add(origin);
    origin.slots.set(packet[1] ?? 0, exchange);
    origin.counters.pending++;
    this.pending++;
    this.parts.onRequest(exchange);
  }

  /** The identifier is in use for something else now. */
  private drop(waiting: Exchange): void {
    waiting.origin.counters.superseded++;
    this.settle(waiting);
    this.forget(waiting);
    waiting.state = "gone";
    this.parts.onGone(waiting);
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
      this.parts.onRefused?.(origin, BAD_SECRET);
      return undefined;
    }
    if (at === 0) {
      if (!mayBeUnsigned(client, facts)) {
        counters.unsigned++;
        this.parts.onRefused?.(origin, "without Message-Authenticator");
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
    this.parts.onRefused?.(origin, BAD_SECRET);
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
    // A State is easily made up: those go on at the cost of new ones, up to a second's worth of them.
    if (client.tokens < (known ? 1 - rateLimit : 1)) return false;
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
