/**
 * Ed25519 keys (RFC 8032) as raw octets and as key objects. DER around them is constant (RFC 8410), so a raw
 * key becomes a key object by a prefix. Public keys of small order are refused: with one of them, signatures
 * exist that verify for every message.
 */
import { createHash, createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { toHex } from "../../util/bytes.js";

export const KEY_OCTETS = 32;
export const KEY_ID_OCTETS = 16;

/** Gives that many octets that nobody can guess; passed in so that tests can repeat themselves. */
export type RandomSource = (octets: number) => Uint8Array;

export const systemRandom: RandomSource = (octets) => new Uint8Array(randomBytes(octets));

export interface SigningKey {
  /** 32 octets. */
  readonly publicKey: Uint8Array;
  readonly privateKey: KeyObject;
}

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_ED25519 = Buffer.from("302a300506032b6570032100", "hex");

/** All encodings of points of order 1, 2, 4 and 8 below 2^255, the sign bit cleared, in hex. */
const SMALL_ORDER = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** 32 octets that may stand for somebody: the right length, and no point of small order. */
export function isPublicKey(raw: Uint8Array): boolean {
  if (raw.length !== KEY_OCTETS) return false;
  const cleared = Uint8Array.from(raw);
  cleared[31] = (cleared[31] ?? 0) & 0x7f;
  return !SMALL_ORDER.has(toHex(cleared));
}

export function keyId(publicKey: Uint8Array): Uint8Array {
  const digest = createHash("sha256").update(publicKey).digest();
  return new Uint8Array(digest.subarray(0, KEY_ID_OCTETS));
}

export function generateSigningKey(random: RandomSource = systemRandom): SigningKey {
  return signingKeyFromSeed(random(KEY_OCTETS));
}

/** @throws Error when the seed is not 32 octets: our own bug. */
export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  if (seed.length !== KEY_OCTETS) throw new Error("a seed has 32 octets");
  const der = Buffer.concat([PKCS8_ED25519, seed]);
  return signingKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
}

/** Undefined when the text is no Ed25519 private key in PEM (PKCS #8), or is encrypted. */
export function signingKeyFromPem(text: string): SigningKey | undefined {
  try {
    const key = createPrivateKey(text);
    return key.asymmetricKeyType === "ed25519" ? signingKey(key) : undefined;
  } catch {
    return undefined;
  }
}

/** PKCS #8 in PEM: a secret. */
export function signingKeyToPem(key: SigningKey): string {
  return key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** Undefined when the text is no Ed25519 public key in PEM, or one of small order. */
export function publicKeyFromPem(text: string): Uint8Array | undefined {
  try {
    return rawPublicKey(createPublicKey(text));
  } catch {
    return undefined;
  }
}

/** Of a key object, for instance a TLS peer's; undefined when it is not Ed25519 or of small order. */
export function rawPublicKey(key: KeyObject): Uint8Array | undefined {
  if (key.asymmetricKeyType !== "ed25519") return undefined;
  const raw = new Uint8Array(
    key.export({ type: "spki", format: "der" }).subarray(SPKI_ED25519.length),
  );
  return isPublicKey(raw) ? raw : undefined;
}

/** Undefined for octets that stand for nobody. */
export function publicKeyObject(raw: Uint8Array): KeyObject | undefined {
  if (!isPublicKey(raw)) return undefined;
  try {
    const der = Buffer.concat([SPKI_ED25519, raw]);
    return createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

function signingKey(privateKey: KeyObject): SigningKey {
  const der = createPublicKey(privateKey).export({ type: "spki", format: "der" });
  return { publicKey: new Uint8Array(der.subarray(SPKI_ED25519.length)), privateKey };
}
