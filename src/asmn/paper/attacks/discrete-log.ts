/**
 * A short exponent from q^x mod p, by small and large steps: with CRC32 it has 32 bits, and 2 × 65,536
 * multiplications find it. No image is needed.
 */
import { modularPower, type Group } from "../group.js";

/** @param bits of the exponent, at most 40 @returns undefined when the exponent is longer */
export function shortExponent({ p, q }: Group, value: bigint, bits: number): bigint | undefined {
  const half = BigInt(2 ** Math.ceil(bits / 2));
  const small = new Map<bigint, bigint>();
  for (let power = 1n, step = 0n; step < half; step++, power = (power * q) % p)
    small.set(power, step);
  // p is prime, so the inverse is the power p - 2.
  const back = modularPower(modularPower(q, half, p), p - 2n, p);
  for (let rest = value, step = 0n; step < half; step++, rest = (rest * back) % p) {
    const found = small.get(rest);
    if (found !== undefined) return step * half + found;
  }
  return undefined;
}
