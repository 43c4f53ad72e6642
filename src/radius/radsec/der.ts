/** Just enough of DER (X.690) to walk through a certificate or a revocation list. Nothing here throws. */
import { readU8 } from "../../util/bytes.js";

export interface DerItem {
  readonly tag: number;
  /** Of its contents. */
  readonly start: number;
  readonly end: number;
}

export const DerTag = {
  Integer: 0x02,
  UtcTime: 0x17,
  GeneralizedTime: 0x18,
  Sequence: 0x30,
  /** A constructed one, context-specific, number 0. */
  Context0: 0xa0,
} as const;

const CONSTRUCTED = 0x20;
/** UTF8String, PrintableString, TeletexString, IA5String, and other texts of one octet a letter. */
const TEXTS: ReadonlySet<number> = new Set([0x0c, 0x12, 0x13, 0x14, 0x16, 0x1a]);

/** The items between two places, as far as they are whole. */
export function* derItems(bytes: Uint8Array, start: number, end: number): Generator<DerItem> {
  for (let at = start; at + 2 <= end;) {
    const first = readU8(bytes, at + 1);
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (more > 4 || at + 2 + more > end) return;
    let length = first < 0x80 ? first : 0;
    for (let i = 0; i < more; i++) length = length * 256 + readU8(bytes, at + 2 + i);
    const contents = at + 2 + more;
    if (contents + length > end) return;
    yield { tag: readU8(bytes, at), start: contents, end: contents + length };
    at = contents + length;
  }
}

/** The first item of the whole; undefined where there is none. */
export function derRoot(bytes: Uint8Array): DerItem | undefined {
  const [root] = derItems(bytes, 0, bytes.length);
  return root;
}

/**
 * A distinguished name as a key: equal for names that RFC 5280 section 7.1 takes for equal, as far as letters'
 * case, spaces and the kind of text go.
 */
export function derName(bytes: Uint8Array, name: DerItem): string {
  let key = "";
  for (const { tag, start, end } of derItems(bytes, name.start, name.end)) {
    const value = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
    if ((tag & CONSTRUCTED) !== 0) key += `(${derName(bytes, { tag, start, end })})`;
    else if (TEXTS.has(tag)) {
      key += ` "${value.toString().toLowerCase().trim().replaceAll(/\s+/g, " ")}"`;
    } else key += ` ${tag}:${value.toString("hex")}`;
  }
  return key;
}
