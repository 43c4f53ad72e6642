/**
 * What happened in the FIB, in order, in a ring of fixed records. Whoever wants to know reads from a
 * position of its own, in batches; what is older than the ring is lost to it, and it is told how much.
 *
 * Records carry addresses and keys, not ids: an id may stand for something else when the event is read.
 * A record is 28 words:
 *   0 kind | octets of `from` << 8 | octets of `to` << 16 | octets of `ip` << 24
 *   1-2 wall-clock milliseconds | 3-5 domain key and tag | 6-7 MAC | 8-11 to | 12-15 from | 16 sequence
 *   17-19 ESI | 20 count | 21 source slot | 22-25 IP | 26 label | 27 spare
 */
import { formatEsi, formatIp, formatMac, formatRouteTarget } from "../fast-bgp-codec/index.js";
import { toHex, writeU16, writeU32 } from "../util/bytes.js";
import { FlatMemory } from "../util/flat-memory.js";
import type { BridgeDomains } from "./bridge-domain.js";
import type { EthernetSegments } from "./ethernet-segment.js";
import type { RemotePes } from "./remote-pes.js";

const WIDTH = 28;
const HIGH = 0x1_0000_0000;

export const FibEventKind = {
  /** A MAC that nobody had. */
  Learn: 1,
  /** The MAC's winner is at another PE, and not on the same segment. */
  Move: 2,
  /** The MAC's last route went. */
  Withdraw: 3,
  /** The sequence of a backbone MAC changed: its customer MACs are to be flushed (RFC 7623 section 5.7). */
  Flush: 4,
  IpLearn: 5,
  /** The address is another MAC's; `from` is the MAC it was of. */
  IpMove: 6,
  IpWithdraw: 7,
  /** A PE's first per-ES route for a segment; `count` is the MACs it has there. */
  SegmentUp: 8,
  /** A PE's last per-ES route went: all its MACs of the segment leave it (RFC 7432 section 8.2). */
  SegmentDown: 9,
  /** The MAC routes that a PE still had on a segment it left are gone, `count` of them without events of their own. */
  SegmentDrained: 10,
  /** Too many moves (RFC 7432 section 15.1); `count` of them. */
  Duplicate: 11,
  DuplicateCleared: 12,
  /** Sequences of a MAC wrapped around (RFC 7432 section 15). */
  SequenceWrap: 13,
} as const;
export type FibEventKind = (typeof FibEventKind)[keyof typeof FibEventKind];

/** Indexed by `FibEventKind`. */
export const FIB_EVENT_NAMES: readonly string[] = [
  "",
  "learn",
  "move",
  "withdraw",
  "flush",
  "ip-learn",
  "ip-move",
  "ip-withdraw",
  "segment-up",
  "segment-down",
  "segment-drained",
  "duplicate",
  "duplicate-cleared",
  "sequence-wrap",
];

/** An event as plain data. What an event has nothing of is empty or 0. */
export interface FibEvent {
  /** Position in the sequence of all events. */
  readonly position: number;
  readonly kind: FibEventKind;
  /** Wall-clock milliseconds since 1970. */
  readonly time: number;
  readonly domain: DomainKey | undefined;
  readonly mac: string;
  /** Where it is now, and where it was: PE addresses (of IpMove: `from` is a MAC). */
  readonly to: string;
  readonly from: string;
  readonly sequence: number;
  readonly esi: string;
  readonly count: number;
  /** Slot of the session whose route it was about, -1 if none. */
  readonly slot: number;
  readonly ip: string;
  /** Raw 24 bits. */
  readonly label: number;
}

/** How a domain is named in events: it may be gone when they are read. */
export interface DomainKey {
  /** As text, of derived domains. */
  readonly routeTarget: string | undefined;
  /** Index in the settings, of configured ones. */
  readonly configured: number | undefined;
  readonly tag: number;
}

export class FibEvents {
  /** Position of the next event. */
  next = 0;
  /** Wall-clock milliseconds; set by the owner before each batch. */
  now = 0;
  readonly capacity: number;
  private readonly memory: FlatMemory;
  private readonly pes: RemotePes;
  private readonly domains: BridgeDomains;
  private readonly segments: EthernetSegments;
  private base = 0;

  constructor(
    capacity: number,
    pes: RemotePes,
    domains: BridgeDomains,
    segments: EthernetSegments,
  ) {
    this.capacity = capacity;
    this.memory = new FlatMemory(capacity * WIDTH * 4);
    this.pes = pes;
    this.domains = domains;
    this.segments = segments;
  }

  /** The oldest position still there. */
  get oldest(): number {
    return Math.max(0, this.next - this.capacity);
  }

  // Writing. `begin` opens a record with the time in it; the others fill the one that is open.

  begin(kind: FibEventKind): this {
    const words = this.memory.i32;
    const base = (this.next++ % this.capacity) * WIDTH;
    for (let i = base; i < base + WIDTH; i++) words[i] = 0;
    words[base] = kind;
    words[base + 1] = this.now % HIGH;
    words[base + 2] = this.now / HIGH;
    words[base + 21] = -1;
    this.base = base;
    return this;
  }

  mac(domain: number, high: number, low: number): this {
    const words = this.memory.i32;
    const { base } = this;
    words[base + 3] = this.domains.keyWord(domain, 0);
    words[base + 4] = this.domains.keyWord(domain, 1);
    words[base + 5] = this.domains.tag(domain);
    words[base + 6] = high;
    words[base + 7] = low;
    return this;
  }

  to(pe: number): this {
    this.pe(8, 16, pe);
    return this;
  }

  from(pe: number): this {
    this.pe(12, 8, pe);
    return this;
  }

  fromMac(high: number, low: number): this {
    const words = this.memory.i32;
    words[this.base] = words[this.base]! | (6 << 8);
    words[this.base + 12] = high;
    words[this.base + 13] = low;
    return this;
  }

  sequence(sequence: number): this {
    this.memory.i32[this.base + 16] = sequence;
    return this;
  }

  /** 0 = none. */
  segment(segment: number): this {
    if (segment === 0) return this;
    const words = this.memory.i32;
    for (let i = 0; i < 3; i++) words[this.base + 17 + i] = this.segments.esiWord(segment, i);
    return this;
  }

  count(count: number): this {
    this.memory.i32[this.base + 20] = count;
    return this;
  }

  source(slot: number, label: number): this {
    this.memory.i32[this.base + 21] = slot;
    this.memory.i32[this.base + 26] = label;
    return this;
  }

  ip(word0: number, word1: number, word2: number, word3: number, octets: number): this {
    const words = this.memory.i32;
    const { base } = this;
    words[base] = words[base]! | (octets << 24);
    words[base + 22] = word0;
    words[base + 23] = word1;
    words[base + 24] = word2;
    words[base + 25] = word3;
    return this;
  }

  // Reading

  /** Up to `most` events from `position` on, as plain data; `lost` is how many were there and are gone. */
  read(position: number, most: number): { readonly events: FibEvent[]; readonly lost: number } {
    const start = Math.max(position, this.oldest);
    const end = Math.min(this.next, start + most);
    const events: FibEvent[] = [];
    for (let at = start; at < end; at++) events.push(this.decode(at));
    return { events, lost: start - position };
  }

  private pe(word: number, shift: number, pe: number): void {
    if (pe === 0) return;
    const words = this.memory.i32;
    const { base } = this;
    words[base] = words[base]! | (this.pes.addressLength(pe) << shift);
    for (let i = 0; i < 4; i++) words[base + word + i] = this.pes.addressWord(pe, i);
  }

  private decode(position: number): FibEvent {
    const words = this.memory.i32;
    const base = (position % this.capacity) * WIDTH;
    const bytes = new Uint8Array(WIDTH * 4);
    for (let i = 0; i < WIDTH; i++) writeU32(bytes, 4 * i, words[base + i]!);
    const word = (index: number): number => words[base + index]! >>> 0;
    const octets = (shift: number): number => (word(0) >>> shift) & 0xff;
    const address = (at: number, length: number): string =>
      length === 0
        ? ""
        : length === 6
          ? macText(word(at), word(at + 1))
          : formatIp(bytes, at * 4, length);
    const hasDomain = word(3) !== 0 || word(4) !== 0;
    const hasEsi = word(17) !== 0 || word(18) !== 0 || word(19) !== 0;
    writeU16(bytes, 76, word(19));
    return {
      position,
      kind: (word(0) & 0xff) as FibEventKind,
      time: word(2) * HIGH + word(1),
      domain: hasDomain ? domainKey(bytes, 12, word(3), word(4), word(5)) : undefined,
      mac: hasDomain ? macText(word(6), word(7)) : "",
      to: address(8, octets(16)),
      from: address(12, octets(8)),
      sequence: word(16),
      esi: hasEsi ? formatEsi(bytes, 68) : "",
      count: word(20),
      slot: word(21) | 0,
      ip: address(22, octets(24)),
      label: word(26),
    };
  }
}

function domainKey(
  bytes: Uint8Array,
  at: number,
  high: number,
  low: number,
  tag: number,
): DomainKey {
  if (high === 0xffffffff) return { routeTarget: undefined, configured: low, tag };
  const routeTarget = formatRouteTarget(bytes, at) ?? toHex(bytes, at, at + 8);
  return { routeTarget, configured: undefined, tag };
}

/** `high` is the first two octets. */
export function macText(high: number, low: number): string {
  const bytes = new Uint8Array(6);
  writeU16(bytes, 0, high);
  writeU32(bytes, 2, low);
  return formatMac(bytes, 0);
}
