/**
 * Ed25519 signatures with a label for each kind of document: what was signed as one is never valid as
 * another, nor as anything that TLS or a certificate signs.
 */
import { sign, verify, type KeyObject } from "node:crypto";
import { publicKeyObject } from "./keys.js";
import type { SigningKey } from "./keys.js";

export const SIGNATURE_OCTETS = 64;

export type SignatureLabel =
  | "evidence"
  | "enrol"
  | "result"
  | "verdict"
  | "heartbeat"
  | "certificate"
  | "catalog"
  | "break-glass"
  | "platform"
  | "greet-initiator"
  | "greet-responder"
  | "audit"
  | "image"
  | "manifest";

export function signLabelled(key: SigningKey, label: SignatureLabel, body: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, labelled(label, body), key.privateKey));
}

/** False also for a key that stands for nobody. */
export function verifyLabelled(
  publicKey: Uint8Array,
  label: SignatureLabel,
  body: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = publicKeyObject(publicKey);
  return key !== undefined && verifyLabelledWith(key, label, body, signature);
}

/** With a key object that `publicKeyObject` gave: for who verifies with one key again and again. */
export function verifyLabelledWith(
  key: KeyObject,
  label: SignatureLabel,
  body: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== SIGNATURE_OCTETS) return false;
  return verify(null, labelled(label, body), key, signature);
}

/** `body` and its signature behind it: how a signed document is kept and sent. */
export function signDocument(key: SigningKey, label: SignatureLabel, body: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([body, signLabelled(key, label, body)]));
}

export interface SplitDocument {
  readonly body: Uint8Array;
  readonly signature: Uint8Array;
}

/** Undefined when it is too short to have a signature. */
export function splitDocument(document: Uint8Array): SplitDocument | undefined {
  const end = document.length - SIGNATURE_OCTETS;
  if (end <= 0) return undefined;
  return { body: document.subarray(0, end), signature: document.subarray(end) };
}

function labelled(label: SignatureLabel, body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`evpnd asmn 1 ${label}\0`, "latin1"), body]);
}
