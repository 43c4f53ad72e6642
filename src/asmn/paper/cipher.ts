/**
 * E_{key}{plain}. The paper names neither cipher nor mode nor any check of integrity. Taken here: AES-256 in CBC
 * mode with PKCS #7 padding, a fresh random IV in front, keyed by SHA-256 of the secret (links are shorter
 * than an AES key, K_ij is longer). There is no authentication tag, because the paper asks for none: an
 * altered message decrypts to something else, and nobody notices. One key serves both directions and all uses.
 *   16 IV | 16 × n ciphertext
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

const CIPHER = "aes-256-cbc";
export const BLOCK_OCTETS = 16;
export const CIPHER_TEXT = "AES-256-CBC with a random IV, no integrity check";

export function seal(secret: Uint8Array, plain: Uint8Array): Uint8Array {
  const iv = randomBytes(BLOCK_OCTETS);
  const cipher = createCipheriv(CIPHER, keyOf(secret), iv);
  return new Uint8Array(Buffer.concat([iv, cipher.update(plain), cipher.final()]));
}

/** undefined when it cannot be decrypted; what decrypts need not be what was sent. */
export function unseal(secret: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < 2 * BLOCK_OCTETS || sealed.length % BLOCK_OCTETS !== 0) return undefined;
  const decipher = createDecipheriv(CIPHER, keyOf(secret), sealed.subarray(0, BLOCK_OCTETS));
  try {
    const head = decipher.update(sealed.subarray(BLOCK_OCTETS));
    return new Uint8Array(Buffer.concat([head, decipher.final()]));
  } catch {
    return undefined;
  }
}

function keyOf(secret: Uint8Array): Uint8Array {
  return createHash("sha256").update(secret).digest();
}
