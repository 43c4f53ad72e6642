/**
 * One-time tokens (ASM-74). The text is id and seed of an Ed25519 key; the Sec-EM keeps the public half, so its
 * list enrols nobody. A token never travels: evidence is signed with it.
 */
import { KEY_OCTETS, signingKeyFromSeed } from "../crypto/index.js";
import type { RandomSource, SigningKey } from "../crypto/index.js";

export const TOKEN_ID_OCTETS = 16;
const PREFIX = "asmn1.";

export interface Token {
  readonly id: Uint8Array;
  readonly key: SigningKey;
}

export interface MadeToken {
  /** Given out once, and kept nowhere. */
  readonly text: string;
  readonly id: Uint8Array;
  readonly publicKey: Uint8Array;
}

export function makeToken(random: RandomSource): MadeToken {
  const id = random(TOKEN_ID_OCTETS);
  const seed = random(KEY_OCTETS);
  const text = PREFIX + Buffer.concat([id, seed]).toString("base64url");
  return { text, id, publicKey: signingKeyFromSeed(seed).publicKey };
}

/** Undefined when it is no token: cut off, or something else. */
export function parseToken(text: string): Token | undefined {
  const trimmed = text.trim();
  if (!/^asmn1\.[A-Za-z0-9_-]{64}$/.test(trimmed)) return undefined;
  const octets = Buffer.from(trimmed.slice(PREFIX.length), "base64url");
  return {
    id: new Uint8Array(octets.subarray(0, TOKEN_ID_OCTETS)),
    key: signingKeyFromSeed(new Uint8Array(octets.subarray(TOKEN_ID_OCTETS))),
  };
}
