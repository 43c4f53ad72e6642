/**
 * Requests to access points and their answers: sent, sent again by the timers of RFC 5080 section 2.2.1
 * (never twice on one TLS connection), given up. An answer counts when identifier, place and
 * authenticators fit.
 */
import type { Clock } from "../../util/clock.js";
import { messageFits, packetFits } from "../packet/authenticator.js";
import { Code, HEADER } from "../packet/iana.js";
import type { Secret } from "../packet/md5.js";
import { checkPacket } from "../packet/packet.js";
import type { PacketFacts } from "../packet/packet.js";
import { BackOff } from "../../util/back-off.js";
import type { UpstreamPort, UpstreamSlot } from "../upstream/port.js";
import type { DynamicCounters } from "./counters.js";

/** How an access point is reached: a UDP port of ours towards it, or its TLS connection. */
export interface ClientWay {
  readonly port: UpstreamPort;
  readonly secret: Secret;
  /** TLS does not lose, so nothing is sent twice. */
  readonly reliable: boolean;
}

export type ClientReply =
  | { readonly kind: "answer"; readonly bytes: Uint8Array; readonly facts: PacketFacts }
  /** Silence to the end, or nobody there. */
  | { readonly kind: "none" };

interface Waiting extends UpstreamSlot {
  readonly way: ClientWay;
  readonly backOff: BackOff;
  nextAt: number;
  count: number;
  readonly onReply: (reply: ClientReply) => void;
}

/** IRT, MRT and the tenth by chance, MRC and MRD (RFC 5080 section 2.2.1). */
const TIMES = { firstMs: 2000, mostMs: 16_000, spread: 0.1 };
const COUNT = 5;
const DURATION_MS = 30_000;

export class ClientDoor {
  private readonly clock: Clock;
  private readonly counters: DynamicCounters;
  private readonly waiting = new Set<Waiting>();

  constructor(clock: Clock, counters: DynamicCounters) {
    this.clock = clock;
    this.counters = counters;
  }

  /**
   * @param build makes the packet for an identifier
   * @param onReply is called exactly once when this returns the packet
   * @returns undefined when there is no room on that way, or the packet is too long
   */
  send(
    way: ClientWay,
    build: (identifier: number) => Uint8Array | undefined,
    onReply: (reply: ClientReply) => void,
  ): Uint8Array | undefined {
    const { port } = way;
    const identifier = port.take();
    if (identifier < 0) return undefined;
    const packet = build(identifier);
    if (packet === undefined) {
      port.release(identifier);
      return undefined;
    }
    const now = this.clock.now();
    const backOff = new BackOff(TIMES);
    const slot: Waiting = {
      port,
      identifier,
      packet,
      sentAt: now,
      lastSentAt: now,
      way,
      backOff,
      nextAt: now + backOff.next(),
      count: 0,
      onReply,
    };
    port.occupy(slot);
    this.waiting.add(slot);
    this.counters.sent++;
    port.send(packet);
    return packet;
  }

  onAnswer(port: UpstreamPort, bytes: Uint8Array): void {
    const facts = checkPacket(bytes);
    const slot = typeof facts === "string" ? undefined : port.slot(bytes[1] ?? 0);
    if (typeof facts === "string" || slot === undefined || !this.isOurs(slot)) {
      this.counters.badAnswers++;
      return;
    }
    const { secret } = slot.way;
    const field = slot.packet.subarray(4, HEADER);
    const at = facts.messageAuthenticator;
    const fits =
      answers(slot.packet[0] ?? 0, bytes[0] ?? 0) &&
      packetFits(bytes, field, secret) &&
      (at === 0 || messageFits(bytes, at, field, secret));
    if (!fits) {
      this.counters.badAnswers++;
      return;
    }
    this.finish(slot, { kind: "answer", bytes: bytes.slice(0, facts.length), facts });
  }

  /** Nobody listens on that way any more. */
  onLost(port: UpstreamPort): void {
    for (const slot of [...this.waiting]) {
      if (slot.port === port) this.finish(slot, { kind: "none" });
    }
  }

  /** To be called a few times a second. */
  tick(now: number): void {
    for (const slot of [...this.waiting]) {
      if (now - slot.sentAt >= DURATION_MS) this.finish(slot, { kind: "none" });
      else if (!slot.way.reliable && slot.count < COUNT && now >= slot.nextAt) {
        slot.count++;
        slot.lastSentAt = now;
        slot.nextAt = now + slot.backOff.next();
        this.counters.resent++;
        slot.port.send(slot.packet);
      }
    }
  }

  /** Ports with something under way. */
  isBusy(port: UpstreamPort): boolean {
    for (const slot of this.waiting) if (slot.port === port) return true;
    return false;
  }

  private isOurs(slot: UpstreamSlot): slot is Waiting {
    return this.waiting.has(slot as Waiting);
  }

  private finish(slot: Waiting, reply: ClientReply): void {
    this.waiting.delete(slot);
    slot.port.release(slot.identifier);
    slot.onReply(reply);
  }
}

function answers(request: number, answer: number): boolean {
  return request === Code.DisconnectRequest
    ? answer === Code.DisconnectAck || answer === Code.DisconnectNak
    : answer === Code.CoaAck || answer === Code.CoaNak;
}
