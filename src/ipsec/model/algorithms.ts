/**
 * The algorithms a proposal is made of, a row each: what it is called, its IKEv2 transform number (IANA
 * "IKEv2 Parameters"), and the sizes that an ESP packet's length depends on (RFC 4303, 4106, 7634).
 * `weak` is the name of the finding that its use raises (RFC 8221, 8247, 9395).
 */
export interface CipherRow {
  readonly transform: number;
  /** Undefined where the length is fixed. */
  readonly keyBits: number | undefined;
  /** Encrypts and authenticates: takes no integrity beside it. */
  readonly aead: boolean;
  /** Octets that padding rounds up to, IV octets, octets of the check value when `aead`. */
  readonly block: number;
  readonly iv: number;
  readonly icv: number;
  readonly weak?: string;
}

export const CIPHERS = {
  des: row(2, undefined, 8, 8, "cipher-des"),
  "3des": row(3, undefined, 8, 8, "cipher-3des"),
  aes128: row(12, 128, 16, 16),
  aes192: row(12, 192, 16, 16),
  aes256: row(12, 256, 16, 16),
  "aes128-gcm16": aead(20, 128),
  "aes192-gcm16": aead(20, 192),
  "aes256-gcm16": aead(20, 256),
  "chacha20-poly1305": aead(28, undefined),
  null: row(11, undefined, 4, 0, "cipher-null"),
} as const satisfies Record<string, CipherRow>;

export type Cipher = keyof typeof CIPHERS;

export interface IntegrityRow {
  readonly transform: number;
  /** Octets of the check value in an ESP packet. */
  readonly icv: number;
  readonly weak?: string;
}

export const INTEGRITIES = {
  md5: { transform: 1, icv: 12, weak: "integrity-md5" },
  sha1: { transform: 2, icv: 12, weak: "integrity-sha1" },
  sha256: { transform: 12, icv: 16 },
  sha384: { transform: 13, icv: 24 },
  sha512: { transform: 14, icv: 32 },
} as const satisfies Record<string, IntegrityRow>;

export type Integrity = keyof typeof INTEGRITIES;

/** Pseudo-random functions: HMAC of the hash named. */
export const PRFS = { md5: 1, sha1: 2, sha256: 5, sha384: 6, sha512: 7 } as const;
export type Prf = keyof typeof PRFS;

export interface GroupRow {
  /** Diffie-Hellman group number, or IKEv2 key exchange method. */
  readonly number: number;
  readonly weak?: string;
  /** Post-quantum: an additional exchange only (RFC 9370), never the first. */
  readonly quantumSafe?: true;
}

export const GROUPS = {
  modp768: { number: 1, weak: "group-modp768" },
  modp1024: { number: 2, weak: "group-modp1024" },
  modp1536: { number: 5, weak: "group-modp1536" },
  modp2048: { number: 14 },
  modp3072: { number: 15 },
  modp4096: { number: 16 },
  modp6144: { number: 17 },
  modp8192: { number: 18 },
  ecp256: { number: 19 },
  ecp384: { number: 20 },
  ecp521: { number: 21 },
  curve25519: { number: 31 },
  curve448: { number: 32 },
  mlkem512: { number: 35, quantumSafe: true },
  mlkem768: { number: 36, quantumSafe: true },
  mlkem1024: { number: 37, quantumSafe: true },
} as const satisfies Record<string, GroupRow>;

export type Group = keyof typeof GROUPS;

export function groupOfNumber(number: number): Group | undefined {
  return (Object.keys(GROUPS) as Group[]).find((name) => GROUPS[name].number === number);
}

export function cipherRow(cipher: Cipher): CipherRow {
  return CIPHERS[cipher];
}

export function integrityRow(integrity: Integrity): IntegrityRow {
  return INTEGRITIES[integrity];
}

export function groupRow(group: Group): GroupRow {
  return GROUPS[group];
}

function row(
  transform: number,
  keyBits: number | undefined,
  block: number,
  iv: number,
  weak?: string,
): CipherRow {
  const plain = { transform, keyBits, aead: false, block, iv, icv: 0 };
  return weak === undefined ? plain : { ...plain, weak };
}

function aead(transform: number, keyBits: number | undefined): CipherRow {
  return { transform, keyBits, aead: true, block: 4, iv: 8, icv: 16 };
}
