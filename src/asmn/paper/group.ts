/**
 * p and q of phase 2. The paper asks for "a sufficiently large prime number over 300": read here as more than 300
 * decimal digits, which is our interpretation. Taken is the 2,048-bit safe prime of RFC 3526 (617 digits), or a
 * safe prime made by node:crypto. q lies between 1 and p - 1; 1 and p - 1 give the same key to everybody, so
 * they are refused. Modular powers are plain BigInt, which is not constant in time: nothing here is secret for
 * long, and paper mode protects nothing.
 */
import { checkPrimeSync, generatePrimeSync, getDiffieHellman } from "node:crypto";

export interface Group {
  readonly p: bigint;
  readonly q: bigint;
}

/** RFC 3526 section 3. */
const STANDARD_PRIME = toBigInt(getDiffieHellman("modp14").getPrime());

/** p has more decimal digits than this. */
export const P_DIGITS = 300;

export function standardGroup(q = 2n): Group {
  return { p: STANDARD_PRIME, q };
}

/** With a new safe prime; 1,024 bits take seconds. */
export function generatedGroup(bits = 1024, q = 2n): Group {
  return { p: generatePrimeSync(bits, { bigint: true, safe: true }), q };
}

/** What is wrong with it; undefined when it can be used. */
export function groupProblem({ p, q }: Group): string | undefined {
  const digits = p.toString().length;
  if (digits <= P_DIGITS)
    return `p has ${digits} decimal digits; it must have more than ${P_DIGITS}`;
  if (p !== STANDARD_PRIME && !checkPrimeSync(p)) return "p is no prime number";
  if (q < 1n || q > p - 1n) return "q must be from 1 to p - 1";
  if (q === 1n || q === p - 1n)
    return `q = ${q === 1n ? "1" : "p - 1"} gives everybody the same key; choose one from 2 to p - 2`;
  return undefined;
}

/** base^exponent mod modulus, by squaring. */
export function modularPower(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n % modulus;
  let power = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * power) % modulus;
    power = (power * power) % modulus;
  }
  return result;
}

export function toBigInt(octets: Uint8Array): bigint {
  return BigInt(`0x0${Buffer.from(octets).toString("hex")}`);
}

/** In network order, as long as it needs to be. */
export function toOctets(value: bigint): Uint8Array {
  const text = value.toString(16);
  return new Uint8Array(Buffer.from(text.length % 2 === 0 ? text : `0${text}`, "hex"));
}
