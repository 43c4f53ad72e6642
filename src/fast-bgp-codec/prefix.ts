/** IPv4 and IPv6 unicast NLRI (RFC 4271 section 4.3): 1 length in bits | prefix octets. */
import { copyBytes, fromHex, readU8, toHex } from "../util/bytes.js";
import { Family } from "./family.js";
import { NlriScan, maskNlri, scanNlri } from "./nlri-scan.js";
import { formatIp, parseIp } from "./values/ip.js";
import { decimal } from "./values/rd.js";

export interface PrefixNlri {
  /** `203.0.113.0/24`, bits beyond the length cleared. */
  readonly prefix: string;
  /** The octets on the wire, where bits beyond the length were set. */
  readonly hex?: string;
}

const scan = new NlriScan();
const masked = new Uint8Array(32);

export function decodePrefix(
  family: Family,
  bytes: Uint8Array,
  start: number,
  end: number,
): PrefixNlri {
  scanNlri(family, bytes, start, end, false, scan);
  masked.fill(0);
  maskNlri(family, bytes, scan, masked, 0);
  const octets = family === Family.Ipv4Unicast ? 4 : 16;
  const prefix = `${formatIp(masked, 1, octets)}/${readU8(bytes, start)}`;
  return scan.hostBits ? { prefix, hex: toHex(bytes, start, end) } : { prefix };
}

/** Throws RangeError when `prefix` is none. */
export function encodePrefix(nlri: PrefixNlri): Uint8Array {
  const slash = nlri.prefix.indexOf("/");
  const address = parseIp(nlri.prefix.slice(0, slash));
  const bits = decimal(nlri.prefix.slice(slash + 1), 128);
  const raw = nlri.hex === undefined ? undefined : fromHex(nlri.hex);
  if (raw !== undefined) return raw;
  if (address === undefined || bits === undefined || bits > 8 * address.length) {
    throw new RangeError(`not a prefix: ${nlri.prefix}`);
  }
  const bytes = new Uint8Array(1 + ((bits + 7) >>> 3));
  bytes[0] = bits;
  copyBytes(address, 0, bytes.length - 1, bytes, 1);
  return bytes;
}
