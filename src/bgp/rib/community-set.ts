/**
 * Communities of attribute sets (RFC 1997): whether a set has one, and the same set with one more, canonical
 * as before. Cold: once per set, not per route.
 */
import { AttributeCode, AttributeFlag } from "../../fast-bgp-codec/iana.js";
import { copyBytes, readU16, readU32, readU8, writeU16, writeU32 } from "../../util/bytes.js";
import type { AttrStore } from "./attr-store.js";

const EXTENDED = 0x10;
const FLAGS = AttributeFlag.Optional | AttributeFlag.Transitive;
/** A set's octets at most, and the community with a header. */
const SCRATCH = 2 * 65536;

export class CommunitySet {
  private readonly attrs: AttrStore;
  private readonly scratch = new Uint8Array(SCRATCH);
  /** Of the set walked last: its communities' attribute, or where it would stand. */
  private at = 0;
  private valueAt = 0;
  private valueEnd = 0;

  constructor(attrs: AttrStore) {
    this.attrs = attrs;
  }

  has(attr: number, community: number): boolean {
    const { bytes } = this.attrs;
    this.find(attr);
    for (let at = this.valueAt; at < this.valueEnd; at += 4) {
      if (readU32(bytes, at) === community) return true;
    }
    return false;
  }

  /** Id of the set with the community, with a reference for the caller; the set itself when it has it. */
  add(attr: number, community: number): number {
    const { attrs, scratch } = this;
    if (this.has(attr, community)) {
      attrs.retain(attr);
      return attr;
    }
    const { bytes } = attrs;
    const start = attrs.nextHopStart(attr);
    const end = attrs.attributesEnd(attr);
    const nextHopLength = attrs.nextHopLength(attr);
    const length = this.valueEnd - this.valueAt + 4;
    let to = copyTo(bytes, start, this.at, scratch, 0);
    scratch[to] = this.valueEnd === this.valueAt ? FLAGS : readU8(bytes, this.at) & ~EXTENDED;
    scratch[to + 1] = AttributeCode.Communities;
    if (length > 255) {
      scratch[to] = scratch[to]! | EXTENDED;
      writeU16(scratch, to + 2, length);
      to += 4;
    } else {
      scratch[to + 2] = length;
      to += 3;
    }
    to = copyTo(bytes, this.valueAt, this.valueEnd, scratch, to);
    writeU32(scratch, to, community);
    to = copyTo(bytes, this.valueEnd, end, scratch, to + 4);
    return attrs.intern(attrs.family(attr), nextHopLength, scratch, 0, to);
  }

  /** Attributes stand ascending by code. */
  private find(attr: number): void {
    const { attrs } = this;
    const { bytes } = attrs;
    const end = attrs.attributesEnd(attr);
    let at = attrs.attributesStart(attr);
    while (at < end) {
      const extended = (readU8(bytes, at) & EXTENDED) !== 0;
      const code = readU8(bytes, at + 1);
      const value = at + (extended ? 4 : 3);
      const next = value + (extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2));
      if (code >= AttributeCode.Communities) {
        const found = code === AttributeCode.Communities;
        this.at = at;
        this.valueAt = found ? value : at;
        this.valueEnd = found ? next : at;
        return;
      }
      at = next;
    }
    this.at = end;
    this.valueAt = end;
    this.valueEnd = end;
  }
}

function copyTo(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number {
  copyBytes(from, start, end, to, at);
  return at + end - start;
}
