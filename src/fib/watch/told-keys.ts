/**
 * Which keys a watcher may hold, as a bitmap of their hashes: a MAC that leaves the filter is told as gone
 * to who may have it, and to nobody else. Two keys with one hash cost an item too many, never one too few.
 */
const BITS = 1 << 20;

export class ToldKeys {
  private readonly words = new Int32Array(BITS >> 5);

  add(key: string): void {
    const bit = hash(key);
    this.words[bit >> 5] = this.words[bit >> 5]! | (1 << (bit & 31));
  }

  mayHave(key: string): boolean {
    const bit = hash(key);
    return (this.words[bit >> 5]! & (1 << (bit & 31))) !== 0;
  }

  /** Nothing is known of what the watcher holds. */
  addAll(): void {
    this.words.fill(-1);
  }
}

function hash(key: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) value = Math.imul(value ^ key.charCodeAt(i), 0x01000193);
  return (value ^ (value >>> 15)) & (BITS - 1);
}
