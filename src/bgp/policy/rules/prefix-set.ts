/** Prefixes with lengths that count under them, asked at once: one look for each length in use. */
import type { OctetPattern, PrefixPattern } from "./settings.js";
import { OctetSet } from "./octet-set.js";

/** Patterns of one prefix length and one range of lengths that count. */
interface Row {
  readonly bits: number;
  readonly least: number;
  readonly most: number;
  readonly networks: OctetSet;
}

export class PrefixSet {
  private readonly v4: readonly Row[];
  private readonly v6: readonly Row[];

  constructor(patterns: readonly PrefixPattern[]) {
    this.v4 = rowsOf(patterns.filter(({ octets }) => octets.length === 8));
    this.v6 = rowsOf(patterns.filter(({ octets }) => octets.length === 32));
  }

  /**
   * Whether a pattern covers the prefix of `bits` bits at `at`.
   * @param octets 4 or 16: the family
   * @param present octets that are there; the others count as 0 and are not read
   */
  has(bytes: Uint8Array, at: number, octets: number, bits: number, present = octets): boolean {
    const rows = octets === 4 ? this.v4 : this.v6;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      if (bits < row.bits || bits < row.least || bits > row.most) continue;
      let source = bytes;
      let from = at;
      if (present < octets) {
        for (let k = 0; k < octets; k++) padded[k] = k < present ? bytes[at + k]! : 0;
        source = padded;
        from = 0;
      }
      if (row.networks.has(source, from)) return true;
    }
    return false;
  }
}

/** An address with the octets behind a short prefix. */
const padded = new Uint8Array(16);

function rowsOf(patterns: readonly PrefixPattern[]): Row[] {
  const groups = new Map<string, { pattern: PrefixPattern; networks: OctetPattern[] }>();
  for (const pattern of patterns) {
    const key = `${pattern.bits} ${pattern.least} ${pattern.most}`;
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { pattern, networks: [] }));
    group.networks.push({
      value: pattern.octets,
      mask: maskOf(pattern.bits, pattern.octets.length / 2),
    });
  }
  return [...groups.values()].map(({ pattern: { bits, least, most, octets }, networks }) => ({
    bits,
    least,
    most,
    networks: new OctetSet(networks, octets.length / 2),
  }));
}

/** Hex of `octets` octets whose first `bits` bits are ones. */
export function maskOf(bits: number, octets: number): string {
  let text = "";
  for (let i = 0; i < octets; i++) {
    const ones = Math.max(0, Math.min(8, bits - 8 * i));
    text += ((0xff00 >> ones) & 0xff).toString(16).padStart(2, "0");
  }
  return text;
}
