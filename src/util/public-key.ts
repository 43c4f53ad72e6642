/** Public keys as people hand them over: PEM, "BEGIN PUBLIC KEY" (RFC 7468 section 13). */
import { createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";

export type ReadPublicKey =
  | {
      readonly ok: true;
      /** SubjectPublicKeyInfo, DER. */
      readonly der: Uint8Array;
      readonly algorithm: "ec-p256" | "rsa-2048" | "rsa-3072" | "rsa-4096";
    }
  /** Sentences without the full stop; nothing of the text is in them. */
  | { readonly ok: false; readonly problem: string; readonly remedy: string };

const PEM = /^-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----$/;
const RSA_SIZES = [2048, 3072, 4096] as const;

/** Takes what signs with SHA-256: ECDSA on P-256, RSA of 2048, 3072 or 4096 bits. */
export function readPublicKey(text: string): ReadPublicKey {
  if (text.includes("PRIVATE KEY")) {
    return no(
      "this is a private key, which belongs to nobody else",
      "give its public half, and replace the key",
    );
  }
  const body = PEM.exec(text.trim())?.[1];
  if (body === undefined) {
    return no("this is no public key in PEM", 'give the text from "BEGIN PUBLIC KEY" to its end');
  }
  const der = new Uint8Array(Buffer.from(body, "base64"));
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(der), format: "der", type: "spki" });
  } catch {
    return no("this is no public key in PEM", "copy it once more, whole");
  }
  const algorithm = algorithmOf(key);
  if (algorithm === undefined) {
    return no(
      "a key of this kind is not taken",
      "use ECDSA on P-256, or RSA of 2048, 3072 or 4096 bits",
    );
  }
  // One key, one encoding: it is told by its digest.
  const canonical = new Uint8Array(key.export({ type: "spki", format: "der" }));
  return { ok: true, der: canonical, algorithm };
}

function algorithmOf(key: KeyObject) {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === "ec") return namedCurve === "prime256v1" ? "ec-p256" : undefined;
  const bits = RSA_SIZES.find((size) => size === modulusLength);
  return key.asymmetricKeyType === "rsa" && bits !== undefined
    ? (`rsa-${bits}` as const)
    : undefined;
}

function no(problem: string, remedy: string): ReadPublicKey {
  return { ok: false, problem, remedy };
}
