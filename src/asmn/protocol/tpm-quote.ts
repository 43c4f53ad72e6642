/**
 * Quotes of a TPM 2.0 (TCG TPM 2.0 Library, Part 2 "TPMS_ATTEST"): signature by a registered attestation key,
 * fresh by the challenge, over the digest of the PCRs that are registered with the key.
 *
 *   4 magic "\xffTCG" | 2 type | 2+n qualified signer | 2+n extra data | 17 clock | 8 firmware
 *   4 count of {2 hash | 1 size | bitmap} | 2+n digest
 */
import { constants, createPublicKey, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { readU16, readU32, toHex } from "../../util/bytes.js";
import { equalSecrets, sha256 } from "../crypto/index.js";
import { choice, octets, octetsUpTo } from "./kinds.js";
import { defineStruct, field } from "./struct.js";
import type { Struct } from "./struct.js";
import { fail, pass } from "./words.js";
import type { Checked } from "./words.js";

const MAGIC = 0xff544347;
const QUOTE = 0x8018;
const CLOCK_AND_FIRMWARE = 25;

export type QuoteAlgorithm = "ecdsa-sha256" | "rsassa-sha256" | "rsapss-sha256";

export interface TpmDocument {
  /** First 16 octets of SHA-256 of the attestation key (SubjectPublicKeyInfo). */
  readonly keyId: Uint8Array;
  readonly algorithm: QuoteAlgorithm;
  readonly attest: Uint8Array;
  /** ECDSA: r and s behind one another, 32 octets each. */
  readonly signature: Uint8Array;
}

/** What is registered of a TPM. */
export interface TpmKey {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  /** TPML_PCR_SELECTION as the quote must have it, and the digest over those PCRs. */
  readonly selection: Uint8Array;
  readonly digest: Uint8Array;
}

/** What is registered of the key with that id (hex), for the instance and the image that the evidence names. */
export type TpmKeys = (keyId: string) => readonly TpmKey[];

const struct: Struct<TpmDocument> = defineStruct("TPM document", {
  keyId: field(1, octets(16)),
  algorithm: field(
    2,
    choice<QuoteAlgorithm>({ "ecdsa-sha256": 1, "rsassa-sha256": 2, "rsapss-sha256": 3 }),
  ),
  attest: field(3, octetsUpTo(2048)),
  signature: field(4, octetsUpTo(1024)),
});

export function encodeTpmDocument(document: TpmDocument): Uint8Array {
  return struct.encode(document);
}

/** Undefined for octets that are no document. */
export function openTpmDocument(bytes: Uint8Array): TpmDocument | undefined {
  const decoded = struct.decode(bytes);
  return decoded.ok ? decoded.value : undefined;
}

export function tpmKeyId(publicKey: Uint8Array): Uint8Array {
  return sha256(publicKey).subarray(0, 16);
}

export function verifyTpmDocument(
  bytes: Uint8Array,
  challenge: Uint8Array,
  keys: TpmKeys,
): Checked<undefined> {
  const decoded = struct.decode(bytes);
  if (!decoded.ok) return fail("root-of-trust", decoded.sentence);
  const { keyId, algorithm, attest, signature } = decoded.value;
  const known = keys(toHex(keyId));
  const [key] = known;
  if (key === undefined)
    return fail(
      "root-of-trust",
      `no TPM key ${toHex(keyId)} is registered for this instance and image`,
    );
  // All of one id are one key.
  if (!isSignedBy(key.publicKey, algorithm, attest, signature))
    return fail("root-of-trust", "the quote's signature is wrong");
  const quote = parseQuote(attest);
  if (quote === undefined) return fail("root-of-trust", "the attestation blob is no quote");
  if (!equalSecrets(quote.extraData, challenge))
    return fail("root-of-trust", "the quote belongs to another challenge");
  const chosen = known.filter(({ selection }) => equalSecrets(quote.selection, selection));
  if (chosen.length === 0)
    return fail("root-of-trust", "the quote is over other PCRs than are registered");
  return chosen.some(({ digest }) => equalSecrets(quote.digest, digest))
    ? pass(undefined)
    : fail("root-of-trust", "the PCRs are not what is registered: something else was booted");
}

export interface Quote {
  readonly extraData: Uint8Array;
  /** TPML_PCR_SELECTION, as it came. */
  readonly selection: Uint8Array;
  readonly digest: Uint8Array;
}

/** Undefined for anything that is no quote, whole and with nothing behind it. */
export function parseQuote(attest: Uint8Array): Quote | undefined {
  if (attest.length < 10 || readU32(attest, 0) !== MAGIC || readU16(attest, 4) !== QUOTE)
    return undefined;
  const signer = sized(attest, 6);
  const extra = signer && sized(attest, signer.end);
  if (extra === undefined) return undefined;
  const begin = extra.end + CLOCK_AND_FIRMWARE;
  const end = selectionEnd(attest, begin);
  const digest = end === undefined ? undefined : sized(attest, end);
  if (end === undefined || digest?.end !== attest.length) return undefined;
  return {
    extraData: extra.octets,
    selection: Uint8Array.from(attest.subarray(begin, end)),
    digest: digest.octets,
  };
}

function sized(bytes: Uint8Array, at: number): { octets: Uint8Array; end: number } | undefined {
  if (at + 2 > bytes.length) return undefined;
  const end = at + 2 + readU16(bytes, at);
  return end > bytes.length
    ? undefined
    : { octets: Uint8Array.from(bytes.subarray(at + 2, end)), end };
}

function selectionEnd(bytes: Uint8Array, begin: number): number | undefined {
  if (begin + 4 > bytes.length) return undefined;
  const count = readU32(bytes, begin);
  let at = begin + 4;
  for (let index = 0; index < count; index++) {
    if (at + 3 > bytes.length) return undefined;
    at += 3 + (bytes[at + 2] ?? 0);
  }
  return at > bytes.length ? undefined : at;
}

function isSignedBy(
  publicKey: Uint8Array,
  algorithm: QuoteAlgorithm,
  body: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" });
    const isOfKind = key.asymmetricKeyType === (algorithm === "ecdsa-sha256" ? "ec" : "rsa");
    return isOfKind && verify("sha256", body, options(key, algorithm), signature);
  } catch {
    // A key or a signature of another kind than it says.
    return false;
  }
}

function options(key: KeyObject, algorithm: QuoteAlgorithm) {
  switch (algorithm) {
    case "ecdsa-sha256":
      return { key, dsaEncoding: "ieee-p1363" as const };
    case "rsassa-sha256":
      return { key, padding: constants.RSA_PKCS1_PADDING };
    case "rsapss-sha256":
      return { key, padding: constants.RSA_PKCS1_PSS_PADDING };
  }
}
