/**
 * The BFD control packet (RFC 5880 section 4.1), authentication section excluded (`auth.ts`).
 *
 *   3 version, 5 diagnostic | 2 state, P F C A D M | 1 detect multiplier | 1 length
 *   4 my discriminator | 4 your discriminator
 *   4 desired min TX | 4 required min RX | 4 required min echo RX (microseconds)
 *
 * Decoding applies the checks of section 6.8.6 that need no session.
 */
import { readU32, readU8, writeU32 } from "../../util/bytes.js";

export const BfdState = { AdminDown: 0, Down: 1, Init: 2, Up: 3 } as const;
export type BfdState = (typeof BfdState)[keyof typeof BfdState];

export const STATE_NAMES = ["AdminDown", "Down", "Init", "Up"] as const;
export type BfdStateName = (typeof STATE_NAMES)[number];

/** RFC 5880 section 4.1. */
export const Diag = {
  None: 0,
  DetectionTimeExpired: 1,
  EchoFailed: 2,
  NeighborSignaledDown: 3,
  ForwardingPlaneReset: 4,
  PathDown: 5,
  ConcatenatedPathDown: 6,
  AdministrativelyDown: 7,
  ReverseConcatenatedPathDown: 8,
} as const;

const DIAG_NAMES = [
  "none",
  "control detection time expired",
  "echo function failed",
  "neighbor signaled session down",
  "forwarding plane reset",
  "path down",
  "concatenated path down",
  "administratively down",
  "reverse concatenated path down",
] as const;

export function diagName(diag: number): string {
  return DIAG_NAMES[diag] ?? `diagnostic ${diag}`;
}

export interface BfdPacket {
  readonly diag: number;
  readonly state: BfdState;
  readonly poll: boolean;
  readonly final: boolean;
  /** C: the sender's BFD does not share the fate of its control plane. */
  readonly independent: boolean;
  readonly demand: boolean;
  readonly multiplier: number;
  readonly myDiscriminator: number;
  readonly yourDiscriminator: number;
  /** Microseconds. */
  readonly minTx: number;
  readonly minRx: number;
  readonly minEchoRx: number;
  /** The authentication section is there. */
  readonly authenticated: boolean;
  /** Octets of the packet by its own word; the datagram may have more. */
  readonly length: number;
}

export const PACKET_LENGTH = 24;
const VERSION = 1;
const POLL = 0x20;
const FINAL = 0x10;
const INDEPENDENT = 0x08;
const AUTHENTICATED = 0x04;
const DEMAND = 0x02;
const MULTIPOINT = 0x01;
/** Type and length of an authentication section. */
const AUTH_HEADER = 2;

/** The packet, or why it is to be discarded. */
export function decodePacket(bytes: Uint8Array): BfdPacket | string {
  if (bytes.length < PACKET_LENGTH) return "shorter than a control packet";
  if (readU8(bytes, 0) >>> 5 !== VERSION) return "unknown version";
  const flags = readU8(bytes, 1);
  const length = readU8(bytes, 3);
  const authenticated = (flags & AUTHENTICATED) !== 0;
  if (length < PACKET_LENGTH + (authenticated ? AUTH_HEADER : 0)) return "length field too small";
  if (length > bytes.length) return "length field beyond the datagram";
  const multiplier = readU8(bytes, 2);
  if (multiplier === 0) return "detect multiplier 0";
  if ((flags & MULTIPOINT) !== 0) return "multipoint bit set";
  const myDiscriminator = readU32(bytes, 4);
  if (myDiscriminator === 0) return "my discriminator 0";
  const state = (flags >>> 6) as BfdState;
  const yourDiscriminator = readU32(bytes, 8);
  if (yourDiscriminator === 0 && state !== BfdState.Down && state !== BfdState.AdminDown) {
    return "your discriminator 0 in a state beyond Down";
  }
  return {
    diag: readU8(bytes, 0) & 0x1f,
    state,
    poll: (flags & POLL) !== 0,
    final: (flags & FINAL) !== 0,
    independent: (flags & INDEPENDENT) !== 0,
    demand: (flags & DEMAND) !== 0,
    multiplier,
    myDiscriminator,
    yourDiscriminator,
    minTx: readU32(bytes, 12),
    minRx: readU32(bytes, 16),
    minEchoRx: readU32(bytes, 20),
    authenticated,
    length,
  };
}

/** @param authLength octets of the authentication section, whose room is left zero at the end */
export function encodePacket(packet: Omit<BfdPacket, "length">, authLength = 0): Uint8Array {
  const length = PACKET_LENGTH + authLength;
  const bytes = new Uint8Array(length);
  bytes[0] = (VERSION << 5) | (packet.diag & 0x1f);
  bytes[1] =
    (packet.state << 6) |
    (packet.poll ? POLL : 0) |
    (packet.final ? FINAL : 0) |
    (packet.independent ? INDEPENDENT : 0) |
    (packet.authenticated ? AUTHENTICATED : 0) |
    (packet.demand ? DEMAND : 0);
  bytes[2] = packet.multiplier;
  bytes[3] = length;
  writeU32(bytes, 4, packet.myDiscriminator);
  writeU32(bytes, 8, packet.yourDiscriminator);
  writeU32(bytes, 12, packet.minTx);
  writeU32(bytes, 16, packet.minRx);
  writeU32(bytes, 20, packet.minEchoRx);
  return bytes;
}
