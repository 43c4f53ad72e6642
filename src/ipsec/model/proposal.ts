/**
 * Proposals of phase 1 (IKE SA) and phase 2 (ESP or AH SA), and their neutral text: keywords joined by
 * dashes, as most IKE daemons of today write them: `aes256gcm16-prfsha384-curve25519`,
 * `aes128-sha1-modp1024`. Names that vendors give to proposals are in `proposal-names.ts`.
 */
import {
  cipherRow,
  type Cipher,
  type Group,
  GROUPS,
  type Integrity,
  type Prf,
} from "./algorithms.js";

export type AuthenticationMethod = "psk" | "rsa" | "dsa" | "certificate";

/** One phase-1 proposal; with a number it is also a PIX `isakmp policy`. */
export interface IkeProposal {
  /** Order in which numbered policies are tried; the list's order where there is none. */
  readonly number?: number | undefined;
  /** `certificate`: any signature (RFC 7427). */
  readonly authentication: AuthenticationMethod;
  readonly encryption: Cipher;
  /** Undefined with a cipher that authenticates by itself. */
  readonly integrity: Integrity | undefined;
  readonly prf: Prf;
  readonly group: Group;
  /** Additional key exchanges in order (RFC 9370), for hybrids with post-quantum ones. */
  readonly additional: readonly Group[];
  readonly lifetimeSeconds: number;
}

/** One phase-2 proposal. */
export interface EspProposal {
  readonly protocol: "esp" | "ah";
  /** `null` with AH. */
  readonly encryption: Cipher;
  /** Undefined with a cipher that authenticates by itself; else none is a finding. */
  readonly integrity: Integrity | undefined;
  /** Perfect forward secrecy with this group; undefined = none. */
  readonly pfs: Group | undefined;
  readonly additional: readonly Group[];
  /** Extended sequence numbers (RFC 4304); IKEv2, or IKEv1 by vendor extension. */
  readonly esn: boolean;
}

/** What keywords say of a phase-1 proposal. */
export type IkeSuite = Omit<IkeProposal, "number" | "authentication" | "lifetimeSeconds">;

const CIPHER_WORDS: Readonly<Record<string, Cipher>> = {
  des: "des",
  "3des": "3des",
  aes: "aes128",
  aes128: "aes128",
  aes192: "aes192",
  aes256: "aes256",
  aes128gcm16: "aes128-gcm16",
  aes192gcm16: "aes192-gcm16",
  aes256gcm16: "aes256-gcm16",
  chacha20poly1305: "chacha20-poly1305",
  null: "null",
};
const INTEGRITY_WORDS: Readonly<Record<string, Integrity>> = {
  md5: "md5",
  sha: "sha1",
  sha1: "sha1",
  sha256: "sha256",
  sha384: "sha384",
  sha512: "sha512",
};
const GROUP_WORDS: Readonly<Record<string, Group>> = { x25519: "curve25519", x448: "curve448" };

/** Keyword of a cipher as in a proposal's text. */
export function cipherWord(cipher: Cipher): string {
  return cipher.replaceAll("-", "");
}

export function formatIkeSuite(suite: IkeSuite): string {
  const { encryption, integrity, prf, group, additional } = suite;
  const parts = [cipherWord(encryption)];
  if (integrity !== undefined) parts.push(integrity);
  // The function follows the hash unless told otherwise; with an AEAD cipher there is no hash to follow.
  if (prf !== integrity) parts.push(`prf${prf}`);
  parts.push(group, ...additionalWords(additional));
  return parts.join("-");
}

export function formatEspProposal(proposal: EspProposal): string {
  const { protocol, encryption, integrity, pfs, additional, esn } = proposal;
  const parts = protocol === "ah" ? [] : [cipherWord(encryption)];
  if (integrity !== undefined) parts.push(integrity);
  if (pfs !== undefined) parts.push(pfs);
  parts.push(...additionalWords(additional));
  if (esn) parts.push("esn");
  const text = parts.join("-");
  return protocol === "ah" ? `ah:${text}` : text;
}

/** Undefined when a word is not known or one that is needed lacks. */
export function parseIkeSuite(text: string): IkeSuite | undefined {
  const words = parseWords(text);
  if (words?.encryption === undefined || words.group === undefined || words.esn) return undefined;
  const { encryption, integrity, group, additional } = words;
  if (cipherRow(encryption).aead === (integrity !== undefined)) return undefined;
  const prf = words.prf ?? integrity;
  if (prf === undefined) return undefined;
  return { encryption, integrity, prf, group, additional };
}

export function parseEspProposal(text: string): EspProposal | undefined {
  const isAh = text.startsWith("ah:");
  const words = parseWords(isAh ? text.slice(3) : text);
  if (words === undefined || words.prf !== undefined) return undefined;
  const { integrity, group: pfs, additional, esn } = words;
  if (isAh) {
    if (words.encryption !== undefined || integrity === undefined) return undefined;
    return { protocol: "ah", encryption: "null", integrity, pfs, additional, esn };
  }
  const { encryption } = words;
  if (encryption === undefined) return undefined;
  if (cipherRow(encryption).aead && integrity !== undefined) return undefined;
  return { protocol: "esp", encryption, integrity, pfs, additional, esn };
}

interface Words {
  encryption: Cipher | undefined;
  integrity: Integrity | undefined;
  prf: Prf | undefined;
  group: Group | undefined;
  additional: Group[];
  esn: boolean;
}

function parseWords(text: string): Words | undefined {
  const found: Words = {
    encryption: undefined,
    integrity: undefined,
    prf: undefined,
    group: undefined,
    additional: [],
    esn: false,
  };
  for (const word of text.toLowerCase().split("-")) {
    if (!takeWord(word, found)) return undefined;
  }
  return found;
}

function takeWord(word: string, into: Words): boolean {
  const cipher = lookUp(CIPHER_WORDS, word);
  if (cipher !== undefined) {
    if (into.encryption !== undefined) return false;
    into.encryption = cipher;
    return true;
  }
  const integrity = lookUp(INTEGRITY_WORDS, word);
  if (integrity !== undefined) {
    if (into.integrity !== undefined) return false;
    into.integrity = integrity;
    return true;
  }
  if (word.startsWith("prf")) {
    const prf = lookUp(INTEGRITY_WORDS, word.slice(3));
    if (prf === undefined || into.prf !== undefined) return false;
    into.prf = prf;
    return true;
  }
  if (word === "esn" || word === "noesn") {
    into.esn = word === "esn";
    return true;
  }
  const extra = /^ke(\d)_(.+)$/.exec(word);
  if (extra !== null) {
    const group = groupWord(extra[2]!);
    if (group === undefined || Number(extra[1]) !== into.additional.length + 1) return false;
    into.additional.push(group);
    return true;
  }
  const group = groupWord(word);
  if (group === undefined || into.group !== undefined) return false;
  into.group = group;
  return true;
}

function groupWord(word: string): Group | undefined {
  return lookUp(GROUP_WORDS, word) ?? (Object.hasOwn(GROUPS, word) ? (word as Group) : undefined);
}

function lookUp<T>(table: Readonly<Record<string, T>>, word: string): T | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

function additionalWords(groups: readonly Group[]): string[] {
  return groups.map((group, index) => `ke${index + 1}_${group}`);
}
