/**
 * Attribute sets with LOCAL_PREF 0 in the place of what they have: their routes are the last choice. Sets
 * are made once in a batch.
 */
import { copyBytes, readU16, readU8, writeU32 } from "../../util/bytes.js";
import type { AttrStore } from "../rib/attr-store.js";

const LOCAL_PREF = 5;
const HEADER_AND_VALUE = 7;

let scratch = new Uint8Array(8192);

export class LowestPreference {
  private readonly attrs: AttrStore;
  /** Sets made since the last `endBatch`, by what they were made of. */
  private readonly made = new Map<number, number>();

  constructor(attrs: AttrStore) {
    this.attrs = attrs;
  }

  /** Alive until `endBatch`; whoever uses it from then on holds a reference. */
  of(attr: number): number {
    const known = this.made.get(attr);
    if (known !== undefined) return known;
    const { attrs } = this;
    const start = attrs.nextHopStart(attr);
    const end = attrs.attributesEnd(attr);
    if (scratch.length < end - start + HEADER_AND_VALUE) {
      scratch = new Uint8Array(end - start + HEADER_AND_VALUE);
    }
    const length = withLowestPreference(attrs.bytes, start, attrs.attributesStart(attr), end);
    const lowered = attrs.intern(attrs.family(attr), attrs.nextHopLength(attr), scratch, 0, length);
    this.made.set(attr, lowered);
    return lowered;
  }

  endBatch(): void {
    if (this.made.size === 0) return;
    for (const attr of this.made.values()) this.attrs.release(attr);
    this.made.clear();
  }
}

/** Copies next hop and canonical attributes to `scratch`, with LOCAL_PREF 0 in its place; the octets. */
function withLowestPreference(
  bytes: Uint8Array,
  start: number,
  attributes: number,
  end: number,
): number {
  let at = attributes;
  let next = at;
  // Attributes ascend: up to the first of LOCAL_PREF's code or a higher one.
  for (; at < end; at = next) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    next = at + (extended ? 4 + readU16(bytes, at + 2) : 3 + readU8(bytes, at + 2));
    if (readU8(bytes, at + 1) >= LOCAL_PREF) break;
  }
  const isThere = at < end && readU8(bytes, at + 1) === LOCAL_PREF;
  let to = copyBytes(bytes, start, at, scratch, 0);
  scratch[to] = 0x40;
  scratch[to + 1] = LOCAL_PREF;
  scratch[to + 2] = 4;
  writeU32(scratch, to + 3, 0);
  to += HEADER_AND_VALUE;
  return copyBytes(bytes, isThere ? next : at, end, scratch, to);
}
