/**
 * ISAKMP and IKE messages in words (RFC 2408 section 3, RFC 7296 section 3): what is in clear, and payloads
 * that somebody has decrypted already. Any octets are taken; what cannot be read is told and ends the reading.
 *   8 initiator SPI | 8 responder SPI | 1 next payload | 1 version | 1 exchange | 1 flags | 4 message id | 4 length
 *   payload: 1 next payload | 1 critical | 2 length | body
 */
import { EXCHANGES, nameOf, PAYLOADS_V1, PAYLOADS_V2 } from "./names.js";
import { payloadFields, type IkeField } from "./payload-fields.js";
import { decodeProposals, hex, type IkeProposal } from "./proposals.js";

export interface IkePayload {
  /** As traces write it: `SA`, `KE`, `NOTIF`. */
  readonly name: string;
  /** With its header of 4. */
  readonly octets: number;
  readonly fields: readonly IkeField[];
  readonly proposals: readonly IkeProposal[];
}

export interface IkeMessage {
  readonly version: 1 | 2;
  readonly initiatorSpi: string;
  readonly responderSpi: string;
  readonly exchange: string;
  /** v1: nothing known of it. v2: by the flag. */
  readonly kind: "request" | "response" | undefined;
  readonly messageId: number;
  /** Its payloads are not in clear. */
  readonly encrypted: boolean;
  readonly octets: number;
  readonly payloads: readonly IkePayload[];
  /** What is wrong with it, a sentence each. */
  readonly problems: readonly string[];
}

export interface IkePayloads {
  readonly payloads: readonly IkePayload[];
  readonly problems: readonly string[];
}

const HEADER = 28;
/** Of one message more are not looked at. */
const MOST_PAYLOADS = 128;
const SA = { 1: 1, 2: 33 } as const;
const SK = 46;
const SKF = 53;

/** Undefined when it is too short to be one, or of another protocol. */
export function decodeIke(octets: Uint8Array): IkeMessage | undefined {
  const bytes = withoutMarker(octets);
  if (bytes.length < HEADER) return undefined;
  const major = bytes[17]! >>> 4;
  if (major !== 1 && major !== 2) return undefined;
  const flags = bytes[19]!;
  const stated = u32(bytes, 24);
  const end = Math.min(bytes.length, stated);
  const problems: string[] = [];
  if (stated !== bytes.length) {
    problems.push(`the header says ${stated} octets, ${bytes.length} are there`);
  }
  const encrypted = major === 1 ? (flags & 1) !== 0 : bytes[16] === SK || bytes[16] === SKF;
  const inside: IkePayloads =
    major === 1 && encrypted
      ? { payloads: [], problems: [] }
      : decodePayloads(bytes, HEADER, Math.max(HEADER, end), bytes[16]!, major);
  return {
    version: major,
    initiatorSpi: hex(bytes, 0, 8),
    responderSpi: hex(bytes, 8, 16),
    exchange: nameOf(EXCHANGES, bytes[18]!),
    kind: major === 1 ? undefined : (flags & 0x20) === 0 ? "request" : "response",
    messageId: u32(bytes, 20),
    encrypted,
    octets: bytes.length,
    payloads: inside.payloads,
    problems: [...problems, ...inside.problems],
  };
}

/** A chain of payloads in clear, the first of them of type `first`. */
export function decodePayloads(
  bytes: Uint8Array,
  at: number,
  end: number,
  first: number,
  version: 1 | 2,
): IkePayloads {
  const payloads: IkePayload[] = [];
  let type = first;
  while (type !== 0) {
    const length = at + 4 > end ? 0 : (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const name = nameOf(version === 1 ? PAYLOADS_V1 : PAYLOADS_V2, type);
    if (length < 4 || at + length > end) {
      return { payloads, problems: [`the payload ${name} is cut off`] };
    }
    const { payload, problem } = decodeOne(type, name, version, bytes, at + 4, at + length);
    payloads.push(payload);
    if (problem !== undefined) return { payloads, problems: [`${name}: ${problem}`] };
    // Its first inner payload, which nobody here can read.
    if (version === 2 && (type === SK || type === SKF)) return { payloads, problems: [] };
    if (payloads.length === MOST_PAYLOADS) {
      return { payloads, problems: [`more than ${MOST_PAYLOADS} payloads`] };
    }
    type = bytes[at]!;
    at += length;
  }
  return { payloads, problems: at < end ? [`${end - at} octets behind the last payload`] : [] };
}

function decodeOne(
  type: number,
  name: string,
  version: 1 | 2,
  bytes: Uint8Array,
  at: number,
  end: number,
): { payload: IkePayload; problem: string | undefined } {
  const octets = end - at + 4;
  if (type === SA[version]) {
    // IKEv1: DOI and situation stand in front.
    const from = version === 1 ? at + 8 : at;
    const { list, problem } =
      from > end
        ? { list: [], problem: "it is cut off" }
        : decodeProposals(bytes, from, end, version);
    return { payload: { name, octets, fields: [], proposals: list }, problem };
  }
  const fields = payloadFields(type, version, bytes, at, end);
  return {
    payload: { name, octets, fields: fields ?? [], proposals: [] },
    problem: fields === undefined ? "it is cut off" : undefined,
  };
}

/** On port 4500 four zeros tell IKE from ESP (RFC 3948 section 2.2); no initiator SPI begins so. */
function withoutMarker(bytes: Uint8Array): Uint8Array {
  const marked =
    bytes.length > 4 && bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 0 && bytes[3] === 0;
  return marked ? bytes.subarray(4) : bytes;
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  );
}
