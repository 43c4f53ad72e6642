/** Sets of slots as bit masks, 32 to a word. */

export function setBit(mask: Int32Array, bit: number): void {
  mask[bit >>> 5] = mask[bit >>> 5]! | (1 << (bit & 31));
}

export function clearBit(mask: Int32Array, bit: number): void {
  const word = bit >>> 5;
  if (word < mask.length) mask[word] = mask[word]! & ~(1 << (bit & 31));
}

export function hasBit(mask: Int32Array, at: number, bit: number): boolean {
  return (mask[at + (bit >>> 5)]! & (1 << (bit & 31))) !== 0;
}
