/**
 * What the payloads beside the security association say: identities, notifies, deletes, vendor ids,
 * traffic selectors (RFC 2407 section 4.6.2 and 4.6.3, RFC 2408 section 3.14 to 3.16, RFC 7296 section 3.5
 * to 3.13). Key exchange data, nonces, hashes and certificates are told by their length alone.
 */
import { SocketAddress } from "node:net";
import { lifetimeText, LIFE_UNITS, numberIn, decodeAttributes } from "./attributes.js";
import {
  ID_TYPES,
  GROUPS,
  nameOf,
  NOTIFIES_V1,
  NOTIFIES_V2,
  PROTOCOLS,
  VENDOR_IDS,
} from "./names.js";
import { hex } from "./proposals.js";

export interface IkeField {
  readonly name: string;
  readonly value: string;
}

/** Longest piece of octets that is shown. */
const MOST_HEX = 64;

/** Fields of the payload of that type with its body in `bytes[at, end)`; undefined when it is too short. */
export function payloadFields(
  type: number,
  version: 1 | 2,
  bytes: Uint8Array,
  at: number,
  end: number,
): readonly IkeField[] | undefined {
  const name = version === 1 ? V1[type] : V2[type];
  const reader = name ?? opaque;
  return reader(bytes, at, end);
}

type Reader = (bytes: Uint8Array, at: number, end: number) => readonly IkeField[] | undefined;

const V1: Readonly<Record<number, Reader>> = {
  4: opaque,
  5: identityV1,
  8: opaque,
  10: opaque,
  11: notifyV1,
  12: deleteV1,
  13: vendor,
};

const V2: Readonly<Record<number, Reader>> = {
  34: keyExchange,
  35: identityV2,
  36: identityV2,
  39: authentication,
  41: notifyV2,
  42: deleteV2,
  43: vendor,
  44: selectors,
  45: selectors,
};

function opaque(_bytes: Uint8Array, at: number, end: number): IkeField[] {
  return [{ name: "octets", value: String(end - at) }];
}

function identityV1(bytes: Uint8Array, at: number, end: number): IkeField[] | undefined {
  if (end - at < 4) return undefined;
  const port = u16(bytes, at + 2);
  return [
    { name: "type", value: typeText(bytes[at]!) },
    { name: "protocol", value: String(bytes[at + 1]!) },
    { name: "port", value: String(port) },
    { name: "identity", value: identityText(bytes[at]!, bytes, at + 4, end) },
  ];
}

function identityV2(bytes: Uint8Array, at: number, end: number): IkeField[] | undefined {
  if (end - at < 4) return undefined;
  return [
    { name: "type", value: typeText(bytes[at]!) },
    { name: "identity", value: identityText(bytes[at]!, bytes, at + 4, end) },
  ];
}

function typeText(type: number): string {
  return `${type} (${ID_TYPES[type] ?? "unknown"})`;
}

function identityText(type: number, bytes: Uint8Array, at: number, end: number): string {
  const octets = end - at;
  if (type === 1 && octets === 4) return ipv4(bytes, at);
  if (type === 4 && octets === 8) return `${ipv4(bytes, at)}/${ipv4(bytes, at + 4)}`;
  if (type === 7 && octets === 8) return `${ipv4(bytes, at)}-${ipv4(bytes, at + 4)}`;
  if (type === 5 && octets === 16) return ipv6(bytes, at);
  if (type === 6 && octets === 32) return `${ipv6(bytes, at)}/${ipv6(bytes, at + 16)}`;
  if (type === 8 && octets === 32) return `${ipv6(bytes, at)}-${ipv6(bytes, at + 16)}`;
  if (type === 2 || type === 3) return printable(bytes, at, end);
  return octetsText(bytes, at, end);
}

function notifyV1(bytes: Uint8Array, at: number, end: number): IkeField[] | undefined {
  // 4 DOI | 1 protocol | 1 SPI octets | 2 type | SPI | data
  if (end - at < 8) return undefined;
  const spiOctets = bytes[at + 5]!;
  const type = u16(bytes, at + 6);
  const data = at + 8 + spiOctets;
  if (data > end) return undefined;
  return [
    { name: "notify", value: `${nameOf(NOTIFIES_V1, type)}${named(NOTIFIES_V1[type], type)}` },
    { name: "protocol", value: nameOf(PROTOCOLS, bytes[at + 4]!) },
    ...(spiOctets === 0 ? [] : [{ name: "SPI", value: octetsText(bytes, at + 8, data) }]),
    ...dataV1(type, bytes, data, end),
  ];
}

function dataV1(type: number, bytes: Uint8Array, at: number, end: number): IkeField[] {
  if (at === end) return [];
  // Attributes of phase 2, whatever it is about.
  if (type === 24576) {
    return decodeAttributes(bytes, at, end, 2).list.map(({ name, value }) => ({ name, value }));
  }
  if (end - at === 4 && (type === 36136 || type === 36137)) {
    return [{ name: "sequence", value: numberIn(bytes, at, end).toString() }];
  }
  return [{ name: "data", value: octetsText(bytes, at, end) }];
}

function notifyV2(bytes: Uint8Array, at: number, end: number): IkeField[] | undefined {
  // 1 protocol | 1 SPI octets | 2 type | SPI | data
  if (end - at < 4) return undefined;
  const spiOctets = bytes[at + 1]!;
  const type = u16(bytes, at + 2);
  const data = at + 4 + spiOctets;
  if (data > end) return undefined;
  return [
    { name: "notify", value: `${nameOf(NOTIFIES_V2, type)}${named(NOTIFIES_V2[type], type)}` },
    ...(spiOctets === 0
      ? []
      : [
          { name: "protocol", value: nameOf(PROTOCOLS, bytes[at]!) },
          { name: "SPI", value: octetsText(bytes, at + 4, data) },
        ]),
    ...dataV2(type, bytes, data, end),
  ];
}

function dataV2(type: number, bytes: Uint8Array, at: number, end: number): IkeField[] {
  if (at === end) return [];
  if (type === 17 && end - at === 2) {
    return [{ name: "wants group", value: nameOf(GROUPS, u16(bytes, at)) }];
  }
  if (type === 16403 && end - at === 4) {
    return [
      { name: "lifetime", value: lifetimeText(numberIn(bytes, at, end), 4, true, LIFE_UNITS[1]!) },
    ];
  }
  return [{ name: "data", value: octetsText(bytes, at, end) }];
}

function deleteV1(bytes: Uint8Array, at: number, end: number): IkeField[] | undefined {
  // 4 DOI | 1 protocol | 1 SPI octets | 2 count | SPIs
  if (end - at < 8) return undefined;
  return [
    { name: "protocol", value: nameOf(PROTOCOLS, bytes[at + 4]!) },
    { name: "SPIs", value: spis(bytes, at + 8, end, bytes[at + 5]!) },
  ];
}

function deleteV2(bytes: Uint8Array, at: number, end: number): IkeField[] | undefined {
  // 1 protocol | 1 SPI octets | 2 count | SPIs
  if (end - at < 4) return undefined;
  return [
    { name: "protocol", value: nameOf(PROTOCOLS, bytes[at]!) },
    { name: "SPIs", value: spis(bytes, at + 4, end, bytes[at + 1]!) },
  ];
}

function spis(bytes: Uint8Array, at: number, end: number, octets: number): string {
  const list: string[] = [];
  if (octets > 0) {
    for (; at + octets <= end && list.length < 16; at += octets)
      list.push(hex(bytes, at, at + octets));
  }
  return list.length === 0 ? "none" : list.join(" ");
}

function vendor(bytes: Uint8Array, at: number, end: number): IkeField[] {
  const text = hex(bytes, at, Math.min(end, at + MOST_HEX));
  const known = VENDOR_IDS.find(([start]) => text.startsWith(start));
  return [{ name: "vendor", value: known === undefined ? text : `${text} (${known[1]})` }];
}

function keyExchange(bytes: Uint8Array, at: number, end: number): IkeField[] | undefined {
  if (end - at < 4) return undefined;
  return [
    { name: "group", value: nameOf(GROUPS, u16(bytes, at)) },
    { name: "octets", value: String(end - at - 4) },
  ];
}

function authentication(bytes: Uint8Array, at: number, end: number): IkeField[] | undefined {
  if (end - at < 4) return undefined;
  const methods = {
    1: "RSA signature",
    2: "shared key",
    3: "DSS signature",
    14: "digital signature",
  };
  return [
    { name: "method", value: nameOf(methods, bytes[at]!) },
    { name: "octets", value: String(end - at - 4) },
  ];
}

/** 1 count | 3 reserved | each: 1 type | 1 protocol | 2 length | 2 port | 2 port | first | last */
function selectors(bytes: Uint8Array, at: number, end: number): IkeField[] | undefined {
  if (end - at < 4) return undefined;
  const fields: IkeField[] = [];
  for (at += 4; at + 8 <= end && fields.length < 64;) {
    const length = u16(bytes, at + 2);
    const octets = (length - 8) / 2;
    if (length < 8 || at + length > end) return undefined;
    const v4 = bytes[at] === 7 && octets === 4;
    const v6 = bytes[at] === 8 && octets === 16;
    const text = v4
      ? `${ipv4(bytes, at + 8)}-${ipv4(bytes, at + 12)}`
      : v6
        ? `${ipv6(bytes, at + 8)}-${ipv6(bytes, at + 24)}`
        : octetsText(bytes, at + 8, at + length);
    const ports = `${u16(bytes, at + 4)}-${u16(bytes, at + 6)}`;
    const all = ports === "0-65535" && bytes[at + 1] === 0;
    const rest = all ? "" : `, protocol ${bytes[at + 1]!}, ports ${ports}`;
    fields.push({ name: "selector", value: `${text}${rest}` });
    at += length;
  }
  return fields;
}

/** The number of a name; one without says it already. */
function named(name: string | undefined, type: number): string {
  return name === undefined ? "" : ` (${type})`;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function ipv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]!}.${bytes[at + 1]!}.${bytes[at + 2]!}.${bytes[at + 3]!}`;
}

function ipv6(bytes: Uint8Array, at: number): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(u16(bytes, at + i).toString(16));
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}

function printable(bytes: Uint8Array, at: number, end: number): string {
  let text = "";
  for (let i = at; i < Math.min(end, at + 255); i++) {
    const code = bytes[i]!;
    text += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : ".";
  }
  return text;
}

function octetsText(bytes: Uint8Array, at: number, end: number): string {
  const text = hex(bytes, at, Math.min(end, at + MOST_HEX));
  return end - at > MOST_HEX ? `${text}… (${end - at} octets)` : text;
}
