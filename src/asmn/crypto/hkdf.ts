/** HKDF-SHA-256 (RFC 5869) in its two halves, HMAC and SHA-256; labels say purpose and direction. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

export const HASH_OCTETS = 32;

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const mac = createHmac("sha256", key);
  for (const part of parts) mac.update(part);
  return new Uint8Array(mac.digest());
}

/** RFC 5869 section 2.2. */
export function hkdfExtract(salt: Uint8Array, secret: Uint8Array): Uint8Array {
  return hmac(salt, secret);
}

/**
 * RFC 5869 section 2.3, with `evpnd asmn 1 <label>`, a zero octet and the context as info.
 * @param octets at most 8,160
 */
export function hkdfExpand(
  key: Uint8Array,
  label: string,
  context: Uint8Array = new Uint8Array(0),
  octets = HASH_OCTETS,
): Uint8Array {
  const info = Buffer.concat([Buffer.from(`evpnd asmn 1 ${label}\0`, "latin1"), context]);
  const out = new Uint8Array(Math.ceil(octets / HASH_OCTETS) * HASH_OCTETS);
  let block: Uint8Array = new Uint8Array(0);
  for (let at = 0, count = 1; at < octets; at += HASH_OCTETS, count++) {
    block = hmac(key, block, info, Uint8Array.of(count));
    out.set(block, at);
  }
  return out.subarray(0, octets);
}

/** In constant time; false when the lengths differ. */
export function equalSecrets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
