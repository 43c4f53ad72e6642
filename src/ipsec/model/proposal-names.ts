/**
 * Names that vendors give to proposals, read and printed: ScreenOS `pre-g2-aes128-sha` (phase 1) and
 * `g2-esp-aes128-sha` (phase 2), PIX `esp-3des esp-md5-hmac`; and the predefined security levels of
 * ScreenOS, which stand for lists of such names.
 */
import {
  groupOfNumber,
  GROUPS,
  type Cipher,
  type Group,
  type Integrity,
  type Prf,
} from "./algorithms.js";
import type { AuthenticationMethod, EspProposal, IkeProposal } from "./proposal.js";

const METHODS: Readonly<Record<string, AuthenticationMethod>> = {
  pre: "psk",
  rsa: "rsa",
  dsa: "dsa",
};
const CIPHERS: Readonly<Record<string, Cipher>> = {
  des: "des",
  "3des": "3des",
  aes128: "aes128",
  aes192: "aes192",
  aes256: "aes256",
  null: "null",
};
const HASHES: Readonly<Record<string, Integrity>> = {
  md5: "md5",
  sha: "sha1",
  "sha2-256": "sha256",
};
/** Of phase 1 where the name says nothing: 28,800 s; ScreenOS itself shows this one. */
export const SCREENOS_IKE_SECONDS = 28_800;

/** `pre-g2-aes128-sha`; undefined when it is not of that form. */
export function parseIkeName(
  name: string,
  lifetimeSeconds = SCREENOS_IKE_SECONDS,
): IkeProposal | undefined {
  const match = /^(pre|rsa|dsa)-g(\d{1,2})-([a-z0-9]+)-([a-z0-9-]+)$/.exec(name.toLowerCase());
  if (match === null) return undefined;
  const group = groupOfNumber(Number(match[2]));
  const encryption = valueOf(CIPHERS, match[3]!);
  const integrity = valueOf(HASHES, match[4]!);
  const authentication = valueOf(METHODS, match[1]!);
  if (group === undefined || encryption === undefined) return undefined;
  if (integrity === undefined || authentication === undefined) return undefined;
  const prf: Prf = integrity;
  return { authentication, encryption, integrity, prf, group, additional: [], lifetimeSeconds };
}

/** Undefined for what this form cannot say: AEAD ciphers, other hashes, hybrids. */
export function formatIkeName(proposal: IkeProposal): string | undefined {
  const method = keyOf(METHODS, proposal.authentication);
  const cipher = keyOf(CIPHERS, proposal.encryption);
  const { integrity, prf, additional } = proposal;
  if (method === undefined || cipher === undefined || integrity === undefined) return undefined;
  const hash = keyOf(HASHES, integrity);
  if (hash === undefined || prf !== integrity || additional.length > 0) return undefined;
  return `${method}-g${GROUPS[proposal.group].number}-${cipher}-${hash}`;
}

/** `g2-esp-aes128-sha`, `nopfs-esp-3des-md5`, `g2-ah-sha`; undefined when it is not of that form. */
export function parseEspName(name: string): EspProposal | undefined {
  const match = /^(nopfs|g\d{1,2})-(esp-[a-z0-9]+|ah)-([a-z0-9-]+)$/.exec(name.toLowerCase());
  if (match === null) return undefined;
  const pfs = match[1] === "nopfs" ? undefined : groupOfNumber(Number(match[1]!.slice(1)));
  if (pfs === undefined && match[1] !== "nopfs") return undefined;
  const isAh = match[2] === "ah";
  const encryption: Cipher | undefined = isAh ? "null" : valueOf(CIPHERS, match[2]!.slice(4));
  const integrity = valueOf(HASHES, match[3]!);
  if (encryption === undefined) return undefined;
  if (integrity === undefined && (match[3] !== "null" || isAh)) return undefined;
  const protocol = isAh ? "ah" : "esp";
  return { protocol, encryption, integrity, pfs, additional: [], esn: false };
}

export function formatEspName(proposal: EspProposal): string | undefined {
  const { protocol, encryption, integrity, pfs, additional, esn } = proposal;
  const cipher = keyOf(CIPHERS, encryption);
  const hash = integrity === undefined ? "null" : keyOf(HASHES, integrity);
  if (cipher === undefined || hash === undefined || additional.length > 0 || esn) return undefined;
  const group = pfs === undefined ? "nopfs" : `g${GROUPS[pfs].number}`;
  return `${group}-${protocol === "ah" ? "ah" : `esp-${cipher}`}-${hash}`;
}

export type SecurityLevel = "standard" | "compatible" | "basic";

interface LevelNames {
  readonly ike: readonly string[];
  readonly esp: readonly string[];
}

/** What the predefined levels stand for, in their order. */
export const SECURITY_LEVELS: Readonly<Record<SecurityLevel, LevelNames>> = {
  standard: {
    ike: ["pre-g2-3des-sha", "pre-g2-aes128-sha"],
    esp: ["g2-esp-3des-sha", "g2-esp-aes128-sha"],
  },
  compatible: {
    ike: ["pre-g2-3des-sha", "pre-g2-3des-md5", "pre-g2-des-sha", "pre-g2-des-md5"],
    esp: ["nopfs-esp-3des-sha", "nopfs-esp-3des-md5", "nopfs-esp-des-sha", "nopfs-esp-des-md5"],
  },
  basic: {
    ike: ["pre-g1-des-sha", "pre-g1-des-md5"],
    esp: ["nopfs-esp-des-sha", "nopfs-esp-des-md5"],
  },
};

const PIX_CIPHERS: Readonly<Record<string, Cipher>> = {
  "esp-des": "des",
  "esp-3des": "3des",
  "esp-aes": "aes128",
  "esp-aes-192": "aes192",
  "esp-aes-256": "aes256",
  "esp-null": "null",
};
const PIX_HASHES: Readonly<Record<string, Integrity>> = {
  "esp-md5-hmac": "md5",
  "esp-sha-hmac": "sha1",
  "ah-md5-hmac": "md5",
  "ah-sha-hmac": "sha1",
};

/** `esp-3des esp-md5-hmac`: what a transform set holds; PFS is the crypto map's matter. */
export function parseTransforms(text: string, pfs?: Group): EspProposal | undefined {
  const words = text.toLowerCase().trim().split(/\s+/);
  const ciphers = words.filter((word) => Object.hasOwn(PIX_CIPHERS, word));
  const hashes = words.filter((word) => Object.hasOwn(PIX_HASHES, word));
  if (words.length > 2 || ciphers.length + hashes.length !== words.length) return undefined;
  if (ciphers.length > 1 || hashes.length > 1) return undefined;
  const integrity = hashes[0] === undefined ? undefined : PIX_HASHES[hashes[0]];
  const isAh = hashes[0]?.startsWith("ah-") === true;
  // AH with ESP in one bundle is beyond this model.
  if (isAh === ciphers.length > 0) return undefined;
  const encryption: Cipher = isAh ? "null" : PIX_CIPHERS[ciphers[0]!]!;
  const protocol = isAh ? "ah" : "esp";
  return { protocol, encryption, integrity, pfs, additional: [], esn: false };
}

/** Undefined for what a transform set cannot say. */
export function formatTransforms(proposal: EspProposal): string | undefined {
  const { protocol, encryption, integrity, esn, additional } = proposal;
  if (esn || additional.length > 0) return undefined;
  const hash =
    integrity === undefined
      ? ""
      : Object.keys(PIX_HASHES).find(
          (word) => word.startsWith(protocol) && PIX_HASHES[word] === integrity,
        );
  if (hash === undefined) return undefined;
  if (protocol === "ah") return hash;
  const cipher = keyOf(PIX_CIPHERS, encryption);
  return cipher === undefined ? undefined : `${cipher} ${hash}`.trim();
}

function keyOf<T>(table: Readonly<Record<string, T>>, value: T): string | undefined {
  return Object.keys(table).find((name) => table[name] === value);
}

/** Words come from outside: `constructor` is none of ours. */
function valueOf<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
