/**
 * The messages a PE sends, written straight into a growing buffer (RFC 4271, 4760, 7432, 8365).
 * One writer per PE and burst: no object per message or route.
 */
import { writeU16, writeU24, writeU32 } from "../../src/util/bytes.js";
import type { Universe } from "./universe.js";
import { FIRST_VNI, NEXT_HOP_BASE, SHARED_RD_ADDRESS } from "./universe.js";

export const HEADER = 19;
export const MessageType = {
  Open: 1,
  Update: 2,
  Notification: 3,
  Keepalive: 4,
  Refresh: 5,
} as const;
const AFI_L2VPN = 25;
const SAFI_EVPN = 70;
const AFI_IPV4 = 1;
const SAFI_RT = 132;

/** Octets that grow by doubling. */
export class ByteSink {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `more` octets behind `length`. */
  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  append(octets: Uint8Array): void {
    this.reserve(octets.length);
    this.bytes.set(octets, this.length);
    this.length += octets.length;
  }

  /** A copy of what was written; the sink is empty afterwards and keeps its memory. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.length);
    this.length = 0;
    return taken;
  }
}

function header(type: number, length: number): Uint8Array {
  const message = new Uint8Array(length).fill(0xff, 0, 16);
  writeU16(message, 16, length);
  message[18] = type;
  return message;
}

export const KEEPALIVE = header(MessageType.Keepalive, HEADER);

/** Empty MP_UNREACH_NLRI for EVPN (RFC 4724 section 2). */
export const END_OF_RIB = ((): Uint8Array => {
  const message = header(MessageType.Update, HEADER + 4 + 6);
  message.set([0, 0, 0, 6, 0x80, 15, 3, 0, AFI_L2VPN, SAFI_EVPN], HEADER);
  return message;
})();

/** The same for route-target memberships (RFC 4684 section 6). */
export const MEMBERSHIP_END_OF_RIB = ((): Uint8Array => {
  const message = header(MessageType.Update, HEADER + 4 + 6);
  message.set([0, 0, 0, 6, 0x80, 15, 3, 0, AFI_IPV4, SAFI_RT], HEADER);
  return message;
})();

/**
 * Memberships of VNIs (by number from 0), announced by PE `peer` or withdrawn.
 *   8 bits, 96 | 4 origin AS | 8 route target (RFC 4684 section 4)
 */
export function buildMembership(
  peer: number,
  as: number,
  vnis: readonly number[],
  announce: boolean,
): Uint8Array {
  const nlri = vnis.flatMap((vni) => [96, ...octets(as, 4), ...targetOf(as, FIRST_VNI + vni)]);
  const reach = [0, AFI_IPV4, SAFI_RT, 4, ...octets(NEXT_HOP_BASE + peer + 1, 4), 0, ...nlri];
  const unreach = [0, AFI_IPV4, SAFI_RT, ...nlri];
  const attributes = announce
    ? [0x90, 14, ...octets(reach.length, 2), ...reach, ...ORIGIN_PATH_PREFERENCE]
    : [0x90, 15, ...octets(unreach.length, 2), ...unreach];
  const message = header(MessageType.Update, HEADER + 4 + attributes.length);
  message.set([0, 0, ...octets(attributes.length, 2), ...attributes], HEADER);
  return message;
}

function octets(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, at) => (value >>> (8 * (count - 1 - at))) & 255);
}

function targetOf(as: number, vni: number): number[] {
  return as > 0xffff
    ? [2, 2, ...octets(as, 4), ...octets(vni, 2)]
    : [0, 2, ...octets(as, 2), ...octets(vni, 4)];
}

export const ROUTE_REFRESH = ((): Uint8Array => {
  const message = header(MessageType.Refresh, HEADER + 4);
  message.set([0, AFI_L2VPN, 0, SAFI_EVPN], HEADER);
  return message;
})();

/** NOTIFICATION Cease, administrative shutdown. */
export const CEASE = ((): Uint8Array => {
  const message = header(MessageType.Notification, HEADER + 2);
  message.set([6, 2], HEADER);
  return message;
})();

export interface OpenOptions {
  readonly as: number;
  readonly holdTime: number;
  readonly routerId: number;
  readonly enhancedRefresh: boolean;
  readonly extendedMessage: boolean;
  readonly memberships?: boolean;
}

/** Multiprotocol EVPN, route refresh, 4-octet AS, graceful restart without families: the last makes FRR send End-of-RIB. */
export function buildOpen(options: OpenOptions): Uint8Array {
  const capabilities = [
    [1, 4, 0, AFI_L2VPN, 0, SAFI_EVPN],
    [2, 0],
    [65, 4, ...[24, 16, 8, 0].map((shift) => (options.as >>> shift) & 255)],
    [64, 2, 0, 120],
    ...(options.enhancedRefresh ? [[70, 0]] : []),
    ...(options.extendedMessage ? [[6, 0]] : []),
    ...(options.memberships === true ? [[1, 4, 0, AFI_IPV4, 0, SAFI_RT]] : []),
  ].flat();
  const message = header(MessageType.Open, HEADER + 10 + 2 + capabilities.length);
  message[19] = 4;
  writeU16(message, 20, options.as > 0xffff ? 23456 : options.as);
  writeU16(message, 22, options.holdTime);
  writeU32(message, 24, options.routerId);
  message[28] = 2 + capabilities.length;
  message.set([2, capabilities.length, ...capabilities], 29);
  return message;
}

/** Writes the UPDATEs of a universe. */
export class UpdateWriter {
  private readonly universe: Universe;

  constructor(universe: Universe) {
    this.universe = universe;
  }

  /**
   * One UPDATE that announces the MACs `indexes[from, to)` for PE `peer`. All must share VNI and
   * variant: the first decides. `community` is one more standard community, 0 for none.
   */
  announce(
    sink: ByteSink,
    peer: number,
    sequence: number,
    indexes: Int32Array,
    from: number,
    to: number,
    community = 0,
  ): void {
    const { settings, vni, variant } = this.universe;
    const first = indexes[from] ?? 0;
    const vniNumber = vni[first] ?? 0;
    const variantNumber = variant[first] ?? 0;
    sink.reserve(200 + (to - from) * 39);
    const bytes = sink.bytes;
    const start = sink.length;
    let at = start + HEADER + 4;
    // MP_REACH_NLRI with extended length, first of all attributes (RFC 7606 section 5.1)
    bytes[at] = 0x90;
    bytes[at + 1] = 14;
    const lengthAt = at + 2;
    at += 4;
    writeU16(bytes, at, AFI_L2VPN);
    bytes[at + 2] = SAFI_EVPN;
    bytes[at + 3] = 4;
    writeU32(bytes, at + 4, NEXT_HOP_BASE + peer + 1);
    bytes[at + 8] = 0;
    at += 9;
    for (let k = from; k < to; k++) at = this.nlri(bytes, at, peer, indexes[k] ?? 0);
    writeU16(bytes, lengthAt, at - lengthAt - 2);
    bytes.set(ORIGIN_PATH_PREFERENCE, at);
    at += ORIGIN_PATH_PREFERENCE.length;
    const communities = (settings.attrSets > 1 ? 1 : 0) + (community !== 0 ? 1 : 0);
    if (communities > 0) {
      bytes[at] = 0xc0;
      bytes[at + 1] = 8;
      bytes[at + 2] = communities * 4;
      at += 3;
      if (settings.attrSets > 1) {
        writeU16(bytes, at, settings.as);
        writeU16(bytes, at + 2, variantNumber);
        at += 4;
      }
      if (community !== 0) {
        writeU32(bytes, at, community);
        at += 4;
      }
    }
    at = writeExtendedCommunities(bytes, at, settings.as, FIRST_VNI + vniNumber, sequence);
    finish(bytes, start, at);
    sink.length = at;
  }

  /** One UPDATE that withdraws them. */
  withdraw(sink: ByteSink, peer: number, indexes: Int32Array, from: number, to: number): void {
    sink.reserve(100 + (to - from) * 39);
    const bytes = sink.bytes;
    const start = sink.length;
    let at = start + HEADER + 4;
    bytes[at] = 0x90;
    bytes[at + 1] = 15;
    const lengthAt = at + 2;
    at += 4;
    writeU16(bytes, at, AFI_L2VPN);
    bytes[at + 2] = SAFI_EVPN;
    at += 3;
    for (let k = from; k < to; k++) at = this.nlri(bytes, at, peer, indexes[k] ?? 0);
    writeU16(bytes, lengthAt, at - lengthAt - 2);
    finish(bytes, start, at);
    sink.length = at;
  }

  /** Type 2: 8 RD | 10 ESI | 4 tag | 1 MAC bits | 6 MAC | 1 IP bits | 0/4 IP | 3 label (RFC 7432 section 7.2). */
  private nlri(bytes: Uint8Array, start: number, peer: number, index: number): number {
    const { settings, vni, hasIp } = this.universe;
    const number = vni[index] ?? 0;
    bytes[start] = 2;
    writeU16(bytes, start + 2, 1);
    writeU32(bytes, start + 4, settings.sharedRd ? SHARED_RD_ADDRESS : NEXT_HOP_BASE + peer + 1);
    writeU16(bytes, start + 8, number);
    bytes.fill(0, start + 10, start + 24);
    bytes[start + 24] = 48;
    writeU16(bytes, start + 25, 0x0200);
    writeU32(bytes, start + 27, index);
    let at = start + 32;
    if (hasIp[index] === 1) {
      bytes[start + 31] = 32;
      writeU32(bytes, at, (10 << 24) | (index & 0xffffff));
      at += 4;
    } else {
      bytes[start + 31] = 0;
    }
    writeU24(bytes, at, FIRST_VNI + number);
    at += 3;
    bytes[start + 1] = at - start - 2;
    return at;
  }

  /** The UPDATEs that announce `indexes` (ascending, as `homeOf` gives) with sequence 0, cut where VNI or variant change. */
  announceAll(sink: ByteSink, peer: number, indexes: Int32Array): void {
    const { vni, variant, settings } = this.universe;
    let from = 0;
    while (from < indexes.length) {
      const first = indexes[from] ?? 0;
      let to = from + 1;
      while (to < indexes.length && to - from < settings.nlriPerUpdate) {
        const index = indexes[to] ?? 0;
        if (vni[index] !== vni[first] || variant[index] !== variant[first]) break;
        to++;
      }
      this.announce(sink, peer, 0, indexes, from, to);
      from = to;
    }
  }
}

/** ORIGIN IGP, empty AS_PATH, LOCAL_PREF 100. */
const ORIGIN_PATH_PREFERENCE = Uint8Array.of(
  ...[0x40, 1, 1, 0],
  ...[0x40, 2, 0],
  ...[0x40, 5, 4, 0, 0, 0, 100],
);

/** Encapsulation VXLAN, route target AS:VNI, and MAC mobility unless the sequence is 0 (RFC 7432 section 15.1: absent counts as 0). */
function writeExtendedCommunities(
  bytes: Uint8Array,
  start: number,
  as: number,
  vni: number,
  sequence: number,
): number {
  let at = start;
  bytes[at] = 0xc0;
  bytes[at + 1] = 16;
  bytes[at + 2] = sequence === 0 ? 16 : 24;
  at += 3;
  writeU32(bytes, at, 0x030c0000);
  writeU32(bytes, at + 4, 8);
  at += 8;
  if (as > 0xffff) {
    writeU16(bytes, at, 0x0202);
    writeU32(bytes, at + 2, as);
    writeU16(bytes, at + 6, vni);
  } else {
    writeU16(bytes, at, 0x0002);
    writeU16(bytes, at + 2, as);
    writeU32(bytes, at + 4, vni);
  }
  at += 8;
  if (sequence !== 0) {
    writeU32(bytes, at, 0x06000000);
    writeU32(bytes, at + 4, sequence);
    at += 8;
  }
  return at;
}

function finish(bytes: Uint8Array, start: number, end: number): void {
  bytes.fill(0xff, start, start + 16);
  writeU16(bytes, start + 16, end - start);
  bytes[start + 18] = MessageType.Update;
  writeU16(bytes, start + HEADER, 0);
  writeU16(bytes, start + HEADER + 2, end - start - HEADER - 4);
}
