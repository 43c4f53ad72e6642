/**
 * What an event of the FIB is, and how its record in the ring of events (`events.ts`) reads.
 *
 * Records carry addresses and keys, not ids: an id may stand for something else when the event is read.
 * A record is `EVENT_WORDS` words:
 *   0 kind | octets of `from` << 8 | octets of `to` << 16 | octets of `ip` << 24
 *   1-2 wall-clock milliseconds | 3-5 domain key and tag | 6-7 MAC | 8-11 to | 12-15 from | 16 sequence
 *   17-19 ESI | 20 count | 21 source slot | 22-25 IP | 26 label, bit 24 = a VNI | 27 number of the peer in the directory
 */
import { formatEsi, formatIp, formatMac, formatRouteTarget } from "../fast-bgp-codec/index.js";
import { toHex, writeU16, writeU32 } from "../util/bytes.js";

export const EVENT_WORDS = 28;
/** In the label's word. */
export const LABEL_IS_VNI = 0x1000000;
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
  /**
   * The MAC routes that a PE still had on a segment it left are gone, `count` of them without events of
   * their own; `sequence` of the MACs are still there by another PE's claim on the segment.
   */
  SegmentDrained: 10,
  /** Too many moves (RFC 7432 section 15.1); `count` of them. */
  Duplicate: 11,
  DuplicateCleared: 12,
  /** Sequences of a MAC wrapped around (RFC 7432 section 15). */
  SequenceWrap: 13,
  /** The MAC looks otherwise, and it is no move: label, sequence, flags, next hops, or another binding of an address. */
  Update: 14,
  /** A-D routes of a PE came, went or changed beside the first and the last per-ES route; of a domain where one is named. */
  SegmentUpdate: 15,
  /** A sticky route of one place and any route of another claim the MAC: `to` wins, `from` lost (RFC 7432 section 15.2). */
  StickyConflict: 16,
  StickyConflictEnded: 17,
  /** Of a duplicate, or by hand, only the routes of one PE count from now on. */
  Quarantine: 18,
  /** `count` routes came meanwhile and were held. */
  QuarantineLifted: 19,
  /** No subscriber's session stands for the MAC, or it is elsewhere than its session; and that is over. */
  SessionAlarm: 20,
  SessionAlarmEnded: 21,
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
  "update",
  "segment-update",
  "sticky-conflict",
  "sticky-conflict-ended",
  "quarantine",
  "quarantine-lifted",
  "session-alarm",
  "session-alarm-ended",
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
  /** Address of that session's peer; empty if none. */
  readonly peer: string;
  /** Raw 24 bits. */
  readonly label: number;
  /** The label is a VNI. */
  readonly vni: boolean;
}

/** How a domain is named in events: it may be gone when they are read. */
export interface DomainKey {
  /** As text, of derived domains. */
  readonly routeTarget: string | undefined;
  /** Index in the settings, of configured ones. */
  readonly configured: number | undefined;
  readonly tag: number;
}

/** What a reader must know to name a configured domain: as in the settings that the FIB was made with. */
export interface DomainNaming {
  readonly name: string;
  /** The domain takes one tag only, so that its name says enough. */
  readonly fixedTag: boolean;
}

/** As `FibView.domainName`: the configured name, else the route target; a tag other than 0 behind a slash. */
export function domainText(key: DomainKey, named: readonly DomainNaming[]): string {
  const settings = key.configured === undefined ? undefined : named[key.configured];
  const name = settings?.name ?? key.routeTarget ?? `domain ${key.configured}`;
  return key.tag === 0 || settings?.fixedTag === true ? name : `${name}/${key.tag}`;
}

/** @param peer the address of a peer by its number in the directory */
export function decodeEvent(
  words: Int32Array,
  base: number,
  position: number,
  peer: (number: number) => string,
): FibEvent {
  const bytes = new Uint8Array(EVENT_WORDS * 4);
  for (let i = 0; i < EVENT_WORDS; i++) writeU32(bytes, 4 * i, words[base + i]!);
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
    peer: word(27) === 0 ? "" : peer(word(27)),
    ip: address(22, octets(24)),
    label: word(26) & 0xffffff,
    vni: (word(26) & LABEL_IS_VNI) !== 0,
  };
}

/** The domain that words 3 to 5 of a record name. */
export function domainOfWords(high: number, low: number, tag: number): DomainKey {
  const bytes = new Uint8Array(8);
  writeU32(bytes, 0, high);
  writeU32(bytes, 4, low);
  return domainKey(bytes, 0, high >>> 0, low >>> 0, tag >>> 0);
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
