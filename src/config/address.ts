/** Addresses, prefixes and endpoints as people write them. At the edge only: speed does not matter here. */
import { isIP, isIPv4, SocketAddress } from "node:net";
import { IPv4CidrRange, IPv6CidrRange } from "ip-num";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Canonical text of an IPv4 or IPv6 address; undefined when it is none. Zones (`%eth0`) are not addresses here. */
export function canonicalAddress(text: string): string | undefined {
  if (text.includes("%")) return undefined;
  const kind = isIP(text);
  if (kind === 0) return undefined;
  return kind === 4 ? text : new SocketAddress({ address: text, family: "ipv6" }).address;
}

/** `10.0.0.1:179` or `[2001:db8::1]:179`; port 0 is not allowed. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const address = canonicalAddress(match[1] ?? match[2] ?? "");
  const port = Number(match[3]);
  if (address === undefined || port < 1 || port > 65535) return undefined;
  if ((match[1] !== undefined) === isIPv4(address)) return undefined;
  return { address, port };
}

export function formatEndpoint(endpoint: Endpoint): string {
  return endpoint.address.includes(":")
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;
}

export interface ParsedPrefix {
  /** Canonical, host bits cleared. */
  readonly text: string;
  /** The text had bits set beyond its length. */
  readonly hostBits: boolean;
}

export function parsePrefix(text: string): ParsedPrefix | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text);
  const address = canonicalAddress(match?.[1] ?? "");
  const length = Number(match?.[2]);
  if (address === undefined || length > (isIPv4(address) ? 32 : 128)) return undefined;
  const range = isIPv4(address)
    ? IPv4CidrRange.fromCidr(`${address}/${length}`)
    : IPv6CidrRange.fromCidr(`${address}/${length}`);
  const first = canonicalAddress(range.getFirst().toString()) ?? address;
  return { text: `${first}/${length}`, hostBits: first !== address };
}

/** Dotted quad of an unsigned 32-bit number. */
export function dottedQuad(value: number): string {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join(".");
}

export function isLoopback(address: string): boolean {
  return address === "::1" || (isIPv4(address) && address.startsWith("127."));
}

/** Whether all of `inner` is in `outer`; both canonical. */
export function containsPrefix(outer: string, inner: string): boolean {
  const [network = "", length = ""] = outer.split("/");
  const [address = "", innerLength = ""] = inner.split("/");
  if (isIPv4(network) !== isIPv4(address) || Number(innerLength) < Number(length)) return false;
  return parsePrefix(`${address}/${length}`)?.text === outer;
}
