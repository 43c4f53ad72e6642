/**
 * What a quote over PCRs of the SHA-256 bank holds (TPM 2.0 Library, Part 2 "TPML_PCR_SELECTION", Part 1
 * "Attestation"): which PCRs, as a bitmap, and SHA-256 over their values, lowest first.
 */
import { sha256 } from "../crypto/index.js";

/** PCRs that a selection of three octets can name. */
export const PCR_COUNT = 24;
const SHA256_BANK = 0x000b;

export interface PcrValue {
  readonly pcr: number;
  /** 32 octets. */
  readonly value: Uint8Array;
}

/** As `TpmKey` has them. */
export function quotedPcrs(values: readonly PcrValue[]): {
  readonly selection: Uint8Array;
  readonly digest: Uint8Array;
} {
  const bitmap = new Uint8Array(PCR_COUNT / 8);
  for (const { pcr } of values) bitmap[pcr >> 3] = (bitmap[pcr >> 3] ?? 0) | (1 << (pcr & 7));
  const ordered = [...values].sort((a, b) => a.pcr - b.pcr);
  return {
    selection: Uint8Array.of(0, 0, 0, 1, SHA256_BANK >> 8, SHA256_BANK, bitmap.length, ...bitmap),
    digest: sha256(...ordered.map(({ value }) => value)),
  };
}

/** A PCR that was zero and has been extended once, by that digest. */
export function extendedOnce(digest: Uint8Array): Uint8Array {
  return sha256(new Uint8Array(32), digest);
}
