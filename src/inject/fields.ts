/** Single members of a route to inject, from text to what the codec takes; faults are sentences. */
import {
  formatEsi,
  formatIp,
  formatMac,
  parseCommunity,
  parseEsi,
  parseIp,
  parseMac,
  parseRd,
  parseRouteTarget,
} from "../fast-bgp-codec/index.js";
import { invalid } from "./error.js";

export const VNI_MOST = 0xffffff;
export const LABEL_MOST = 0xfffff;
const U32_MOST = 0xffffffff;

/** An address that a host or a PE can have, in its usual form. */
export function addressText(name: string, text: string): string {
  const bytes = parseIp(text);
  if (bytes === undefined) {
    throw invalid(`${name} "${text}" is no IP address; write a whole IPv4 or IPv6 address`);
  }
  const first = bytes[0]!;
  const isNone = bytes.every((octet) => octet === 0);
  const isMulticast = bytes.length === 4 ? first >= 224 : first === 0xff;
  if (isNone || isMulticast) {
    throw invalid(`${name} "${text}" is no address of one machine`);
  }
  return formatIp(bytes, 0, bytes.length);
}

export function groupText(name: string, text: string): string {
  const bytes = parseIp(text);
  const isGroup =
    bytes !== undefined && (bytes.length === 4 ? (bytes[0]! & 0xf0) === 0xe0 : bytes[0]! === 0xff);
  if (!isGroup) throw invalid(`${name} "${text}" is no multicast group`);
  return formatIp(bytes, 0, bytes.length);
}

/** `address/length`, bits behind the length cleared. */
export function prefixText(text: string): { address: string; length: number } {
  const [address = "", bits = ""] = text.split("/");
  const bytes = parseIp(address);
  const length = Number(bits);
  if (bytes === undefined || !/^\d{1,3}$/.test(bits) || length > 8 * bytes.length) {
    throw invalid(`prefix "${text}" is none; write for example 192.0.2.0/24`);
  }
  for (let bit = length; bit < 8 * bytes.length; bit++) {
    const mask = 0x80 >>> (bit & 7);
    if ((bytes[bit >>> 3]! & mask) === 0) continue;
    throw invalid(`prefix "${text}" has bits behind its length; set them to 0`);
  }
  return { address: formatIp(bytes, 0, bytes.length), length };
}

export function macText(name: string, text: string): string {
  const bytes = parseMac(text);
  if (bytes === undefined) {
    throw invalid(`${name} "${text}" is no MAC address; write for example 52:54:00:00:00:01`);
  }
  return formatMac(bytes, 0);
}

/** A station's: neither a group nor nobody. */
export function stationText(name: string, text: string): string {
  const mac = macText(name, text);
  if ((parseInt(mac.slice(0, 2), 16) & 1) !== 0 || mac === "00:00:00:00:00:00") {
    throw invalid(`${name} "${text}" is a group or nobody's; a station's MAC is needed`);
  }
  return mac;
}

export function esiText(text: string): string {
  const bytes = parseEsi(text);
  if (bytes === undefined) {
    throw invalid(
      `esi "${text}" is no ESI; write its ten octets, for example 00:11:22:33:44:55:66:77:88:99`,
    );
  }
  return formatEsi(bytes, 0);
}

export function rdText(text: string): string {
  if (parseRd(text) !== undefined) return text;
  throw invalid(
    `rd "${text}" is no route distinguisher; write for example 10.0.0.1:100 or 65000:100`,
  );
}

export function routeTargetText(text: string): string {
  const plain = text.replace(/^(rt|target):/, "");
  if (parseRouteTarget(plain) !== undefined) return plain;
  throw invalid(`route target "${text}" is none; write for example 65000:100`);
}

export function communityText(text: string): string {
  if (parseCommunity(text) !== undefined) return text;
  throw invalid(`community "${text}" is none; write for example 65000:1`);
}

export function numberOf(name: string, value: number, most = U32_MOST, least = 0): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw invalid(`${name} ${value} is out of range; write a whole number from ${least} to ${most}`);
}
