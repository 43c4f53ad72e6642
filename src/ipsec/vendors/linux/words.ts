/** What the kernel's IPsec can be told by `ip xfrm`, and its names for algorithms. */
import type { Capability } from "../capability.js";
import { STRONGSWAN } from "../strongswan/words.js";

export const LINUX: Capability = {
  ...STRONGSWAN,
  title: "ip xfrm",
  espCiphers: {
    des: "cbc(des)",
    "3des": "cbc(des3_ede)",
    aes128: "cbc(aes)",
    aes192: "cbc(aes)",
    aes256: "cbc(aes)",
    "aes128-gcm16": "rfc4106(gcm(aes))",
    "aes192-gcm16": "rfc4106(gcm(aes))",
    "aes256-gcm16": "rfc4106(gcm(aes))",
    "chacha20-poly1305": "rfc7539esp(chacha20,poly1305)",
    null: "ecb(cipher_null)",
  },
  integrities: {
    md5: "hmac(md5)",
    sha1: "hmac(sha1)",
    sha256: "hmac(sha256)",
    sha384: "hmac(sha384)",
    sha512: "hmac(sha512)",
  },
  // What is of IKE is its daemon's matter.
  natOff: true,
  heartbeat: true,
  additional: true,
  ranges: false,
  dynamicPeers: false,
};

/** Octets of key material, salt included, of each cipher. */
export const KEY_OCTETS: Readonly<Record<string, number>> = {
  des: 8,
  "3des": 24,
  aes128: 16,
  aes192: 24,
  aes256: 32,
  "aes128-gcm16": 20,
  "aes192-gcm16": 28,
  "aes256-gcm16": 36,
  "chacha20-poly1305": 36,
  null: 0,
};

export const HASH_OCTETS: Readonly<Record<string, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha384: 48,
  sha512: 64,
};
