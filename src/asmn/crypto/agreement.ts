/** X25519 (RFC 7748) with halves that live for one exchange. An all-zero shared secret is none. */
import { createPublicKey, diffieHellman } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { KEY_OCTETS, privateKeyObject, publicHalf, rawHalf, systemRandom } from "./keys.js";
import type { RandomSource } from "./keys.js";

export interface Ephemeral {
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
}

export function makeEphemeral(random: RandomSource = systemRandom): Ephemeral {
  const privateKey = privateKeyObject("X25519", random(KEY_OCTETS));
  return { publicKey: rawHalf(createPublicKey(privateKey)), privateKey };
}

/** Undefined when the other half is not 32 octets, or of small order: the secret would be all zero. */
export function agree(own: Ephemeral, other: Uint8Array): Uint8Array | undefined {
  if (other.length !== KEY_OCTETS) return undefined;
  try {
    const publicKey = publicHalf("X25519", other);
    const secret = new Uint8Array(diffieHellman({ privateKey: own.privateKey, publicKey }));
    return secret.some((octet) => octet !== 0) ? secret : undefined;
  } catch {
    // OpenSSL refuses an all-zero secret by an exception.
    return undefined;
  }
}
