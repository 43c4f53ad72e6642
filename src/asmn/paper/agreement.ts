/** Phase 2: R_i = q^{Hash^n(VNF_i)} mod p; K_ij = R_j^{Hash^n(VNF_i)} mod p, which both sides arrive at. */
import { decimalDigits, HASH_BITS, type ChainHash } from "./hash.js";
import { modularPower, toBigInt, toOctets, type Group } from "./group.js";

/** Digits of an exponent that the paper speaks of. */
const PAPER_EXPONENT_DIGITS = 100;

/** R of the side whose link this is. */
export function publicValue({ p, q }: Group, link: Uint8Array): bigint {
  return modularPower(q, toBigInt(link), p);
}

/** K, as octets. @returns undefined for a value that no honest side sends: outside of 2 to p - 2 */
export function sharedKey({ p }: Group, link: Uint8Array, other: bigint): Uint8Array | undefined {
  if (other < 2n || other > p - 2n) return undefined;
  return toOctets(modularPower(other, toBigInt(link), p));
}

export interface ExponentSize {
  readonly bits: number;
  /** Decimal digits at most. */
  readonly digits: number;
  readonly statement: string;
}

/** The paper says that exponents have more than 100 decimal digits; with its own hashes they never do. */
export function exponentSize(hash: ChainHash): ExponentSize {
  const bits = HASH_BITS[hash];
  const digits = decimalDigits(bits);
  const statement =
    `exponents are ${bits} bits, at most ${digits} decimal digits; ` +
    `the paper says more than ${PAPER_EXPONENT_DIGITS}`;
  return { bits, digits, statement };
}
