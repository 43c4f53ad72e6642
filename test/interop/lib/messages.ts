/** BGP messages built by hand for the scripted speaker: bytes in, bytes out, errors allowed. */
import { bytesOf, EVPN } from "./wire.js";

export function u8(value: number): string {
  return value.toString(16).padStart(2, "0");
}

export function u16(value: number): string {
  return value.toString(16).padStart(4, "0");
}

export function u24(value: number): string {
  return value.toString(16).padStart(6, "0");
}

export function u32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, "0");
}

/** Dotted quad as 8 hex digits. */
export function ip4(address: string): string {
  return address
    .split(".")
    .map((part) => u8(Number(part)))
    .join("");
}

export function message(type: number, body: string): Buffer {
  const bytes = bytesOf(body);
  return Buffer.concat([Buffer.alloc(16, 0xff), bytesOf(u16(19 + bytes.length) + u8(type)), bytes]);
}

export const KEEPALIVE = message(4, "");

/** One capability: code and value in hex. */
export type Capability = readonly [code: number, value: string];

export function multiprotocol(family: number): Capability {
  return [1, `${u16(family >> 8)}00${u8(family & 0xff)}`];
}

/** A tuple of the ADD-PATH capability (RFC 7911 section 4). */
export function addPath(family: number, receive: boolean, send: boolean): string {
  return u16(family >> 8) + u8(family & 0xff) + u8((receive ? 1 : 0) | (send ? 2 : 0));
}

export interface OpenFields {
  readonly as: number;
  readonly holdTime: number;
  readonly routerId: string;
  readonly capabilities: readonly Capability[];
  readonly version?: number;
}

/** All capabilities in one parameter, as GoBGP and Junos do. */
export function open(fields: OpenFields): Buffer {
  const list = fields.capabilities
    .map(([code, value]) => u8(code) + u8(value.length / 2) + value)
    .join("");
  const parameter = list === "" ? "" : `02${u8(list.length / 2)}${list}`;
  const as = fields.as > 0xffff ? 23456 : fields.as;
  return message(
    1,
    u8(fields.version ?? 4) +
      u16(as) +
      u16(fields.holdTime) +
      ip4(fields.routerId) +
      u8(parameter.length / 2) +
      parameter,
  );
}

export function notification(code: number, subcode: number, data = ""): Buffer {
  return message(3, u8(code) + u8(subcode) + data);
}

export function attribute(flags: number, code: number, value: string): string {
  const length = value.length / 2;
  return length > 255 || (flags & 0x10) !== 0
    ? u8(flags | 0x10) + u8(code) + u16(length) + value
    : u8(flags) + u8(code) + u8(length) + value;
}

export const ORIGIN = attribute(0x40, 1, "00");
export const AS_PATH_EMPTY = attribute(0x40, 2, "");
export const LOCAL_PREF = attribute(0x40, 5, u32(100));

export function reach(family: number, nextHop: string, nlri: string): string {
  return attribute(
    0x80,
    14,
    u16(family >> 8) + u8(family & 0xff) + u8(nextHop.length / 2) + nextHop + "00" + nlri,
  );
}

export function unreach(family: number, nlri: string): string {
  return attribute(0x80, 15, u16(family >> 8) + u8(family & 0xff) + nlri);
}

/** An UPDATE of these attributes, with IPv4 withdrawals in front and IPv4 NLRI behind. */
export function update(attributes: string, nlri = "", withdrawn = ""): Buffer {
  return message(
    2,
    u16(withdrawn.length / 2) + withdrawn + u16(attributes.length / 2) + attributes + nlri,
  );
}

export function endOfRib(family: number): Buffer {
  return update(unreach(family, ""));
}

/** The usual iBGP announcement: MP_REACH first, mandatory attributes, then `more`. */
export function announce(family: number, nextHop: string, nlri: string, more = ""): Buffer {
  return update(reach(family, nextHop, nlri) + ORIGIN + AS_PATH_EMPTY + LOCAL_PREF + more);
}

export function withdraw(family: number, nlri: string): Buffer {
  return update(unreach(family, nlri));
}

export function refresh(family: number, subtype = 0): Buffer {
  return message(5, u16(family >> 8) + u8(subtype) + u8(family & 0xff));
}

export function extendedCommunities(...communities: readonly string[]): string {
  return attribute(0xc0, 16, communities.join(""));
}

/** Route target of a 2-octet AS. */
export function routeTarget(as: number, number: number): string {
  return `0002${u16(as)}${u32(number)}`;
}

export const VXLAN = "030c000000000008";

export function mobility(sequence: number, sticky = false): string {
  return `0600${sticky ? "01" : "00"}00${u32(sequence)}`;
}

/** Type 1 RD. */
export function rd(address: string, number: number): string {
  return `0001${ip4(address)}${u16(number)}`;
}

export const ESI_ZERO = "00".repeat(10);

function evpn(type: number, body: string): string {
  return u8(type) + u8(body.length / 2) + body;
}

/** Type 1; tag 0xffffffff = per ES. */
export function ethernetAd(
  routeDistinguisher: string,
  esi: string,
  tag: number,
  label: number,
): string {
  return evpn(1, routeDistinguisher + esi + u32(tag) + u24(label));
}

export interface MacIpFields {
  readonly rd: string;
  /** Twelve hex digits. */
  readonly mac: string;
  /** Hex, 0, 4 or 16 octets. */
  readonly ip?: string;
  readonly label: number;
  readonly label2?: number;
  readonly esi?: string;
  readonly tag?: number;
}

/** Type 2. */
export function macIp(fields: MacIpFields): string {
  const ip = fields.ip ?? "";
  return evpn(
    2,
    fields.rd +
      (fields.esi ?? ESI_ZERO) +
      u32(fields.tag ?? 0) +
      "30" +
      fields.mac +
      u8(ip.length * 4) +
      ip +
      u24(fields.label) +
      (fields.label2 === undefined ? "" : u24(fields.label2)),
  );
}

/** Type 3; `originator` in hex. */
export function imet(routeDistinguisher: string, originator: string, tag = 0): string {
  return evpn(3, routeDistinguisher + u32(tag) + u8(originator.length * 4) + originator);
}

/** Type 4. */
export function ethernetSegment(
  routeDistinguisher: string,
  esi: string,
  originator: string,
): string {
  return evpn(4, routeDistinguisher + esi + u8(originator.length * 4) + originator);
}

/** Type 5, IPv4 or IPv6 by the size of `prefix`. */
export function ipPrefix(
  routeDistinguisher: string,
  bits: number,
  prefix: string,
  label: number,
): string {
  return evpn(
    5,
    routeDistinguisher +
      ESI_ZERO +
      u32(0) +
      u8(bits) +
      prefix +
      "00".repeat(prefix.length / 2) +
      u24(label),
  );
}

/** Type 6, (*,G). */
export function smet(
  routeDistinguisher: string,
  group: string,
  originator: string,
  flags: number,
): string {
  return evpn(
    6,
    routeDistinguisher +
      u32(0) +
      "00" +
      u8(group.length * 4) +
      group +
      u8(originator.length * 4) +
      originator +
      u8(flags),
  );
}

/** A VPN route (RFC 4364 section 4.3.4): 24-bit labels, RD and the octets of the prefix in hex. */
export function vpn(
  labels: readonly number[],
  routeDistinguisher: string,
  bits: number,
  prefix: string,
): string {
  const stack = labels.map(u24).join("");
  const octets = prefix.slice(0, 2 * Math.ceil(bits / 8));
  return u8(stack.length * 4 + 64 + bits) + stack + routeDistinguisher + octets;
}

/** PMSI_TUNNEL, ingress replication. */
export function pmsiIngress(label: number, endpoint: string): string {
  return attribute(0xc0, 22, "0006" + u24(label) + endpoint);
}

/** Numbered locally administered MACs. */
export function mac(pe: number, number: number): string {
  return `0200${u16(pe)}${u16(number)}`;
}

/** A plain VXLAN MAC route's announcement. */
export function announceMac(
  address: string,
  vni: number,
  macHex: string,
  more: readonly string[] = [],
): Buffer {
  return announce(
    EVPN,
    ip4(address),
    macIp({ rd: rd(address, vni), mac: macHex, label: vni }),
    extendedCommunities(VXLAN, routeTarget(65000, vni), ...more),
  );
}

export function withdrawMac(address: string, vni: number, macHex: string): Buffer {
  return withdraw(EVPN, macIp({ rd: rd(address, vni), mac: macHex, label: 0 }));
}
