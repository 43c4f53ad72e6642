/**
 * The chain's keys (ASM-61): each state from the former one, a fresh X25519 secret and what was measured. A
 * state is never a key itself; labels say purpose and direction.
 */
import {
  hkdfExpand,
  hkdfExtract,
  hmac,
  lengthPrefixed,
  open,
  seal,
  sha256,
} from "../crypto/index.js";
import type { Suite } from "../crypto/index.js";
import { u64 } from "./kinds.js";
import type { Purpose } from "./words.js";

export const CHAIN_STATE_OCTETS = 32;

export interface StepInput {
  readonly purpose: Purpose;
  /** Undefined with purpose enrol. */
  readonly former: Uint8Array | undefined;
  /** X25519. */
  readonly secret: Uint8Array;
  readonly counter: number;
  readonly image: Uint8Array;
  readonly manifest: Uint8Array;
  /** SHA-256 of the evidence transcript. */
  readonly transcript: Uint8Array;
}

export function nextState(input: StepInput): Uint8Array {
  const { purpose, former, secret, counter, image, manifest, transcript } = input;
  const salt = former === undefined ? new Uint8Array(32) : hkdfExpand(former, "step");
  const context = Buffer.concat([u64.write(counter), image, manifest, transcript]);
  return hkdfExpand(hkdfExtract(salt, secret), `chain ${purpose}`, context);
}

/** That the agent knows the state before this step. */
export function stateProof(state: Uint8Array, transcript: Uint8Array): Uint8Array {
  return hmac(hkdfExpand(state, "proof agent to sec-em"), transcript);
}

/** @param body the Result's fields, as signed */
export function secEmConfirmation(
  state: Uint8Array,
  transcript: Uint8Array,
  body: Uint8Array,
): Uint8Array {
  return hmac(hkdfExpand(state, "confirm sec-em to agent"), transcript, lengthPrefixed(body));
}

export function agentConfirmation(state: Uint8Array, transcript: Uint8Array): Uint8Array {
  return hmac(hkdfExpand(state, "confirm agent to sec-em"), transcript);
}

const NONCE = new Uint8Array(12);

/** Under a key that serves this one message. */
export function sealMd5Key(
  suite: Suite,
  state: Uint8Array,
  transcript: Uint8Array,
  md5Key: Uint8Array,
): Uint8Array {
  return seal(suite, hkdfExpand(state, "seal sec-em to agent"), NONCE, transcript, md5Key);
}

export function openMd5Key(
  suite: Suite,
  state: Uint8Array,
  transcript: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  return open(suite, hkdfExpand(state, "seal sec-em to agent"), NONCE, transcript, sealed);
}

/** What the Sec-EM signs of a Result. */
export function resultBody(transcript: Uint8Array, fields: Uint8Array): Uint8Array {
  return Buffer.concat([sha256(transcript), lengthPrefixed(fields)]);
}
