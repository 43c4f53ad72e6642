/**
 * A self-signed Ed25519 certificate (RFC 5280, RFC 8410) for TLS, written as DER by hand: there is one key
 * type, one name and no extension. Nobody reads more of it than the public key, which is pinned; the dates
 * say "always" (RFC 5280 section 4.1.2.5).
 */
import { sign } from "node:crypto";
import { keyId } from "./keys.js";
import type { SigningKey } from "./keys.js";

const SEQUENCE = 0x30;
const SET = 0x31;
const ED25519 = der(SEQUENCE, der(0x06, Buffer.from("2b6570", "hex")));
const COMMON_NAME = der(0x06, Buffer.from("550403", "hex"));

/**
 * PEM. The same key and name give the same certificate.
 * @param name common name, ASCII, at most 64 characters
 */
export function selfSignedCertificate(key: SigningKey, name: string): string {
  const subject = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, COMMON_NAME, der(0x0c, Buffer.from(name, "utf8")))),
  );
  const serial = Buffer.from(keyId(key.publicKey));
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40; // positive, and never a leading zero
  const version3 = der(0xa0, der(0x02, Buffer.of(2)));
  const validity = der(
    SEQUENCE,
    der(0x17, Buffer.from("240101000000Z")),
    der(0x18, Buffer.from("99991231235959Z")),
  );
  const body = der(
    SEQUENCE,
    version3,
    der(0x02, serial),
    ED25519,
    subject,
    validity,
    subject,
    der(SEQUENCE, ED25519, der(0x03, Buffer.of(0), Buffer.from(key.publicKey))),
  );
  const signature = sign(null, body, key.privateKey);
  const whole = der(SEQUENCE, body, ED25519, der(0x03, Buffer.of(0), signature));
  const lines = whole.toString("base64").replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`;
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const short = body.length < 0x80;
  const length = short
    ? Buffer.of(tag, body.length)
    : Buffer.of(tag, 0x82, body.length >>> 8, body.length & 0xff);
  if (short || body.length > 0xff) return Buffer.concat([length, body]);
  return Buffer.concat([Buffer.of(tag, 0x81, body.length), body]);
}
