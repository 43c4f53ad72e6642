/**
 * Where things stand in one attribute set: offsets into its canonical octets, read in one walk and
 * used by every condition that is asked about the set. Reused; nothing is allocated.
 */
import { readU16, readU24, readU8 } from "../../../util/bytes.js";
import type { Family } from "../../../fast-bgp-codec/family.js";
import type { AttrStore } from "../../rib/attr-store.js";

export const NO_LABEL = -1;

export class AttrView {
  attrs: AttrStore | undefined;
  attr = 0;
  bytes: Uint8Array = new Uint8Array(0);
  family: Family = 0;
  nextHopStart = 0;
  nextHopLength = 0;
  start = 0;
  end = 0;
  /** Values of attributes, `[start, end)`; empty where there is none. */
  pathStart = 0;
  pathEnd = 0;
  communitiesStart = 0;
  communitiesEnd = 0;
  extendedStart = 0;
  extendedEnd = 0;
  largeStart = 0;
  largeEnd = 0;
  /** Label of the PMSI tunnel (RFC 6514 section 5), NO_LABEL without one. */
  pmsiLabel = NO_LABEL;

  read(attrs: AttrStore, attr: number): void {
    const { bytes } = attrs;
    this.attrs = attrs;
    this.attr = attr;
    this.bytes = bytes;
    this.family = attrs.family(attr);
    this.nextHopStart = attrs.nextHopStart(attr);
    this.nextHopLength = attrs.nextHopLength(attr);
    this.start = attrs.attributesStart(attr);
    this.end = attrs.attributesEnd(attr);
    this.pathStart = this.pathEnd = 0;
    this.communitiesStart = this.communitiesEnd = 0;
    this.extendedStart = this.extendedEnd = 0;
    this.largeStart = this.largeEnd = 0;
    this.pmsiLabel = NO_LABEL;
    const { end } = this;
    let at = this.start;
    while (at < end) {
      const extended = (readU8(bytes, at) & 0x10) !== 0;
      const code = readU8(bytes, at + 1);
      const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
      const value = at + (extended ? 4 : 3);
      at = value + length;
      switch (code) {
        case 2:
          this.pathStart = value;
          this.pathEnd = at;
          break;
        case 8:
          this.communitiesStart = value;
          this.communitiesEnd = at;
          break;
        case 16:
          this.extendedStart = value;
          this.extendedEnd = at;
          break;
        case 22:
          if (length >= 5) this.pmsiLabel = readU24(bytes, value + 2);
          break;
        case 32:
          this.largeStart = value;
          this.largeEnd = at;
          break;
        default:
          break;
      }
    }
  }
}
