/**
 * Packets of VICI and how they are cut out of the stream:
 *   u32 length | u8 type | (u8 length | name)? | message
 * Requests, registrations and events have a name; answers have none.
 */
import { readU32, readU8, writeU32 } from "../../util/bytes.js";
import { ViciError } from "./error.js";
import { decodeMessage, encodeMessage, type ViciSection, type ViciTree } from "./message.js";

/** What the daemon accepts and sends at most, in octets. */
export const MOST_SEGMENT = 512 * 1024;

export const PacketType = {
  Request: 0,
  Response: 1,
  UnknownCommand: 2,
  Register: 3,
  Unregister: 4,
  Confirmed: 5,
  UnknownEvent: 6,
  Event: 7,
} as const;

export interface ViciPacket {
  readonly type: number;
  /** Of an event, or of what is asked for. */
  readonly name: string;
  readonly message: ViciTree;
}

/** With its length in front. */
export function encodePacket(type: number, name: string, message?: ViciSection): Uint8Array {
  const text = Buffer.from(name, "utf8");
  const body = message === undefined ? new Uint8Array(0) : encodeMessage(message);
  const head = isNamed(type) ? 2 + text.length : 1;
  const length = head + body.length;
  if (length > MOST_SEGMENT) {
    throw new ViciError("protocol", `"${name}" is larger than the daemon takes: ${length} octets`);
  }
  const packet = new Uint8Array(4 + length);
  writeU32(packet, 0, length);
  packet[4] = type;
  if (isNamed(type)) {
    packet[5] = text.length;
    packet.set(text, 6);
  }
  packet.set(body, 4 + head);
  return packet;
}

/** @param segment without its length */
export function decodePacket(segment: Uint8Array): ViciPacket {
  if (segment.length === 0) throw new ViciError("protocol", "an empty packet");
  const type = readU8(segment, 0);
  if (type > PacketType.Event) throw new ViciError("protocol", `unknown packet type ${type}`);
  if (!isNamed(type)) return { type, name: "", message: decodeMessage(segment.subarray(1)) };
  const end = 2 + (segment.length > 1 ? readU8(segment, 1) : 0);
  if (segment.length < end) throw new ViciError("protocol", "a packet ends inside its name");
  const name = Buffer.from(segment.subarray(2, end)).toString("utf8");
  return { type, name, message: decodeMessage(segment.subarray(end)) };
}

function isNamed(type: number): boolean {
  return (
    type === PacketType.Request ||
    type === PacketType.Register ||
    type === PacketType.Unregister ||
    type === PacketType.Event
  );
}

/** Cuts segments out of what comes, however it was split. Holds one segment at most. */
export class SegmentReader {
  private waiting: Uint8Array[] = [];
  private size = 0;

  /** @throws {ViciError} `protocol` when a length is beyond what the protocol allows */
  push(chunk: Uint8Array): Uint8Array[] {
    this.waiting.push(chunk);
    this.size += chunk.length;
    if (this.size < 4) return [];
    const first = this.waiting[0]!;
    // Joined only when the next segment is complete: chunks of a long one are copied once.
    const head = first.length >= 4 ? first : this.join();
    if (this.size < 4 + lengthAt(head, 0)) return [];
    const bytes = this.join();
    const segments: Uint8Array[] = [];
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = lengthAt(bytes, at);
      if (bytes.length - at - 4 < length) break;
      segments.push(bytes.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    const rest = bytes.subarray(at);
    this.waiting = rest.length === 0 ? [] : [rest];
    this.size = rest.length;
    return segments;
  }

  private join(): Uint8Array {
    if (this.waiting.length > 1) this.waiting = [Buffer.concat(this.waiting)];
    return this.waiting[0]!;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const length = readU32(bytes, at);
  if (length > MOST_SEGMENT) {
    throw new ViciError("protocol", `a packet of ${length} octets: this is not the IKE daemon`);
  }
  return length;
}
