/** TCP MD5 keys of trusted instances beside those of the settings, which they stand before. */
import { canonicalAddress } from "../transport/socket-address.js";
import type { Protection } from "../transport/protection.js";

/** @param instances keys by address */
export function keyed(protection: Protection, instances: ReadonlyMap<string, string>): Protection {
  if (instances.size === 0) return protection;
  const own = [...instances].map(([address, key]) => ({
    address: canonicalAddress(address),
    prefixLength: undefined,
    key,
  }));
  const taken = new Set(own.map(({ address }) => address));
  const others = protection.keys.filter(
    ({ address, prefixLength }) => prefixLength !== undefined || !taken.has(address),
  );
  return { ...protection, keys: [...others, ...own] };
}
