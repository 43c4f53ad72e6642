/**
 * Turns a batch's groups into UPDATE messages (RFC 4271 section 4.3, RFC 4760, RFC 7606 section 5.1):
 * MP_REACH_NLRI or MP_UNREACH_NLRI first, the other attributes ascending, one kind of NLRI per
 * message, as many as fit into 4,096 octets. A message goes byte-identical to all its receivers.
 *
 * Order within a batch: withdrawn Ethernet A-D routes, announcements, other withdrawals.
 */
import { copyBytes, writeU16, writeU32 } from "../../util/bytes.js";
import { FAMILIES, Family, isVpn } from "../../fast-bgp-codec/family.js";
import { vpnWithdrawalLength, writeVpnWithdrawal } from "../../fast-bgp-codec/vpn-prefix.js";
import {
  AttributeWriter,
  MOST_ADDED,
  type Encoding,
  type ReflectorIdentity,
} from "../policy/export.js";
import type { AttrStore } from "../rib/attr-store.js";
import type { RouteTable } from "../rib/route-table.js";
import { SourceKind } from "../rib/sources.js";
import type { Batch } from "./batch.js";
import type { Segments } from "./segments.js";

export const ORDINARY_MESSAGE = 4096;
export const EXTENDED_MESSAGE = 65535;
const HEADER = 19;
const UPDATE = 2;
/** Octets in front of an NLRI with ADD-PATH (RFC 7911 section 3). */
const PATH_ID = 4;

export class Packer {
  private readonly table: RouteTable;
  private readonly attrs: AttrStore;
  private readonly writer: AttributeWriter;
  private readonly scratch = new Uint8Array(4 * EXTENDED_MESSAGE + MOST_ADDED);
  private order = new Int32Array(0);

  constructor(table: RouteTable, identity: ReflectorIdentity) {
    this.table = table;
    this.attrs = table.attrs;
    this.writer = new AttributeWriter(identity);
  }

  /**
   * Messages for the receivers of every group. `encodings[i]` is what the slots in `encodingMasks[i]`
   * get; those in `extended` take messages beyond 4,096 octets, which only large sets use.
   */
  pack(
    batch: Batch,
    encodings: readonly Encoding[],
    encodingMasks: readonly Int32Array[],
    extended: Int32Array,
    out: Segments,
  ): void {
    for (let group = 0; group < batch.withdrawals; group++) {
      if (batch.withdrawEarly[group] === 1) this.packWithdrawals(batch, group, out);
    }
    if (batch.groups > 0) {
      this.orderBySource(batch);
      for (let i = 0; i < encodings.length; i++) {
        const receivers = encodings.length === 1 ? undefined : encodingMasks[i]!;
        this.packAnnouncements(batch, encodings[i]!, receivers, extended, out);
      }
    }
    for (let group = 0; group < batch.withdrawals; group++) {
      if (batch.withdrawEarly[group] === 0) this.packWithdrawals(batch, group, out);
    }
  }

  /** Octets of an UPDATE around the NLRI of this set. */
  overhead(attr: number, slot: number, encoding: Encoding): number {
    const classic = this.isClassic(attr);
    const length = this.writeAttributes(attr, slot, encoding, classic);
    return (
      HEADER +
      4 +
      length +
      (classic
        ? 0
        : 4 + 5 + (this.ownNextHop(attr, encoding)?.length ?? this.attrs.nextHopLength(attr)))
    );
  }

  /** The attributes as that encoding has them, MP_REACH_NLRI aside; a copy, for views. */
  attributesFor(attr: number, slot: number, encoding: Encoding): Uint8Array {
    const length = this.writeAttributes(attr, slot, encoding, this.isClassic(attr));
    return this.scratch.slice(0, length);
  }

  /** The next hop as that encoding has it; a copy, for views. */
  nextHopFor(attr: number, encoding: Encoding): Uint8Array {
    const { attrs } = this;
    const from = attrs.nextHopStart(attr);
    return (
      this.ownNextHop(attr, encoding) ?? attrs.bytes.slice(from, from + attrs.nextHopLength(attr))
    );
  }

  /** The next hop that replaces the route's own, where it is one of the same family. */
  private ownNextHop(attr: number, encoding: Encoding): Uint8Array | undefined {
    const self = encoding.nextHopSelf;
    const family = this.attrs.family(attr);
    const size = family === Family.Ipv6Unicast ? 16 : this.isClassic(attr) ? 4 : 0;
    return self !== undefined && self.length === size ? self : undefined;
  }

  /** Groups of one source stand together: then what a session must not get back is one gap. */
  private orderBySource(batch: Batch): void {
    if (this.order.length < batch.groups) this.order = new Int32Array(batch.groups * 2);
    const order = this.order;
    let sorted = true;
    for (let i = 0; i < batch.groups; i++) {
      order[i] = i;
      if (i > 0 && batch.slot[i]! < batch.slot[i - 1]!) sorted = false;
    }
    if (sorted) return;
    order.subarray(0, batch.groups).sort((a, b) => batch.slot[a]! - batch.slot[b]! || a - b);
  }

  private packAnnouncements(
    batch: Batch,
    encoding: Encoding,
    receivers: Int32Array | undefined,
    extended: Int32Array,
    out: Segments,
  ): void {
    for (let i = 0; i < batch.groups; i++) {
      const group = this.order[i]!;
      if (batch.first[group] === 0) continue;
      const mask =
        receivers === undefined
          ? batch.mask[group]!
          : narrowed(batch, batch.mask[group]!, receivers, false);
      if (mask < 0) continue;
      if (batch.large[group] === 0) {
        this.packGroup(batch, group, mask, encoding, ORDINARY_MESSAGE, out);
        continue;
      }
      const ordinary = narrowed(batch, mask, extended, true);
      if (ordinary >= 0) {
        this.packGroup(batch, group, ordinary, encoding, ORDINARY_MESSAGE, out);
      }
      const long = narrowed(batch, mask, extended, false);
      if (long >= 0) this.packGroup(batch, group, long, encoding, EXTENDED_MESSAGE, out);
    }
  }

  private packGroup(
    batch: Batch,
    group: number,
    mask: number,
    encoding: Encoding,
    limit: number,
    out: Segments,
  ): void {
    const { table, attrs } = this;
    const attr = batch.attr[group]!;
    const family = attrs.family(attr);
    const classic = this.isClassic(attr);
    const attrLength = this.writeAttributes(attr, batch.slot[group]!, encoding, classic);
    const idLength = batch.addPath ? PATH_ID : 0;
    let entry = batch.first[group]!;
    while (entry !== 0) {
      const { bytes, at } = out.room(limit);
      const nlriBytes = table.nlriBytes;
      let p = classic
        ? copyBytes(this.scratch, 0, attrLength, bytes, at + HEADER + 4)
        : this.openReach(bytes, at + HEADER + 4, family, attr, encoding);
      const last = at + limit - (classic ? 0 : attrLength);
      const first = p;
      do {
        const path = batch.item[entry]!;
        const length = table.pathNlriLength(path);
        if (p + length + idLength > last) break;
        if (idLength !== 0) {
          writeU32(bytes, p, batch.pathId[entry]!);
          p += idLength;
        }
        const from = table.pathNlri(path);
        p = copyBytes(nlriBytes, from, from + length, bytes, p);
        entry = batch.next[entry]!;
      } while (entry !== 0);
      if (p === first)
        throw new Error("a route was grouped for receivers whose messages cannot hold it");
      let attributes = attrLength;
      if (!classic) {
        writeU16(bytes, at + HEADER + 6, p - (at + HEADER + 8));
        attributes += p - (at + HEADER + 4);
        p = copyBytes(this.scratch, 0, attrLength, bytes, p);
      }
      writeU16(bytes, at + HEADER, 0);
      writeU16(bytes, at + HEADER + 2, attributes);
      this.header(bytes, at, p - at);
      out.finish(at, p, mask);
    }
  }

  private packWithdrawals(batch: Batch, group: number, out: Segments): void {
    const { table } = this;
    const family = batch.withdrawFamily[group] as Family;
    const classic = family === Family.Ipv4Unicast;
    const vpn = isVpn(family);
    const idLength = batch.addPath ? PATH_ID : 0;
    const isPlain = !vpn && !batch.addPath;
    const nlriBytes = table.nlriBytes;
    let entry = batch.withdrawFirst[group]!;
    while (entry !== 0) {
      const { bytes, at } = out.room(ORDINARY_MESSAGE);
      const body = at + HEADER;
      const start = classic ? body + 2 : body + 11;
      const last = at + ORDINARY_MESSAGE - (classic ? 2 : 0);
      let p = start;
      // Most withdrawals: the octets of the destination, and nothing else.
      while (isPlain && entry !== 0) {
        const dest = batch.item[entry]!;
        const length = table.destNlriLength(dest);
        if (p + length > last) break;
        const from = table.destNlri(dest);
        p = copyBytes(nlriBytes, from, from + length, bytes, p);
        entry = batch.next[entry]!;
      }
      while (!isPlain && entry !== 0) {
        const dest = batch.item[entry]!;
        const bits = table.routeType(dest);
        const length = vpn ? vpnWithdrawalLength(bits) : table.destNlriLength(dest);
        if (p + length + idLength > last) break;
        if (idLength !== 0) {
          writeU32(bytes, p, batch.pathId[entry]!);
          p += idLength;
        }
        const from = table.destNlri(dest);
        p = vpn
          ? writeVpnWithdrawal(nlriBytes, from, bits, bytes, p)
          : copyBytes(nlriBytes, from, from + length, bytes, p);
        entry = batch.next[entry]!;
      }
      if (classic) {
        writeU16(bytes, body, p - start);
        writeU16(bytes, p, 0);
        p += 2;
      } else {
        const spec = FAMILIES[family]!;
        writeU16(bytes, body, 0);
        writeU16(bytes, body + 2, p - body - 4);
        bytes[body + 4] = 0x90;
        bytes[body + 5] = 15;
        writeU16(bytes, body + 6, p - body - 8);
        writeU16(bytes, body + 8, spec.afi);
        bytes[body + 10] = spec.safi;
      }
      this.header(bytes, at, p - at);
      out.finish(at, p, batch.withdrawMask[group]!);
    }
  }

  /** IPv4 unicast with an IPv4 next hop goes in the message's own fields. */
  private isClassic(attr: number): boolean {
    return this.attrs.family(attr) === Family.Ipv4Unicast && this.attrs.nextHopLength(attr) === 4;
  }

  private writeAttributes(
    attr: number,
    slot: number,
    encoding: Encoding,
    classic: boolean,
  ): number {
    const { attrs } = this;
    const { sources } = this.table;
    const self = classic ? this.ownNextHop(attr, encoding) : undefined;
    return this.writer.write(
      attrs,
      attr,
      encoding,
      sources.kind[slot]! >= SourceKind.Ebgp,
      sources.routerId[slot]!,
      self ?? attrs.bytes,
      classic ? (self === undefined ? attrs.nextHopStart(attr) : 0) : -1,
      this.scratch,
      0,
    );
  }

  /** MP_REACH_NLRI up to the first NLRI; its length is filled in later. */
  private openReach(
    bytes: Uint8Array,
    at: number,
    family: Family,
    attr: number,
    encoding: Encoding,
  ): number {
    const spec = FAMILIES[family]!;
    const self = this.ownNextHop(attr, encoding);
    const length = self === undefined ? this.attrs.nextHopLength(attr) : self.length;
    const from = self === undefined ? this.attrs.nextHopStart(attr) : 0;
    bytes[at] = 0x90;
    bytes[at + 1] = 14;
    writeU16(bytes, at + 4, spec.afi);
    bytes[at + 6] = spec.safi;
    bytes[at + 7] = length;
    const p = copyBytes(self ?? this.attrs.bytes, from, from + length, bytes, at + 8);
    bytes[p] = 0;
    return p + 1;
  }

  private header(bytes: Uint8Array, at: number, length: number): void {
    bytes.fill(0xff, at, at + 16);
    writeU16(bytes, at + 16, length);
    bytes[at + 18] = UPDATE;
  }
}

/** The receivers at `mask` that are in `by` (or, inverted, are not); -1 when none is. */
function narrowed(batch: Batch, mask: number, by: Int32Array, inverted: boolean): number {
  const own = batch.takeMask();
  let any = 0;
  for (let w = 0; w < batch.words; w++) {
    const bits = batch.masks[mask + w]! & (inverted ? ~by[w]! : by[w]!);
    batch.masks[own + w] = bits;
    any |= bits;
  }
  if (any !== 0) return own;
  batch.dropMask(own);
  return -1;
}
