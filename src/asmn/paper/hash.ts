/** The hashes that the paper chooses among: CRC32, MD5, SHA-1. None of them is fit for integrity today. */
import { plainHasher } from "../measure/index.js";
import { fromHex } from "./identifier.js";

export const CHAIN_HASHES = ["crc32", "md5", "sha1"] as const;
export type ChainHash = (typeof CHAIN_HASHES)[number];

/** Bits of a digest, and so of an exponent of phase 2. */
export const HASH_BITS: Readonly<Record<ChainHash, number>> = { crc32: 32, md5: 128, sha1: 160 };

/** CRC32 is four octets in network order. */
export function hashOf(name: ChainHash, octets: Uint8Array): Uint8Array {
  const hasher = plainHasher(name);
  hasher.update(octets);
  return fromHex(hasher.digest());
}

/** How many decimal digits the largest number of so many bits has. */
export function decimalDigits(bits: number): number {
  return (2n ** BigInt(bits) - 1n).toString().length;
}
