/** Addresses and prefixes in the one way of writing them that nft, comparisons and signatures share. */
import { isIPv4, isIPv6 } from "node:net";

/** Canonical address; undefined = it is none. */
export function readAddress(text: unknown): string | undefined {
  if (typeof text !== "string") return undefined;
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes("%")) return undefined;
  return new URL(`http://[${text}]/`).hostname.slice(1, -1);
}

/** Canonical prefix without bits behind its length: `10.0.0.0/8`; undefined = it is none. */
export function readPrefix(text: unknown): string | undefined {
  const match = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(typeof text === "string" ? text : "");
  const address = readAddress(match?.[1]);
  if (address === undefined) return undefined;
  const bits = address.includes(":") ? 128 : 32;
  const length = match?.[2] === undefined ? bits : Number(match[2]);
  if (length > bits) return undefined;
  const host = (1n << BigInt(bits - length)) - 1n;
  return (numberOf(address) & host) === 0n ? `${address}/${length}` : undefined;
}

export function isV6(address: string): boolean {
  return address.includes(":");
}

/** Whether a canonical prefix holds a canonical address. */
export function prefixHolds(prefix: string, address: string): boolean {
  if (isV6(prefix) !== isV6(address)) return false;
  const [base = "", length = ""] = prefix.split("/");
  const shift = BigInt((isV6(address) ? 128 : 32) - Number(length));
  return numberOf(base) >> shift === numberOf(address) >> shift;
}

function numberOf(address: string): bigint {
  if (!isV6(address)) {
    return address.split(".").reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
  }
  const [left = "", right] = address.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}
