/**
 * Whom a limit by address counts together. An IPv4 address stands for itself; whoever has an IPv6 address has
 * the 2^64 of its /64 as well, so that a limit by single addresses is none.
 */
import { isIPv4, isIPv6 } from "node:net";

/** Of one IPv6 /64, as a multiple of what one address may: it may be one host, or a subnet of many. */
export const BLOCK_SHARE = 8;

/**
 * @param address as sockets have it: an IPv4-mapped one is IPv4, a zone does not count
 * @returns `2001:db8:0:1::/64`; undefined for what has no block beyond itself
 */
export function addressBlock(address: string): string | undefined {
  const [bare = ""] = address.toLowerCase().split("%");
  const mapped = /^::ffff:([\d.]+)$/.exec(bare)?.[1];
  if (!isIPv6(bare) || (mapped !== undefined && isIPv4(mapped))) return undefined;
  const [head = "", tail] = bare.split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  // A dotted quad at the end stands for two groups; it is behind the first four in any case.
  const length = first.length + last.length + (last.at(-1)?.includes(".") === true ? 1 : 0);
  const missing = tail === undefined ? 0 : 8 - length;
  const groups = [...first, ...Array<string>(missing).fill("0"), ...last].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
