/** IPv4 networks as old gateways write them: an address that keeps its host bits, and a mask. */
import { isIPv4 } from "node:net";
import { canonicalPrefix, lengthOfMask, maskOfLength } from "../../model/range.js";

export interface Interface4 {
  readonly address: string;
  readonly length: number;
}

/** `10.0.0.1/8` in its parts, host bits kept. */
export function splitPrefix(prefix: string): Interface4 | undefined {
  const [address = "", tail = "", ...more] = prefix.split("/");
  if (!isIPv4(address) || !/^\d{1,2}$/.test(tail) || Number(tail) > 32) return undefined;
  return more.length > 0 ? undefined : { address, length: Number(tail) };
}

/** `10.0.0.0/8` of an address and a mask, host bits cleared. */
export function networkOfMask(address: string, mask: string): string | undefined {
  const length = lengthOfMask(mask);
  if (!isIPv4(address) || length === undefined) return undefined;
  return canonicalPrefix(`${address}/${length}`);
}

/** `10.0.0.0 255.0.0.0`; the text as it is when it is no IPv4 prefix. */
export function withMask(prefix: string): string {
  const parts = splitPrefix(prefix);
  return parts === undefined ? prefix : `${parts.address} ${maskOfLength(parts.length)}`;
}
