/** Signed documents: canonical fields with a signature behind them, of a kind that the label names. */
import { signDocument, splitDocument, verifyLabelled } from "../crypto/index.js";
import type { SignatureLabel, SigningKey } from "../crypto/index.js";
import type { Struct } from "./struct.js";
import { fail, pass } from "./words.js";
import type { Checked } from "./words.js";

export interface OpenedDocument<V> {
  readonly value: V;
  /** Whether that key signed it. */
  readonly signedBy: (publicKey: Uint8Array) => boolean;
}

export interface DocumentType<V> {
  sign(value: V, key: SigningKey): Uint8Array;
  /** Fields only; nothing is verified before `signedBy`. */
  open(document: Uint8Array): Checked<OpenedDocument<V>>;
}

export function defineDocument<V>(label: SignatureLabel, struct: Struct<V>): DocumentType<V> {
  return {
    sign: (value, key) => signDocument(key, label, struct.encode(value)),
    open(document) {
      const parts = splitDocument(document);
      if (parts === undefined) return fail("malformed", `${struct.name}: too short to be signed`);
      const decoded = struct.decode(parts.body);
      if (!decoded.ok) return fail("malformed", decoded.sentence);
      return pass({
        value: decoded.value,
        signedBy: (key) => verifyLabelled(key, label, parts.body, parts.signature),
      });
    },
  };
}
