/**
 * UPDATE messages out of what the table holds (RFC 4271 section 4.3, RFC 4760): the attributes as they
 * are stored, 4-octet ASes, one kind of NLRI per message. For feeds; what peers are sent is made by
 * `adj-rib-out/packer.ts`.
 */
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import { HEADER_LENGTH, MAX_LENGTH, MAX_LENGTH_EXTENDED } from "../../fast-bgp-codec/header.js";
import { AttributeCode, MessageType } from "../../fast-bgp-codec/iana.js";
import { copyBytes, readU16, readU8, writeU16, writeU32 } from "../../util/bytes.js";
import type { AttrStore } from "../rib/attr-store.js";

/** Longest NLRI with its path id. */
const MOST_NLRI = 262;
/** MP_REACH_NLRI around its NLRI: header, AFI, SAFI, next hop with its length, reserved. */
const MP_REACH = 4 + 5 + 255;
/** Sets up to this size go into messages of ordinary length. */
const ORDINARY_SET = MAX_LENGTH - HEADER_LENGTH - 4 - MP_REACH - MOST_NLRI;

/** Where NLRI are: one after the other, `next` leads to the one after. */
export interface NlriRun {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  readonly pathId: number;
}

export class UpdateWriter {
  /** End of the message written last. */
  end = 0;
  private readonly set = new Uint8Array(2 * MAX_LENGTH_EXTENDED);
  private setLength = 0;
  private readonly nextHop = new Uint8Array(255);
  private nextHopLength = 0;
  private family: Family = Family.Evpn;
  private classic = false;

  /** Octets that a message of the attributes chosen may have. */
  get limit(): number {
    return this.setLength <= ORDINARY_SET ? MAX_LENGTH : MAX_LENGTH_EXTENDED;
  }

  /** The attributes of the announcements that follow are a stored set. */
  useStored(attrs: AttrStore, attr: number): void {
    const { bytes } = attrs;
    const hop = attrs.nextHopStart(attr);
    const hopLength = attrs.nextHopLength(attr);
    this.begin(attrs.family(attr), bytes, hop, hopLength);
    const start = attrs.attributesStart(attr);
    const end = attrs.attributesEnd(attr);
    if (this.classic) this.setLength = insertNextHop(bytes, start, end, hop, this.set);
    else this.setLength = copyBytes(bytes, start, end, this.set, 0);
  }

  /** They are `attributes`, with NEXT_HOP among them where the message's own fields carry the NLRI. */
  useEncoded(family: Family, attributes: Uint8Array, nextHop: Uint8Array): void {
    this.begin(family, nextHop, 0, nextHop.length);
    this.set.set(attributes);
    this.setLength = attributes.length;
  }

  private begin(family: Family, hop: Uint8Array, from: number, length: number): void {
    this.family = family;
    this.classic = family === Family.Ipv4Unicast && length === 4;
    this.nextHopLength = length;
    copyBytes(hop, from, from + length, this.nextHop, 0);
  }

  /**
   * One UPDATE at `at` with as many NLRI as fit, from `first` on; at least one.
   * @param target has room for `limit` octets
   * @returns index of the first NLRI not in the message; `end` has its end
   */
  announce(
    target: Uint8Array,
    at: number,
    nlri: readonly NlriRun[],
    first: number,
    pathIds: boolean,
  ): number {
    const last = at + this.limit - (this.classic ? 0 : this.setLength);
    const body = at + HEADER_LENGTH;
    const from = this.classic
      ? copyBytes(this.set, 0, this.setLength, target, body + 4)
      : this.openReach(target, body + 4);
    const next = this.fill(target, from, last, nlri, first, pathIds);
    let length = this.setLength;
    if (!this.classic) {
      writeU16(target, body + 6, this.end - (body + 8));
      length += this.end - (body + 4);
      this.end = copyBytes(this.set, 0, this.setLength, target, this.end);
    }
    writeU16(target, body, 0);
    writeU16(target, body + 2, length);
    this.header(target, at);
    return next;
  }

  /** The same for withdrawals of one family. */
  withdraw(
    target: Uint8Array,
    at: number,
    family: Family,
    nlri: readonly NlriRun[],
    first: number,
    pathIds: boolean,
  ): number {
    const body = at + HEADER_LENGTH;
    const last = at + MAX_LENGTH - 2;
    let next: number;
    if (family === Family.Ipv4Unicast) {
      next = this.fill(target, body + 2, last, nlri, first, pathIds);
      writeU16(target, body, this.end - (body + 2));
      writeU16(target, this.end, 0);
      this.end += 2;
    } else {
      const spec = FAMILIES[family]!;
      next = this.fill(target, body + 11, last, nlri, first, pathIds);
      writeU16(target, body, 0);
      writeU16(target, body + 2, this.end - body - 4);
      target[body + 4] = 0x90;
      target[body + 5] = AttributeCode.MpUnreachNlri;
      writeU16(target, body + 6, this.end - body - 8);
      writeU16(target, body + 8, spec.afi);
      target[body + 10] = spec.safi;
    }
    this.header(target, at);
    return next;
  }

  private fill(
    target: Uint8Array,
    at: number,
    last: number,
    nlri: readonly NlriRun[],
    first: number,
    pathIds: boolean,
  ): number {
    let p = at;
    let next = first;
    for (; next < nlri.length; next++) {
      const { bytes, start, length, pathId } = nlri[next]!;
      if (p + length + (pathIds ? 4 : 0) > last && next > first) break;
      if (pathIds) {
        writeU32(target, p, pathId);
        p += 4;
      }
      p = copyBytes(bytes, start, start + length, target, p);
    }
    this.end = p;
    return next;
  }

  private openReach(target: Uint8Array, at: number): number {
    const spec = FAMILIES[this.family]!;
    target[at] = 0x90;
    target[at + 1] = AttributeCode.MpReachNlri;
    writeU16(target, at + 4, spec.afi);
    target[at + 6] = spec.safi;
    target[at + 7] = this.nextHopLength;
    const p = copyBytes(this.nextHop, 0, this.nextHopLength, target, at + 8);
    target[p] = 0;
    return p + 1;
  }

  private header(target: Uint8Array, at: number): void {
    target.fill(0xff, at, at + 16);
    writeU16(target, at + 16, this.end - at);
    target[at + 18] = MessageType.Update;
  }
}

/**
 * Copies a canonical (ascending) set to the front of `target` with NEXT_HOP in its place, behind
 * ORIGIN and AS_PATH; returns the octets written.
 */
export function insertNextHop(
  bytes: Uint8Array,
  start: number,
  end: number,
  hop: number,
  target: Uint8Array,
): number {
  let at = start;
  while (at < end && readU8(bytes, at + 1) < AttributeCode.NextHop) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    at += extended ? 4 + readU16(bytes, at + 2) : 3 + readU8(bytes, at + 2);
  }
  let p = copyBytes(bytes, start, at, target, 0);
  target[p++] = 0x40;
  target[p++] = AttributeCode.NextHop;
  target[p++] = 4;
  p = copyBytes(bytes, hop, hop + 4, target, p);
  return copyBytes(bytes, at, end, target, p);
}
