/**
 * IPv4 and IPv6 VPN NLRI (RFC 4364 section 4.3.4, RFC 4659 section 3.2, labels as in RFC 8277 section 2):
 *   1 length in bits of what follows | 3 each label | 8 RD | prefix octets
 */
import { copyBytes, fromHex, readU8, toHex } from "../util/bytes.js";
import { Family, type VpnFamily } from "./family.js";
import { NlriScan, maskNlri, scanNlri } from "./nlri-scan.js";
import { formatIp, parseIp } from "./values/ip.js";
import { decodeLabel, writeLabel, type Label } from "./values/label.js";
import { decimal, parseRd, rdToText, shortenRd } from "./values/rd.js";

export interface VpnPrefixNlri {
  /** `type:administrator:number`. */
  readonly rd: string;
  /** `203.0.113.0/24`, bits beyond the length cleared. */
  readonly prefix: string;
  /** Top first; a withdrawal has one of 0x800000 (RFC 8277 section 2.4). */
  readonly labels: readonly Label[];
  /** The octets on the wire, where bits beyond the length were set. */
  readonly hex?: string;
}

const LABEL = 3;
const RD = 8;
const scan = new NlriScan();
/** One length octet, the 32 that it can speak of, and zeros for the rest of an address. */
const masked = new Uint8Array(64);

/** The NLRI in `bytes[start, end)`, which `scanNlri` has found good. */
export function decodeVpnPrefix(
  family: VpnFamily,
  bytes: Uint8Array,
  start: number,
  end: number,
): VpnPrefixNlri {
  scanNlri(family, bytes, start, end, false, scan);
  const key = scan.keyStart - start;
  const labels: Label[] = [];
  for (let at = start + 1; at < scan.keyStart; at += LABEL) labels.push(decodeLabel(bytes, at));
  masked.fill(0);
  maskNlri(family, bytes, scan, masked, 0);
  const octets = family === Family.Ipv4Vpn ? 4 : 16;
  const prefix = `${formatIp(masked, key + RD, octets)}/${scan.routeType}`;
  const nlri = { rd: rdToText(masked, key), prefix, labels };
  return scan.hostBits ? { ...nlri, hex: toHex(bytes, start, end) } : nlri;
}

/** Throws RangeError for an RD or a prefix that is none, for no label, and for too many. */
export function encodeVpnPrefix(nlri: VpnPrefixNlri): Uint8Array {
  const raw = nlri.hex === undefined ? undefined : fromHex(nlri.hex);
  if (raw !== undefined) return raw;
  const slash = nlri.prefix.indexOf("/");
  const address = parseIp(nlri.prefix.slice(0, slash));
  const bits = decimal(nlri.prefix.slice(slash + 1), 128);
  const rd = parseRd(nlri.rd);
  if (address === undefined || bits === undefined || bits > 8 * address.length) {
    throw new RangeError(`not a prefix: ${nlri.prefix}`);
  }
  if (rd === undefined) throw new RangeError(`not a route distinguisher: ${nlri.rd}`);
  const count = nlri.labels.length;
  const length = 8 * (LABEL * count + RD) + bits;
  if (count === 0 || length > 255) throw new RangeError(`a VPN route cannot have ${count} labels`);
  const bytes = new Uint8Array(1 + ((length + 7) >>> 3));
  bytes[0] = length;
  let at = 1;
  for (const label of nlri.labels) at = writeLabel(bytes, at, label);
  bytes.set(rd, at);
  copyBytes(address, 0, bytes.length - at - RD, bytes, at + RD);
  return bytes;
}

/** `65000:100:203.0.113.0/24`. */
export function formatVpnPrefix(nlri: VpnPrefixNlri): string {
  return `${shortenRd(nlri.rd)}:${nlri.prefix}`;
}

/**
 * Writes the withdrawal of the VPN NLRI at `bytes[from]`, of `prefixBits`, to `target`: one label of
 * 0x800000 in place of its own (RFC 8277 section 2.4). Hot path.
 * @returns end offset, `vpnWithdrawalLength(prefixBits)` behind `at`
 */
export function writeVpnWithdrawal(
  bytes: Uint8Array,
  from: number,
  prefixBits: number,
  target: Uint8Array,
  at: number,
): number {
  const end = from + 1 + ((readU8(bytes, from) + 7) >>> 3);
  target[at] = 8 * (LABEL + RD) + prefixBits;
  target[at + 1] = 0x80;
  target[at + 2] = 0;
  target[at + 3] = 0;
  return copyBytes(bytes, end - RD - ((prefixBits + 7) >>> 3), end, target, at + 1 + LABEL);
}

/** Octets of the withdrawal of a prefix of that many bits. */
export function vpnWithdrawalLength(prefixBits: number): number {
  return 1 + LABEL + RD + ((prefixBits + 7) >>> 3);
}
