/**
 * The 19 octets in front of every BGP message (RFC 4271 sections 4.1 and 6.1).
 *   16 marker, all ones | 2 length of the whole message | 1 type
 * The verdict needs these 19 octets only, so that a bad length is known before a body arrives.
 */
import { readI32, readU16, readU8, writeU16 } from "../util/bytes.js";
import { MessageType } from "./iana.js";
import { NO_DATA, resetFault, type DecodeFault } from "./fault.js";

export const HEADER_LENGTH = 19;
/** Most octets of a message without RFC 8654, and of OPEN and KEEPALIVE always. */
export const MAX_LENGTH = 4096;
/** Most octets of a message when the receiver advertised Extended Message (RFC 8654). */
export const MAX_LENGTH_EXTENDED = 65535;

const FAULT_MARKER = -1;
const FAULT_LENGTH = -2;
const FAULT_TYPE = -3;

/**
 * Checks the header at `offset`; 19 octets must be there.
 * @param maxLength 4096, or 65535 when we advertised Extended Message
 * @returns the message's length in octets, 19 at least; negative when `headerFault` has something to say
 */
export function checkHeader(bytes: Uint8Array, offset: number, maxLength: number): number {
  if (
    (readI32(bytes, offset) &
      readI32(bytes, offset + 4) &
      readI32(bytes, offset + 8) &
      readI32(bytes, offset + 12)) !==
    -1
  ) {
    return FAULT_MARKER;
  }
  const length = readU16(bytes, offset + 16);
  if (length < HEADER_LENGTH || length > maxLength) return FAULT_LENGTH;
  switch (readU8(bytes, offset + 18)) {
    case MessageType.Open:
      return length < 29 || length > MAX_LENGTH ? FAULT_LENGTH : length;
    case MessageType.Update:
      return length < 23 ? FAULT_LENGTH : length;
    case MessageType.Notification:
      return length < 21 ? FAULT_LENGTH : length;
    case MessageType.Keepalive:
      return length !== HEADER_LENGTH ? FAULT_LENGTH : length;
    case MessageType.RouteRefresh:
      return length < 23 ? FAULT_LENGTH : length;
    default:
      return FAULT_TYPE;
  }
}

/** What `checkHeader` found wrong, as a value; undefined for a good header. */
export function headerFault(
  bytes: Uint8Array,
  offset: number,
  maxLength: number,
): DecodeFault | undefined {
  const type = readU8(bytes, offset + 18);
  switch (checkHeader(bytes, offset, maxLength)) {
    case FAULT_MARKER:
      return resetFault(1, 1, "marker is not all ones (RFC 4271 section 6.1)");
    case FAULT_LENGTH: {
      const length = readU16(bytes, offset + 16);
      const detail = `bad message length ${length} for type ${type} (RFC 4271 section 6.1)`;
      if (type === MessageType.Notification) return resetFault(0, 0, detail, NO_DATA);
      return resetFault(1, 2, detail, bytes.slice(offset + 16, offset + 18));
    }
    case FAULT_TYPE:
      return resetFault(
        1,
        3,
        `unknown message type ${type} (RFC 4271 section 6.1)`,
        bytes.slice(offset + 18, offset + 19),
      );
    default:
      return undefined;
  }
}

/** Writes a header at the front of `message`, with its length. */
export function writeHeader(message: Uint8Array, type: number): Uint8Array {
  message.fill(0xff, 0, 16);
  writeU16(message, 16, message.length);
  message[18] = type;
  return message;
}

/** A message of `type` around `body`. */
export function frame(type: number, body: Uint8Array): Uint8Array {
  const message = new Uint8Array(HEADER_LENGTH + body.length);
  message.set(body, HEADER_LENGTH);
  return writeHeader(message, type);
}
