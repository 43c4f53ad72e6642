/**
 * Values hidden with the shared secret: User-Password (RFC 2865 section 5.2) and the salted form of
 * Tunnel-Password (RFC 2868 section 3.5) and MS-MPPE keys (RFC 2548 section 2.4.2).
 * Both are chains of MD5 over the secret: b1 = MD5(S, start), b2 = MD5(S, c1) ...
 */
import { md5 } from "./md5.js";
import type { Secret } from "./md5.js";

const pad = new Uint8Array(16);

/** Hides a password of at most 128 octets; pads it to a multiple of 16. */
export function hidePassword(plain: Uint8Array, secret: Secret, authenticator: Uint8Array) {
  const out = new Uint8Array(Math.max(16, Math.ceil(plain.length / 16) * 16));
  out.set(plain);
  hideInPlace(out, 0, out.length, secret, authenticator, undefined);
  return out;
}

/** @returns the padded text: trailing zeros are the hider's, and stay. */
export function unhidePassword(hidden: Uint8Array, secret: Secret, authenticator: Uint8Array) {
  const out = hidden.slice();
  unhideInPlace(out, 0, out.length, secret, authenticator, undefined);
  return out;
}

/**
 * Hides `bytes[start, end)`, whose length is a multiple of 16 (a last short block is hidden as far as
 * it goes).
 * @param salt two octets, or undefined for the form without salt
 */
export function hideInPlace(
  bytes: Uint8Array,
  start: number,
  end: number,
  secret: Secret,
  authenticator: Uint8Array,
  salt: Uint8Array | undefined,
): void {
  firstPad(secret, authenticator, salt);
  for (let at = start; at < end; at += 16) {
    const stop = Math.min(at + 16, end);
    for (let i = at; i < stop; i++) bytes[i] = (bytes[i] ?? 0) ^ (pad[i - at] ?? 0);
    if (stop < end) md5.reset().add(secret.bytes).add(bytes, at, stop).finish(pad);
  }
}

const cipher = new Uint8Array(16);

export function unhideInPlace(
  bytes: Uint8Array,
  start: number,
  end: number,
  secret: Secret,
  authenticator: Uint8Array,
  salt: Uint8Array | undefined,
): void {
  firstPad(secret, authenticator, salt);
  for (let at = start; at < end; at += 16) {
    const stop = Math.min(at + 16, end);
    for (let i = at; i < stop; i++) {
      cipher[i - at] = bytes[i] ?? 0;
      bytes[i] = (bytes[i] ?? 0) ^ (pad[i - at] ?? 0);
    }
    if (stop < end)
      md5
        .reset()
        .add(secret.bytes)
        .add(cipher, 0, stop - at)
        .finish(pad);
  }
}

function firstPad(secret: Secret, authenticator: Uint8Array, salt: Uint8Array | undefined): void {
  md5.reset().add(secret.bytes).add(authenticator, 0, 16);
  if (salt !== undefined) md5.add(salt, 0, 2);
  md5.finish(pad);
}
