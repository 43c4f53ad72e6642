/**
 * The trust protocol's cryptography, on node:crypto alone: Ed25519, X25519, HKDF-SHA-256, two AEADs, and
 * self-signed certificates for TLS. Keys go in and out as 32 raw octets; private halves stay in key objects.
 * What is signed or derived bears a label, so that nothing made for one purpose serves another
 * (docs/asmn-protocol.md, "Ground rules").
 *
 * Not here: passwords, certificate authorities, anything that is not constant in size.
 */
export * from "./aead.js";
export * from "./agreement.js";
export * from "./certificate.js";
export * from "./hkdf.js";
export * from "./identity.js";
export * from "./keys.js";
export * from "./signature.js";
