/**
 * NLRI for the model: their keys read from the octets by the book (RFC 7432 section 7, RFC 9136, RFC
 * 9251, RFC 9572), and makers for the operations. Nothing of the codec is used here.
 */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { bytesOf, hexOf, numberAt, octetsIn, slice } from "./hex.js";

/** Key of a route in every table of the model: family, then the octets that name the route. */
export function nlriKey(family: Family, nlri: string): string {
  if (family === Family.Evpn) return `${family}:${evpnKey(nlri)}`;
  return `${family}:${isVpn(family) ? vpnKey(maskPrefix(nlri)) : maskPrefix(nlri)}`;
}

export function isVpn(family: Family): boolean {
  return family === Family.Ipv4Vpn || family === Family.Ipv6Vpn;
}

/** RD and prefix behind the label stack (RFC 4364 section 4.3.4, RFC 8277 section 2). */
function vpnKey(nlri: string): string {
  let labels = 0;
  for (let label = 0; (label & 1) === 0; labels++) {
    label = numberAt(nlri, 1 + 3 * labels, 3);
    if (label === 0 || label === 0x800000) label = 1;
  }
  const bits = numberAt(nlri, 0, 1) - 24 * labels - 64;
  return `${bits}|${slice(nlri, 1 + 3 * labels)}`;
}

/** A VPN route: labels as 24-bit numbers. */
export function vpn(labels: readonly number[], rdHex: string, bits: number, ip: string): string {
  const stack = labels.map((label) => hexOf(label, 3)).join("");
  return prefix(8 * octetsIn(stack + rdHex) + bits, stack + rdHex + ip);
}

/** The same route as a withdrawal may name it: with one label of 0x800000 (RFC 8277 section 2.4). */
export function withdrawnVpn(nlri: string): string {
  const [bits = "0", rest = ""] = vpnKey(nlri).split("|");
  return `${hexOf(24 + 64 + Number(bits), 1)}800000${rest}`;
}

/** The octets that a reflector sends on: those it got, but bits behind a prefix mean nothing. */
export function comparableNlri(family: Family, nlri: string): string {
  if (family !== Family.Evpn) return maskPrefix(nlri);
  return routeTypeOf(nlri) === 5 ? maskType5(nlri) : nlri;
}

export function routeTypeOf(nlri: string): number {
  return numberAt(nlri, 0, 1);
}

/** The ESI of a type 2 route. */
export function esiOf(nlri: string): string {
  return slice(nlri, 10, 10);
}

/**
 * Whether a route type of 1 to 11 has the form of its RFC; "keyed" when it has not and its key can be
 * read all the same. Only the cases that the operations make are told apart. Other types are good
 * here: whether they are wanted is the peer's option.
 */
export function evpnVerdict(nlri: string): "good" | "keyed" | "bad" {
  const body = octetsIn(nlri) - 2;
  switch (routeTypeOf(nlri)) {
    case 2: {
      if (numberAt(nlri, 24, 1) !== 48) return "bad";
      const ip = numberAt(nlri, 31, 1);
      if (![0, 32, 128].includes(ip)) return "bad";
      const labels = body - 30 - ip / 8;
      if (labels === 3 || labels === 6) return "good";
      return labels >= 0 ? "keyed" : "bad";
    }
    case 3:
      return [0, 32, 128].includes(numberAt(nlri, 14, 1)) ? "good" : "bad";
    default:
      return "good";
  }
}

function evpnKey(nlri: string): string {
  const type = routeTypeOf(nlri);
  const body = slice(nlri, 2);
  const name = slice(nlri, 0, 1);
  switch (type) {
    case 1:
      return `${name}|${slice(body, 0, 22)}`;
    case 2: {
      const ip = numberAt(body, 29, 1) / 8;
      return `${name}|${slice(body, 0, 8)}|${slice(body, 18, 12 + ip)}`;
    }
    case 5: {
      const masked = slice(maskType5(nlri), 2);
      const ip = octetsIn(body) === 34 ? 4 : 16;
      return `${name}|${slice(masked, 0, 8)}|${slice(masked, 18, 5 + ip)}`;
    }
    case 6:
    case 7:
      return `${name}|${slice(body, 0, octetsIn(body) - 1)}`;
    case 8:
      return `${name}|${slice(body, 0, octetsIn(body) - 6)}`;
    default:
      return `${name}|${body}`;
  }
}

function maskBits(bytes: Buffer, start: number, bits: number, end: number): void {
  for (let i = start; i < end; i++) {
    const left = bits - (i - start) * 8;
    if (left < 8) bytes[i] = (bytes[i] as number) & (left <= 0 ? 0 : (0xff << (8 - left)) & 0xff);
  }
}

function maskPrefix(nlri: string): string {
  const bytes = bytesOf(nlri);
  maskBits(bytes, 1, numberAt(nlri, 0, 1), bytes.length);
  return bytes.toString("hex");
}

function maskType5(nlri: string): string {
  const bytes = bytesOf(nlri);
  const ip = bytes.length === 36 ? 4 : 16;
  maskBits(bytes, 25, numberAt(nlri, 24, 1), 25 + ip);
  return bytes.toString("hex");
}

/** Cuts a run of NLRI (no path ids) into single ones; undefined when the last one overruns. */
export function splitNlri(family: Family, run: string): string[] | undefined {
  const out: string[] = [];
  for (let at = 0; at < octetsIn(run);) {
    const length =
      family === Family.Evpn
        ? 2 + numberAt(run, at + 1, 1)
        : 1 + Math.ceil(numberAt(run, at, 1) / 8);
    if (Number.isNaN(length) || at + length > octetsIn(run)) return undefined;
    out.push(slice(run, at, length));
    at += length;
  }
  return out;
}

/** RD type 0: AS 65000, assigned number. */
export function rd(number: number): string {
  return `0000fde8${hexOf(number, 4)}`;
}

export const NO_ESI = "00".repeat(10);

export function evpn(type: number, body: string): string {
  return hexOf(type, 1) + hexOf(octetsIn(body), 1) + body;
}

export interface MacIp {
  readonly rd: string;
  readonly mac: string;
  readonly tag?: number;
  readonly ip?: string;
  readonly esi?: string;
  readonly label?: number;
  readonly label2?: number;
}

export function macIp(route: MacIp): string {
  const ip = route.ip ?? "";
  return evpn(
    2,
    route.rd +
      (route.esi ?? NO_ESI) +
      hexOf(route.tag ?? 0, 4) +
      "30" +
      route.mac +
      hexOf(octetsIn(ip) * 8, 1) +
      ip +
      hexOf(route.label ?? 100, 3) +
      (route.label2 === undefined ? "" : hexOf(route.label2, 3)),
  );
}

export function ethernetAd(rdHex: string, esi: string, tag: number, label: number): string {
  return evpn(1, rdHex + esi + hexOf(tag, 4) + hexOf(label, 3));
}

export function imet(rdHex: string, tag: number, ip: string): string {
  return evpn(3, rdHex + hexOf(tag, 4) + hexOf(octetsIn(ip) * 8, 1) + ip);
}

export function ethernetSegment(rdHex: string, esi: string, ip: string): string {
  return evpn(4, rdHex + esi + hexOf(octetsIn(ip) * 8, 1) + ip);
}

export function ipPrefix(
  rdHex: string,
  esi: string,
  tag: number,
  bits: number,
  ip: string,
  gateway: string,
  label: number,
): string {
  return evpn(5, rdHex + esi + hexOf(tag, 4) + hexOf(bits, 1) + ip + gateway + hexOf(label, 3));
}

/** An IPv4 or IPv6 prefix as unicast NLRI. */
export function prefix(bits: number, address: string): string {
  return hexOf(bits, 1) + slice(address, 0, Math.ceil(bits / 8));
}
