/**
 * Who wrote this packet: Message-Authenticator (RFC 3579 section 3.2), Accounting and dynamic
 * Request Authenticators (RFC 2866 section 3, RFC 5176 section 2.3), Response Authenticators
 * (RFC 2865 section 3).
 *
 * The HMAC runs over the packet with the attribute zeroed and with a given authenticator field: in a
 * request its own (Access-Request, Status-Server) or zeros (accounting, CoA), in a response that of
 * the request.
 */
import { equalBytes, readU16 } from "../../util/bytes.js";
import { Code, HEADER } from "./iana.js";
import { md5 } from "./md5.js";
import type { Secret } from "./md5.js";

export const ZERO_AUTHENTICATOR: Uint8Array = new Uint8Array(16);
const result = new Uint8Array(16);

/** Puts the HMAC into the attribute at `at`; `field` is what stands for the authenticator. */
export function signMessage(
  bytes: Uint8Array,
  at: number,
  field: Uint8Array,
  secret: Secret,
): void {
  messageHmac(bytes, at, field, secret, bytes, at + 2);
}

export function messageFits(
  bytes: Uint8Array,
  at: number,
  field: Uint8Array,
  secret: Secret,
): boolean {
  messageHmac(bytes, at, field, secret, result, 0);
  return sameDigest(result, bytes, at + 2);
}

function messageHmac(
  bytes: Uint8Array,
  at: number,
  field: Uint8Array,
  secret: Secret,
  out: Uint8Array,
  outAt: number,
): void {
  const length = readU16(bytes, 2);
  secret
    .hmac()
    .add(bytes, 0, 4)
    .add(field, 0, 16)
    .add(bytes, HEADER, at + 2)
    .add(ZERO_AUTHENTICATOR)
    .add(bytes, at + 18, length);
  secret.finishHmac(out, outAt);
}

/** MD5 over code, identifier, length, `field`, attributes and secret, into the authenticator field. */
export function signPacket(bytes: Uint8Array, field: Uint8Array, secret: Secret): void {
  packetDigest(bytes, field, secret);
  bytes.set(result, 4);
}

export function packetFits(bytes: Uint8Array, field: Uint8Array, secret: Secret): boolean {
  packetDigest(bytes, field, secret);
  return sameDigest(result, bytes, 4);
}

function packetDigest(bytes: Uint8Array, field: Uint8Array, secret: Secret): void {
  const length = readU16(bytes, 2);
  md5
    .reset()
    .add(bytes, 0, 4)
    .add(field, 0, 16)
    .add(bytes, HEADER, length)
    .add(secret.bytes)
    .finish(result);
}

/** What stands in the authenticator field while a request is signed. */
export function requestField(bytes: Uint8Array): Uint8Array {
  const code = bytes[0];
  return code === Code.AccessRequest || code === Code.StatusServer
    ? bytes.subarray(4, HEADER)
    : ZERO_AUTHENTICATOR;
}

/** Looks at all octets whatever they are, so that time tells nothing. */
function sameDigest(digest: Uint8Array, bytes: Uint8Array, at: number): boolean {
  let difference = 0;
  for (let i = 0; i < 16; i++) difference |= (digest[i] ?? 0) ^ (bytes[at + i] ?? 0);
  return difference === 0;
}

export function sameAuthenticator(a: Uint8Array, b: Uint8Array): boolean {
  return equalBytes(a, 4, b, 4, 16);
}
