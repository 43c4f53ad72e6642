/** Documents of roots of trust, made for those that sign: a platform's statement, a TPM's quote as agents send it. */
import { fromHex, toHex } from "../../util/bytes.js";
import { readPublicKey } from "../../util/public-key.js";
import { signingKeyFromPem } from "../crypto/index.js";
import type { InstanceNames } from "../crypto/index.js";
import { signPlatformDocument } from "../protocol/root-of-trust.js";
import { encodeTpmDocument, parseQuote, tpmKeyId } from "../protocol/tpm-quote.js";
import { parseTpmSignature } from "../protocol/tpm-signature.js";

/** Something given is not what it should be: a sentence that says what to do. */
export class DocumentError extends Error {}

export interface PlatformStatement extends InstanceNames {
  readonly platform: string;
  /** 64 hexadecimal digits each. */
  readonly image: string;
  readonly instanceKey: string;
  /** Undefined: good for as long as the Sec-EM's settings say. */
  readonly challenge: string | undefined;
  /** Wall-clock milliseconds. */
  readonly time: number;
}

/** Public half of a platform's key, 64 hexadecimal digits. Throws `DocumentError`. */
export function platformKey(pem: string): string {
  return toHex(keyOf(pem).publicKey);
}

/** Hexadecimal digits. @param pem the platform's private key; throws `DocumentError` */
export function platformDocument(pem: string, statement: PlatformStatement): string {
  const { challenge, image, instanceKey } = statement;
  const octets = (what: string, text: string): Uint8Array => {
    const value = /^[0-9a-f]{64}$/.test(text) ? fromHex(text) : undefined;
    if (value === undefined) throw new DocumentError(`the ${what} is 64 hexadecimal digits`);
    return value;
  };
  return toHex(
    signPlatformDocument(
      {
        ...statement,
        image: octets("image's digest", image),
        instanceKey: octets("instance's key", instanceKey),
        challenge: challenge === undefined ? undefined : octets("challenge", challenge),
      },
      keyOf(pem),
    ),
  );
}

/**
 * Hexadecimal digits. Throws `DocumentError`.
 * @param pem public half of the attestation key
 * @param attest TPMS_ATTEST, as `tpm2_quote --message` writes it
 * @param signed TPMT_SIGNATURE, as `tpm2_quote --signature` writes it
 */
export function tpmDocument(pem: string, attest: Uint8Array, signed: Uint8Array): string {
  const key = readPublicKey(pem);
  if (!key.ok) throw new DocumentError(`the attestation key: ${key.problem}; ${key.remedy}`);
  if (parseQuote(attest) === undefined) {
    throw new DocumentError("the message is no quote; give what tpm2_quote --message wrote");
  }
  const parsed = parseTpmSignature(signed);
  if (parsed === undefined) {
    throw new DocumentError(
      "the signature is none with SHA-256; give what tpm2_quote --hash-algorithm sha256 --signature wrote",
    );
  }
  return toHex(encodeTpmDocument({ keyId: tpmKeyId(key.der), ...parsed, attest }));
}

function keyOf(pem: string) {
  const key = signingKeyFromPem(pem);
  if (key !== undefined) return key;
  throw new DocumentError(
    "the platform's key is no Ed25519 private key in PEM; openssl genpkey -algorithm ed25519 makes one",
  );
}
