/**
 * Signatures as a TPM writes them (TPM 2.0 Library, Part 2 "TPMT_SIGNATURE"), with SHA-256:
 *
 *   RSASSA, RSAPSS   2 scheme | 2 hash | 2+n signature
 *   ECDSA            2 scheme | 2 hash | 2+n r | 2+n s
 */
import { readU16 } from "../../util/bytes.js";
import type { QuoteAlgorithm } from "./tpm-quote.js";

const SHA256 = 0x000b;
const SCHEMES: ReadonlyMap<number, QuoteAlgorithm> = new Map<number, QuoteAlgorithm>([
  [0x0014, "rsassa-sha256"],
  [0x0016, "rsapss-sha256"],
  [0x0018, "ecdsa-sha256"],
]);
const HALF = 32;

/** Undefined for anything else, another hash among it. ECDSA: r and s behind one another, 32 octets each. */
export function parseTpmSignature(
  bytes: Uint8Array,
): { readonly algorithm: QuoteAlgorithm; readonly signature: Uint8Array } | undefined {
  if (bytes.length < 4 || readU16(bytes, 2) !== SHA256) return undefined;
  const algorithm = SCHEMES.get(readU16(bytes, 0));
  const parts = sizedParts(bytes.subarray(4));
  if (algorithm === undefined || parts === undefined) return undefined;
  if (algorithm !== "ecdsa-sha256") {
    const [signature] = parts;
    return parts.length === 1 && signature !== undefined ? { algorithm, signature } : undefined;
  }
  if (parts.length !== 2 || parts.some(({ length }) => length > HALF)) return undefined;
  const signature = new Uint8Array(2 * HALF);
  for (const [at, part] of parts.entries()) signature.set(part, (at + 1) * HALF - part.length);
  return { algorithm, signature };
}

function sizedParts(bytes: Uint8Array): Uint8Array[] | undefined {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length) return undefined;
    const end = at + 2 + readU16(bytes, at);
    if (end > bytes.length) return undefined;
    parts.push(Uint8Array.from(bytes.subarray(at + 2, end)));
    at = end;
  }
  return parts;
}
