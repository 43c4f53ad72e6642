/** X25519 (RFC 7748) with halves that live for one exchange. An all-zero shared secret is none. */
import { createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { KEY_OCTETS, systemRandom } from "./keys.js";
import type { RandomSource } from "./keys.js";

export interface Ephemeral {
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
}

const PKCS8_X25519 = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_X25519 = Buffer.from("302a300506032b656e032100", "hex");

export function makeEphemeral(random: RandomSource = systemRandom): Ephemeral {
  const der = Buffer.concat([PKCS8_X25519, random(KEY_OCTETS)]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return { publicKey: new Uint8Array(spki.subarray(SPKI_X25519.length)), privateKey };
}

/** Undefined when the other half is not 32 octets, or of small order: the secret would be all zero. */
export function agree(own: Ephemeral, other: Uint8Array): Uint8Array | undefined {
  if (other.length !== KEY_OCTETS) return undefined;
  try {
    const der = Buffer.concat([SPKI_X25519, other]);
    const publicKey = createPublicKey({ key: der, format: "der", type: "spki" });
    const secret = new Uint8Array(diffieHellman({ privateKey: own.privateKey, publicKey }));
    return secret.some((octet) => octet !== 0) ? secret : undefined;
  } catch {
    // OpenSSL refuses an all-zero secret by an exception.
    return undefined;
  }
}
