/** Unguessable octets, from a stock that is filled with one call for many packets. */
import { randomFillSync } from "node:crypto";

const stock = new Uint8Array(8192);
let used = stock.length;

/** A view that nobody else gets; at most 64 octets at a time. */
export function randomOctets(count: number): Uint8Array {
  if (used + count > stock.length) {
    randomFillSync(stock);
    used = 0;
  }
  const octets = stock.slice(used, used + count);
  used += count;
  return octets;
}
