/**
 * What the access points of the load test send. A slot is one subscriber's device: it has one request under
 * way, then the next. All requests are built before the clock starts; every one has an authenticator of its
 * own, as otherwise it were a repeat, and a relay may answer that from its cache.
 */
import { Builder, Code, type Hop, Type } from "./packets.js";

export const KINDS = ["pap", "accounting", "eap"] as const;
export type Kind = (typeof KINDS)[number];

/** Requests of one EAP conversation; the last one is accepted. */
export const EAP_ROUNDS = 4;
/** Octets that the device says in each round, and the server. */
const EAP_UP = 180;
export const EAP_DOWN = 500;
const EAP_PART = 253;

/** Slots on one source port, and identifiers of each: never two requests under way with one identifier. */
export const SLOTS_PER_PORT = 25;
const IDENTIFIERS_PER_SLOT = 10;
/** Turns after which both a conversation and the identifiers begin anew: of these a slot's requests are a multiple. */
export const CIRCLE = 20;

export function portOf(slot: number): number {
  return Math.floor(slot / SLOTS_PER_PORT);
}

export function identifierOf(slot: number, turn: number): number {
  return (slot % SLOTS_PER_PORT) * IDENTIFIERS_PER_SLOT + (turn % IDENTIFIERS_PER_SLOT);
}

/** @returns whose request it is that a port and an identifier name */
export function slotOf(port: number, identifier: number): number {
  return port * SLOTS_PER_PORT + Math.floor(identifier / IDENTIFIERS_PER_SLOT);
}

const macText = (slot: number) =>
  `02-00-5E-${[slot >> 16, slot >> 8, slot]
    .map((octet) => (octet & 255).toString(16).padStart(2, "0").toUpperCase())
    .join("-")}`;

/** State that the home server gives with a challenge: the access point can tell it beforehand. */
export function stateOf(round: number): Uint8Array {
  return Uint8Array.of(0xe5, 0xa7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, round);
}

/** EAP packets over 253 octets are split (RFC 3579 section 3.1). */
export function putEap(builder: Builder, octets: Uint8Array): void {
  for (let at = 0; at < octets.length; at += EAP_PART)
    builder.put(Type.EapMessage, octets.subarray(at, at + EAP_PART));
}

export function eapPacket(code: number, identifier: number, length: number): Buffer {
  const octets = Buffer.alloc(length, 0x2e);
  octets[0] = code;
  octets[1] = identifier;
  octets.writeUInt16BE(length, 2);
  if (length > 4) octets[4] = 25;
  return octets;
}

/** All requests of a run, slot by slot, in one piece of memory. */
export class Traffic {
  readonly kind: Kind;
  readonly slots: number;
  readonly turns: number;
  private readonly memory: Buffer;
  private readonly stride: number;
  private readonly lengths: Uint16Array;

  constructor(kind: Kind, slots: number, turns: number, hop: Hop) {
    this.kind = kind;
    this.slots = slots;
    this.turns = turns;
    this.stride = kind === "eap" ? 384 : 256;
    this.memory = Buffer.alloc(slots * turns * this.stride);
    this.lengths = new Uint16Array(slots * turns);
    const builder = new Builder();
    for (let slot = 0; slot < slots; slot++) {
      for (let turn = 0; turn < turns; turn++) {
        const index = slot * turns + turn;
        const packet = build(builder, kind, slot, turn, hop);
        this.memory.set(packet, index * this.stride);
        this.lengths[index] = packet.length;
      }
    }
  }

  /** A view on the request. */
  request(slot: number, turn: number): Buffer {
    const index = slot * this.turns + (turn % this.turns);
    return this.memory.subarray(
      index * this.stride,
      index * this.stride + (this.lengths[index] ?? 0),
    );
  }
}

function build(builder: Builder, kind: Kind, slot: number, turn: number, hop: Hop): Buffer {
  const code = kind === "accounting" ? Code.AccountingRequest : Code.AccessRequest;
  builder.begin(code, identifierOf(slot, turn));
  builder.bytes.fill(0, 4, 20);
  const authenticator = kind === "accounting" ? undefined : builder.randomAuthenticator();
  if (authenticator !== undefined) builder.signature();
  builder
    .text(Type.UserName, `user${slot}@example.net`)
    .put(Type.NasIpAddress, Uint8Array.of(10, 0, 0, 1 + portOf(slot)))
    .number(Type.NasPort, slot)
    .number(Type.NasPortType, 19)
    .text(Type.CalledStationId, `02-00-00-00-00-${String(10 + portOf(slot))}:corp`)
    .text(Type.CallingStationId, macText(slot))
    .text(Type.NasIdentifier, `ap-${portOf(slot)}`);
  if (kind === "accounting") {
    builder
      .number(Type.AcctStatusType, 3)
      .text(Type.AcctSessionId, `session-${slot}`)
      .number(Type.AcctInputOctets, 1000 * turn)
      .number(Type.AcctOutputOctets, 5000 * turn)
      .number(Type.AcctSessionTime, turn)
      .number(Type.EventTimestamp, 1_700_000_000 + turn);
    const packet = builder.finish();
    hop.signAccounting(packet);
    return packet;
  }
  builder.number(Type.ServiceType, 2);
  if (kind === "pap")
    builder.put(
      Type.UserPassword,
      hop.hidePassword("a password", authenticator ?? Buffer.alloc(16)),
    );
  else {
    const round = turn % EAP_ROUNDS;
    putEap(builder, eapPacket(2, round, EAP_UP));
    if (round > 0) builder.put(Type.State, stateOf(round));
  }
  const packet = builder.finish();
  hop.signAccess(packet, builder.signatureAt);
  return packet;
}
