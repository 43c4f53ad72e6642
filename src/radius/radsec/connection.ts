/**
 * One connection of an authorised TLS client. Authentication and accounting share it, each with its own
 * duplicate cache; Disconnect and CoA go the other way, as in reverse CoA. A request that breaks the rules
 * ends the connection: TLS vouches for who sent it, so the peer itself is at fault
 * (radiusdtls-bis section 3.12). Packets nobody here takes get a Protocol-Error (RFC 7930 section 4).
 */
import { writeU32 } from "../../util/bytes.js";
import { Attr, Code } from "../packet/iana.js";
import { checkPacket } from "../packet/packet.js";
import type { Client } from "../server/client-table.js";
import type { Exchange, Origin } from "../server/exchange.js";
import { KeptAnswers } from "../server/kept-answers.js";
import { ownAnswer } from "../server/own-answer.js";
import type { ListenerCounters } from "../statistics/counters.js";
import { IdentifierRing } from "../upstream/port.js";
import type { UpstreamPort } from "../upstream/port.js";
import type { Kind } from "../upstream/upstream.js";
import type { Evidence, TlsClient } from "./client-book.js";
import { PacketStream } from "./packet-stream.js";
import { Retransmission } from "./retransmission.js";
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";

/** The way in for one kind of request, as a tenant has it. */
export interface TlsSide {
  /** Requests of this kind are taken at all. */
  isOn(): boolean;
  /** Counters of a client, made at first use. */
  counters(identity: string): ListenerCounters;
  take(origin: Origin, bytes: Uint8Array): void;
  /** Sends what waits for a home server once more. */
  repeat(exchange: Exchange): void;
  /** Nobody is there any more for the answers to this origin's requests. */
  gone(origin: Origin): void;
}

export type TlsSides = Readonly<Record<Kind, TlsSide>>;

export interface ConnectionHooks {
  onEnd(connection: TlsClientConnection, reason: string): void;
  /** An answer to what was sent down this connection. */
  onAnswer(connection: TlsClientConnection, bytes: Uint8Array): void;
}

export interface ConnectionParts {
  readonly sides: TlsSides;
  readonly socket: TLSSocket;
  readonly evidence: Evidence;
  /** Its certificate and others that it sent; empty with a key. */
  readonly shown: readonly X509Certificate[];
  readonly tlsClient: TlsClient;
  readonly openedAt: number;
  readonly hooks: ConnectionHooks;
}

interface TlsPlace {
  readonly tlsClient: TlsClient;
  readonly address: string;
  readonly port: number;
  readonly stream: PacketStream;
}

class TlsOrigin implements Origin {
  client: Client;
  readonly identity: string;
  readonly address: string;
  readonly port: number;
  readonly counters: ListenerCounters;
  readonly slots = new Map<number, Exchange>();
  readonly kept = new KeptAnswers();
  readonly side: TlsSide;
  readonly retransmission = new Retransmission();
  sent = 0;
  private readonly stream: PacketStream;

  constructor(side: TlsSide, place: TlsPlace) {
    const { client, identity } = place.tlsClient;
    this.side = side;
    this.client = client;
    this.identity = identity;
    this.address = place.address;
    this.port = place.port;
    this.counters = side.counters(identity);
    this.stream = place.stream;
  }

  send(bytes: Uint8Array): void {
    this.sent++;
    this.stream.send(Buffer.from(bytes));
  }
}

/** A ring of identifiers of our own: those of the peer's requests are another space. */
export class TlsClientConnection extends IdentifierRing implements UpstreamPort {
  readonly address: string;
  readonly openedAt: number;
  readonly protocol: string;
  readonly evidence: Evidence;
  readonly shown: readonly X509Certificate[];
  heardAt: number;
  private tlsClient: TlsClient;
  private readonly port: number;
  private readonly sides: TlsSides;
  private readonly origins = new Map<Kind, TlsOrigin>();
  private readonly stream: PacketStream;
  private readonly hooks: ConnectionHooks;
  private now: number;

  constructor(parts: ConnectionParts) {
    super();
    const { socket, hooks, tlsClient } = parts;
    this.hooks = hooks;
    this.sides = parts.sides;
    this.tlsClient = tlsClient;
    this.evidence = parts.evidence;
    this.shown = parts.shown;
    this.address = plainAddress(socket.remoteAddress ?? "");
    this.port = socket.remotePort ?? 0;
    this.openedAt = parts.openedAt;
    this.heardAt = parts.openedAt;
    this.now = parts.openedAt;
    this.protocol = socket.getProtocol() ?? "";
    this.stream = new PacketStream(socket, {
      onPacket: (packet) => this.receive(packet),
      onEnd: (reason) => {
        for (const one of this.origins.values()) one.side.gone(one);
        hooks.onEnd(this, reason);
      },
    });
  }

  get client(): TlsClient {
    return this.tlsClient;
  }

  /** The same client with other settings, after a reload. */
  set client(tlsClient: TlsClient) {
    this.tlsClient = tlsClient;
    for (const origin of this.origins.values()) origin.client = tlsClient.client;
  }

  /** A packet has begun, and not ended. */
  get isPartial(): boolean {
    return this.stream.isPartial;
  }

  send(bytes: Uint8Array): void {
    this.stream.send(bytes);
  }

  close(): void {
    this.end("the relay closes it");
  }

  end(reason: string): void {
    this.stream.end(reason);
  }

  /** To be called a few times a second. */
  tick(now: number): void {
    this.now = now;
    this.stream.tick(now);
    for (const { retransmission, slots, side } of this.origins.values()) {
      retransmission.tick(now, slots, (exchange) => side.repeat(exchange));
    }
  }

  private receive(packet: Uint8Array): void {
    this.heardAt = this.now;
    const code = packet[0] ?? 0;
    if (DYNAMIC_ANSWERS.has(code)) {
      this.hooks.onAnswer(this, packet);
      return;
    }
    const origin = this.originFor(code);
    if (origin === undefined) {
      this.refuse(packet, code);
      return;
    }
    const { counters } = origin;
    counters.received++;
    const bad = counters.malformed + counters.badAuthenticators;
    const sent = origin.sent;
    origin.side.take(origin, packet);
    if (counters.malformed + counters.badAuthenticators !== bad) {
      this.end(`a request (code ${code}) that is malformed or wrongly signed`);
    } else if (code === Code.StatusServer && origin.sent === sent) {
      this.end("a Status-Server that is not signed as it must be");
    }
  }

  private originFor(code: number): TlsOrigin | undefined {
    switch (code) {
      case Code.AccessRequest:
        return this.originOf("authentication");
      case Code.AccountingRequest:
        return this.originOf("accounting");
      case Code.StatusServer:
        return this.anyOrigin();
      default:
        return undefined;
    }
  }

  private anyOrigin(): TlsOrigin | undefined {
    return this.originOf("authentication") ?? this.originOf("accounting");
  }

  private originOf(kind: Kind): TlsOrigin | undefined {
    const side = this.sides[kind];
    if (!side.isOn()) return undefined;
    let origin = this.origins.get(kind);
    if (origin === undefined) {
      const { tlsClient, address, port, stream } = this;
      origin = new TlsOrigin(side, { tlsClient, address, port, stream });
      this.origins.set(kind, origin);
    }
    return origin;
  }

  /** Answers to what was never asked are passed over: they may only be late. */
  private refuse(packet: Uint8Array, code: number): void {
    const counters = this.anyOrigin()?.counters;
    if (counters === undefined) return;
    counters.received++;
    const facts = checkPacket(packet);
    const secret = this.tlsClient.client.secrets[0];
    if (typeof facts === "string" || secret === undefined) {
      counters.malformed++;
      this.end(`a packet (code ${code}) that is malformed`);
      return;
    }
    counters.unexpected++;
    if (ANSWERS.has(code)) return;
    const answer = ownAnswer({ packet, facts, secret }, Code.ProtocolError, [
      [Attr.ErrorCause, number(UNSUPPORTED_EXTENSION)],
      // Original-Packet-Code is number 4 of the first extended space (RFC 6929).
      [Attr.Extended1, Uint8Array.of(ORIGINAL_PACKET_CODE, ...number(code))],
    ]);
    if (answer !== undefined) this.send(answer);
  }
}

const UNSUPPORTED_EXTENSION = 406;
const ORIGINAL_PACKET_CODE = 4;

const DYNAMIC_ANSWERS: ReadonlySet<number> = new Set([
  Code.DisconnectAck,
  Code.DisconnectNak,
  Code.CoaAck,
  Code.CoaNak,
]);
const ANSWERS: ReadonlySet<number> = new Set([
  Code.AccessAccept,
  Code.AccessReject,
  Code.AccessChallenge,
  Code.AccountingResponse,
  Code.ProtocolError,
]);

function number(value: number): Uint8Array {
  const octets = new Uint8Array(4);
  writeU32(octets, 0, value);
  return octets;
}

function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
