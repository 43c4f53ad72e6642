/** One root, one Sec-EM's keys with their certificates, and a ring that pins the root. */
import { signingKeyFromSeed } from "../../../../src/asmn/crypto/index.js";
import type { SigningKey } from "../../../../src/asmn/crypto/index.js";
import { KeyRing, signKeyCertificate } from "../../../../src/asmn/protocol/index.js";
import type { KeyCertificate, KeyPurpose } from "../../../../src/asmn/protocol/index.js";
import { seededRandom } from "./random.js";

export const START = Date.UTC(2026, 0, 1);
export const DAY = 86_400_000;

export function testKey(name: string): SigningKey {
  return signingKeyFromSeed(seededRandom(`key ${name}`)(32));
}

export const ROOT = testKey("root");
export const TRANSPORT = testKey("transport");
export const VERDICT = testKey("verdict");
export const GLASS = testKey("break-glass");

export function certificateFields(
  purpose: KeyPurpose,
  key: SigningKey,
  changes: Partial<KeyCertificate> = {},
): KeyCertificate {
  return {
    purpose,
    secEm: "em1",
    publicKey: key.publicKey,
    serial: 1,
    floor: 0,
    notBefore: START - DAY,
    notAfter: START + 90 * DAY,
    ...changes,
  };
}

export function certify(
  purpose: KeyPurpose,
  key: SigningKey,
  changes: Partial<KeyCertificate> = {},
  root = ROOT,
): Uint8Array {
  return signKeyCertificate(certificateFields(purpose, key, changes), root);
}

export const CERTIFICATES = [
  certify("transport", TRANSPORT),
  certify("verdict", VERDICT),
  certify("break-glass", GLASS),
];

/** A ring that pins the root and has all certificates. */
export function fullRing(wall: () => number = () => START): KeyRing {
  const ring = new KeyRing([ROOT.publicKey], wall);
  for (const one of CERTIFICATES) ring.take(one);
  return ring;
}
