/** Literal addresses for socket structures. Cold: a few calls per connection. */
import { isIPv4, isIPv6 } from "node:net";

export interface SocketAddress {
  /** 4 or 16 octets. */
  readonly bytes: Uint8Array;
  /** Interface behind `%`, empty when none. */
  readonly zone: string;
}

/** Throws RangeError when `text` is not a literal address. */
export function parseSocketAddress(text: string): SocketAddress {
  const [address = "", zone = ""] = text.split("%", 2);
  if (isIPv4(address)) return { bytes: ipv4Bytes(address), zone };
  if (isIPv6(address)) return { bytes: ipv6Bytes(address), zone };
  throw new RangeError(`not a literal IP address: ${text}`);
}

/** One spelling per address, so that addresses can be compared as text: lower case, shortest form, zone kept. */
export function canonicalAddress(text: string): string {
  const percent = text.indexOf("%");
  const address = percent < 0 ? text : text.slice(0, percent);
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) throw new RangeError(`not a literal IP address: ${text}`);
  // The URL parser writes IPv6 as RFC 5952 says.
  const host = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (mapped !== null) {
    const high = parseInt(mapped[1]!, 16);
    const low = parseInt(mapped[2]!, 16);
    return `${high >>> 8}.${high & 255}.${low >>> 8}.${low & 255}`;
  }
  return host + (percent < 0 ? "" : text.slice(percent));
}

function ipv4Bytes(text: string): Uint8Array {
  return Uint8Array.from(text.split("."), Number);
}

function ipv6Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  let tail = 16;
  let plain = text;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    bytes.set(ipv4Bytes(dotted[2]!), 12);
    tail = 12;
    plain = dotted[1]!.endsWith("::") ? dotted[1]! : dotted[1]!.slice(0, -1);
  }
  const [left = "", right] = plain.split("::", 2);
  const view = new DataView(bytes.buffer);
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  groups(left).forEach((group, i) => view.setUint16(2 * i, parseInt(group, 16)));
  const last = groups(right ?? "");
  last.forEach((group, i) => view.setUint16(tail - 2 * (last.length - i), parseInt(group, 16)));
  return bytes;
}
