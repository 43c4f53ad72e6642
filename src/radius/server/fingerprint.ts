/**
 * What is shown in a secret's place: a keyed hash, with a key of this process. Two equal secrets can
 * be told to be equal, and nobody can try words against it afterwards.
 */
import { createHmac, randomBytes } from "node:crypto";

const key = randomBytes(32);

/** 12 hexadecimal digits. */
export function fingerprint(secret: string): string {
  return createHmac("sha256", key).update(secret).digest("hex").slice(0, 12);
}
