/**
 * How hard a pre-shared key is to guess, in bits: an estimate from above that a short or repetitive key
 * cannot pass. Who chose it knows better only downwards.
 */

const CLASSES: readonly (readonly [RegExp, number])[] = [
  [/[a-z]/, 26],
  [/[A-Z]/, 26],
  [/[0-9]/, 10],
  [/[^A-Za-z0-9]/, 33],
];

/** Text of a key as people write it; `0x…` and `0s…` are octets. */
export function keyBits(value: string): number {
  const octets = encodedOctets(value);
  if (octets !== undefined) return Math.min(8 * octets.length, spread([...octets], 256));
  if (/^(?:[0-9a-f]+|[0-9A-F]+)$/.test(value)) return spread([...value], 16);
  const alphabet = CLASSES.reduce((sum, [found, size]) => sum + (found.test(value) ? size : 0), 0);
  return spread([...value], alphabet);
}

/** The octets that a daemon is given; undefined when the text is neither hex nor base64 as marked. */
export function encodedOctets(value: string): Buffer | undefined {
  if (/^0x([0-9a-f]{2})+$/i.test(value)) return Buffer.from(value.slice(2), "hex");
  if (/^0s[A-Za-z0-9+/]+={0,2}$/.test(value)) return Buffer.from(value.slice(2), "base64");
  return undefined;
}

/** Octets of a key in any form. */
export function keyOctets(value: string): Buffer {
  return encodedOctets(value) ?? Buffer.from(value, "utf8");
}

/** No more than the alphabet gives, and no more than the symbols' variety does. */
function spread(symbols: readonly unknown[], alphabet: number): number {
  const count = symbols.length;
  if (count === 0 || alphabet < 2) return 0;
  const seen = new Map<unknown, number>();
  for (const symbol of symbols) seen.set(symbol, (seen.get(symbol) ?? 0) + 1);
  let entropy = 0;
  for (const times of seen.values()) entropy -= (times / count) * Math.log2(times / count);
  // A short random text cannot show all its alphabet: of so few symbols the most that can show is log2(count).
  const most = Math.min(Math.log2(alphabet), Math.log2(count));
  const share = most === 0 ? 0 : Math.min(1, entropy / most);
  // Random texts repeat some symbols by chance; only what falls well short of that is held against it.
  const credit = Math.min(1, share / 0.8);
  return count * Math.log2(alphabet) * credit;
}
