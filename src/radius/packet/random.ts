/** Unguessable octets, from a stock that is filled with one call for many packets. */
import { randomFillSync } from "node:crypto";

const STOCK = 32_768;
let stock = new Uint8Array(0);
let used = 0;

/** A view that nobody else gets; at most 64 octets at a time. */
export function randomOctets(count: number): Uint8Array {
  if (used + count > stock.length) {
    // A new one: whoever holds octets of the old one keeps it.
    stock = randomFillSync(new Uint8Array(STOCK));
    used = 0;
  }
  used += count;
  return stock.subarray(used - count, used);
}
