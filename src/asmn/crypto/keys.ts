/**
 * Ed25519 keys (RFC 8032) as raw octets and as key objects. Public keys of small order are refused: with one
 * of them, signatures exist that verify for every message.
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
  return signingKey(privateKeyObject("Ed25519", seed));
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
  const raw = rawHalf(key);
  return isPublicKey(raw) ? raw : undefined;
}

/** Undefined for octets that stand for nobody. */
export function publicKeyObject(raw: Uint8Array): KeyObject | undefined {
  if (!isPublicKey(raw)) return undefined;
  try {
    return publicHalf("Ed25519", raw);
  } catch {
    return undefined;
  }
}

/**
 * A raw private half as a key object. As JWK (RFC 8037), whose `x` node derives anew: that takes a tenth of
 * the time that DER takes, and every step makes such a key.
 */
export function privateKeyObject(crv: "Ed25519" | "X25519", raw: Uint8Array): KeyObject {
  const d = Buffer.from(raw).toString("base64url");
  return createPrivateKey({ key: { kty: "OKP", crv, d, x: "" }, format: "jwk" });
}

/** @throws Error for octets that are no key */
export function publicHalf(crv: "Ed25519" | "X25519", raw: Uint8Array): KeyObject {
  const x = Buffer.from(raw).toString("base64url");
  return createPublicKey({ key: { kty: "OKP", crv, x }, format: "jwk" });
}

/** The public half of an Ed25519 or X25519 key, 32 octets. */
export function rawHalf(key: KeyObject): Uint8Array {
  return new Uint8Array(Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url"));
}

function signingKey(privateKey: KeyObject): SigningKey {
  return { publicKey: rawHalf(createPublicKey(privateKey)), privateKey };
}
