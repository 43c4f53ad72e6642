/**
 * NOTIFICATION (RFC 4271 section 4.5): 1 code | 1 subcode | data. With the shutdown communication
 * (RFC 9003) and the hard reset around another NOTIFICATION (RFC 8538).
 */
import { readU8, toHex } from "../util/bytes.js";
import { NO_DATA } from "./fault.js";
import { HEADER_LENGTH, writeHeader } from "./header.js";
import { Cease, MessageType, NOTIFICATION_CODES, NOTIFICATION_SUBCODES } from "./iana.js";

export interface Notification {
  readonly code: number;
  readonly subcode: number;
  readonly data: Uint8Array;
}

/** The whole message. Data that would not fit into 4096 octets is cut. */
export function encodeNotification(notification: Notification): Uint8Array {
  const length = Math.min(notification.data.length, 4096 - HEADER_LENGTH - 2);
  const message = new Uint8Array(HEADER_LENGTH + 2 + length);
  message[19] = notification.code;
  message[20] = notification.subcode;
  message.set(notification.data.subarray(0, length), 21);
  return writeHeader(message, MessageType.Notification);
}

/** `bytes[start, end)` is the whole message, its header checked. */
export function decodeNotification(bytes: Uint8Array, start: number, end: number): Notification {
  return {
    code: readU8(bytes, start + HEADER_LENGTH),
    subcode: readU8(bytes, start + HEADER_LENGTH + 1),
    data: bytes.slice(start + HEADER_LENGTH + 2, end),
  };
}

/**
 * Data of an administrative shutdown or reset with a text for the other side's operator.
 * @param most octets of UTF-8: 128 unless the peer is known to take 255 (RFC 9003 section 2)
 */
export function shutdownData(text: string, most = 128): Uint8Array {
  const utf8 = Buffer.from(text.replaceAll("\0", ""), "utf8");
  let length = Math.min(utf8.length, most, 255);
  // Not in the middle of a character: octets 10xxxxxx continue one.
  while (length < utf8.length && length > 0 && (readU8(utf8, length) & 0xc0) === 0x80) length--;
  const data = new Uint8Array(1 + length);
  data[0] = length;
  data.set(utf8.subarray(0, length), 1);
  return data;
}

/** The text of a shutdown communication; undefined when there is none or it is not UTF-8. */
export function shutdownText(notification: Notification): string | undefined {
  const { code, subcode, data } = notification;
  if (code !== 6 || data.length === 0 || readU8(data, 0) > data.length - 1) return undefined;
  if (subcode !== Cease.AdministrativeShutdown && subcode !== Cease.AdministrativeReset) {
    return undefined;
  }
  try {
    const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return utf8.decode(data.subarray(1, 1 + readU8(data, 0)));
  } catch {
    return undefined;
  }
}

/** One line for people: names, the shutdown text with control characters escaped, else the data in hex. */
export function describeNotification(notification: Notification): string {
  const { code, subcode, data } = notification;
  const name = NOTIFICATION_CODES[code] ?? "Unknown";
  const subname = NOTIFICATION_SUBCODES[code]?.[subcode];
  const head = `${code}/${subcode} ${name}${subname === undefined ? "" : `, ${subname}`}`;
  if (code === 6 && subcode === Cease.HardReset && data.length >= 2) {
    const inner = { code: readU8(data, 0), subcode: readU8(data, 1), data: data.subarray(2) };
    // One level: a hard reset inside a hard reset is shown by its numbers.
    const nested = inner.code === 6 && inner.subcode === Cease.HardReset;
    return `${head} (${describeNotification(nested ? { ...inner, data: NO_DATA } : inner)})`;
  }
  const text = shutdownText(notification);
  if (text !== undefined) return text === "" ? head : `${head}: "${escapeControls(text)}"`;
  return data.length === 0 ? head : `${head} [${toHex(data)}]`;
}

/** Control, format and line-separating characters as \\u{…}: nothing a peer sends moves a terminal's cursor. */
function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}"\\]/gu,
    (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`,
  );
}
