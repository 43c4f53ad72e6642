/**
 * AES-256-GCM and ChaCha20-Poly1305 (RFC 5116, RFC 8439), 16-octet tag behind the text. A sealer belongs to
 * one key and one direction and counts its messages: the nonce is the count XOR an IV, as in TLS 1.3
 * (RFC 8446 section 5.3), so none is used twice, and what is out of order does not open.
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { hkdfExpand } from "./hkdf.js";

/** 1 and 2 on the wire (docs/asmn-protocol.md, "Ground rules"). */
export type Suite = "aes-256-gcm" | "chacha20-poly1305";

export const SUITES: readonly Suite[] = ["aes-256-gcm", "chacha20-poly1305"];
export const TAG_OCTETS = 16;

const NONCE_OCTETS = 12;
const OPTIONS = { authTagLength: TAG_OCTETS };

export function seal(
  suite: Suite,
  key: Uint8Array,
  nonce: Uint8Array,
  data: Uint8Array,
  text: Uint8Array,
): Uint8Array {
  // Both are the same call; the types of node know them apart.
  const cipher =
    suite === "aes-256-gcm"
      ? createCipheriv("aes-256-gcm", key, nonce, OPTIONS)
      : createCipheriv("chacha20-poly1305", key, nonce, OPTIONS);
  cipher.setAAD(data, { plaintextLength: text.length });
  const body = cipher.update(text);
  return new Uint8Array(Buffer.concat([body, cipher.final(), cipher.getAuthTag()]));
}

/** Undefined when the tag does not fit: wrong key, nonce, data or text. */
export function open(
  suite: Suite,
  key: Uint8Array,
  nonce: Uint8Array,
  data: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const end = sealed.length - TAG_OCTETS;
  if (end < 0) return undefined;
  const decipher =
    suite === "aes-256-gcm"
      ? createDecipheriv("aes-256-gcm", key, nonce, OPTIONS)
      : createDecipheriv("chacha20-poly1305", key, nonce, OPTIONS);
  decipher.setAAD(data, { plaintextLength: end });
  decipher.setAuthTag(sealed.subarray(end));
  const text = decipher.update(sealed.subarray(0, end));
  try {
    return new Uint8Array(Buffer.concat([text, decipher.final()]));
  } catch {
    return undefined;
  }
}

/** Messages under one key before it moves on. */
const MESSAGES_PER_KEY = 2 ** 20;

/** One direction: key and IV from a secret, and from it the next secret after 2^20 messages. */
export class SealedDirection {
  private readonly suite: Suite;
  private secret: Uint8Array;
  private key: Uint8Array;
  private iv: Uint8Array;
  private count = 0;
  private readonly messagesPerKey: number;

  constructor(suite: Suite, secret: Uint8Array, messagesPerKey = MESSAGES_PER_KEY) {
    this.suite = suite;
    this.messagesPerKey = messagesPerKey;
    this.secret = secret;
    this.key = hkdfExpand(secret, "key");
    this.iv = hkdfExpand(secret, "iv", undefined, NONCE_OCTETS);
  }

  seal(data: Uint8Array, text: Uint8Array): Uint8Array {
    const sealed = seal(this.suite, this.key, this.nonce(), data, text);
    this.advance();
    return sealed;
  }

  /** Undefined when it is not the next message of this direction; then nothing has moved. */
  open(data: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const text = open(this.suite, this.key, this.nonce(), data, sealed);
    if (text !== undefined) this.advance();
    return text;
  }

  private nonce(): Uint8Array {
    const nonce = Uint8Array.from(this.iv);
    const view = new DataView(nonce.buffer);
    view.setUint32(NONCE_OCTETS - 4, view.getUint32(NONCE_OCTETS - 4) ^ this.count);
    return nonce;
  }

  private advance(): void {
    if (++this.count < this.messagesPerKey) return;
    this.secret = hkdfExpand(this.secret, "next");
    this.key = hkdfExpand(this.secret, "key");
    this.iv = hkdfExpand(this.secret, "iv", undefined, NONCE_OCTETS);
    this.count = 0;
  }
}
