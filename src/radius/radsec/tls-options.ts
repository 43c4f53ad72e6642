/**
 * What both TLS directions have in common: 1.3 preferred and 1.2 at least, forward secrecy and AEAD only,
 * RADIUS/1.0 by ALPN. RADIUS/1.1 (RFC 9765) is not spoken: who offers nothing else gets TLS's own alert.
 * Sessions are never resumed, so that every connection is judged by what it shows.
 */
import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import type { TlsCredentials } from "./settings.js";

export const ALPN = ["radius/1.0"];

const CIPHERS = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
];
/** In TLS 1.3 a PSK needs a cipher of its hash, SHA-256. */
const PSK_CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-PSK-CHACHA20-POLY1305",
];

/** @param use what the connection may be proven by */
export function contextOptions(
  credentials: TlsCredentials,
  use: { readonly certificates: boolean; readonly psk: boolean },
): SecureContextOptions {
  const { cert, key, ca, crl } = credentials;
  // First, or a client that could do both would be asked for a certificate that it has not.
  const ciphers = [...(use.psk ? PSK_CIPHERS : []), ...(use.certificates ? CIPHERS : [])];
  return {
    minVersion: "TLSv1.2",
    ciphers: [...new Set(ciphers)].join(":"),
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    // An empty list is not the system's list: without a CA nobody is trusted.
    ca: ca ?? [],
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(crl !== undefined && { crl: listsOf(crl) }),
  };
}

/** Each list by itself: of several in one text Node.js takes the first alone. */
export function listsOf(crl: string): string[] {
  const lists = crl.match(/-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g);
  // What is none is told by TLS itself.
  return lists === null ? [crl] : [...lists];
}
