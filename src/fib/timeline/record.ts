/**
 * An event as the timeline stores it, without its place:
 *   1 kind | 1 lengths | 1 flags | 4 sequence | 4 count | 4 label | 10 ESI? | 6 MAC? | 1 octets of domain, domain?
 *   | to | from | IP | peer
 * Lengths are codes of two bits, `to`, `from`, `ip`: 0 none, 1 IPv4, 2 IPv6, 3 a MAC. Marks of the timeline itself
 * are kinds from `MARK_BASE` on; their `from` is eight octets of time, flagged.
 */
import {
  formatEsi,
  formatIp,
  formatMac,
  parseEsi,
  parseIp,
  parseMac,
} from "../../fast-bgp-codec/index.js";
import { readU32, writeU16, writeU32 } from "../../util/bytes.js";
import { FIB_EVENT_NAMES, FibEventKind, LABEL_IS_VNI } from "../event-record.js";

const HIGH = 0x1_0000_0000;
const MARK_BASE = 200;

/** What the timeline says of itself. */
export const MarkKind = {
  /** evpnd started; `since` is when it was alive before. All MACs are learnt again. */
  Started: MARK_BASE,
  Stopped: MARK_BASE + 1,
  /** `count` events were not written, from `since` on. */
  Lost: MARK_BASE + 2,
  /** Settings of the FIB changed: all MACs are learnt again. */
  Rebuilt: MARK_BASE + 3,
  /** The clock was set back; `since` is what it showed before. */
  ClockBack: MARK_BASE + 4,
  /** The FIB, or its timeline, was turned off. */
  Off: MARK_BASE + 5,
  /** After a loss, from `since` on, all that there is was compared with the FIB: `count` differences were written. */
  Repaired: MARK_BASE + 6,
} as const;
export type MarkKind = (typeof MarkKind)[keyof typeof MarkKind];

const MARK_NAMES: readonly string[] = [
  "started",
  "stopped",
  "lost",
  "rebuilt",
  "clock-back",
  "off",
  "repaired",
];

/** All kinds by name. */
export const TIMELINE_KINDS: readonly string[] = [...FIB_EVENT_NAMES.slice(1), ...MARK_NAMES];

export function kindName(kind: number): string {
  return (
    (kind >= MARK_BASE ? MARK_NAMES[kind - MARK_BASE] : FIB_EVENT_NAMES[kind]) ?? `kind ${kind}`
  );
}

export function kindOf(name: string): number | undefined {
  const mark = MARK_NAMES.indexOf(name);
  if (mark >= 0) return MARK_BASE + mark;
  const kind = FIB_EVENT_NAMES.indexOf(name);
  return kind > 0 ? kind : undefined;
}

const Flag = { Esi: 1, Station: 2, Vni: 4, Since: 8 } as const;
const HEADER = 15;
const LENGTHS = [0, 4, 16, 6] as const;

/** What a record says. Missing is what the event has nothing of. */
export interface StoredEvent {
  readonly kind: number;
  readonly mac: string | undefined;
  readonly domain: string | undefined;
  readonly to: string | undefined;
  readonly from: string | undefined;
  readonly sequence: number;
  readonly count: number;
  /** Raw label field. */
  readonly label: number;
  readonly vni: boolean;
  readonly esi: string | undefined;
  readonly ip: string | undefined;
  readonly peer: string | undefined;
  /** Of marks: wall-clock milliseconds. */
  readonly since: number | undefined;
}

/** Offsets of words in the ring's record (`event-record.ts`). */
const TO = 8;
const FROM = 12;
const ESI = 17;
const IP = 22;

function lengthCode(octets: number): number {
  return octets === 4 ? 1 : octets === 16 ? 2 : octets === 6 ? 3 : 0;
}

/**
 * From the ring's words.
 * @param domain octets of its name; none when the event is of no MAC
 */
export function encodeEvent(
  words: Int32Array,
  base: number,
  domain: Uint8Array | undefined,
  peer: Uint8Array,
): Uint8Array {
  const first = words[base]!;
  const to = (first >>> 16) & 0xff;
  const from = (first >>> 8) & 0xff;
  const ip = first >>> 24;
  const esi = (words[base + ESI]! | words[base + ESI + 1]! | words[base + ESI + 2]!) !== 0;
  const size =
    HEADER + (esi ? 10 : 0) + (domain === undefined ? 0 : 7 + domain.length) + to + from + ip;
  const out = new Uint8Array(size + peer.length);
  out[0] = first & 0xff;
  out[1] = lengthCode(to) | (lengthCode(from) << 2) | (lengthCode(ip) << 4);
  const label = words[base + 26]!;
  out[2] =
    (esi ? Flag.Esi : 0) |
    (domain === undefined ? 0 : Flag.Station) |
    ((label & LABEL_IS_VNI) !== 0 ? Flag.Vni : 0);
  writeU32(out, 3, words[base + 16]!);
  writeU32(out, 7, words[base + 20]!);
  writeU32(out, 11, label & 0xffffff);
  let at = HEADER;
  if (esi) {
    writeU32(out, at, words[base + ESI]!);
    writeU32(out, at + 4, words[base + ESI + 1]!);
    writeU16(out, at + 8, words[base + ESI + 2]!);
    at += 10;
  }
  if (domain !== undefined) {
    writeU16(out, at, words[base + 6]!);
    writeU32(out, at + 2, words[base + 7]!);
    out[at + 6] = domain.length;
    out.set(domain, at + 7);
    at += 7 + domain.length;
  }
  at = copyAddress(words, base + TO, to, out, at);
  at = copyAddress(words, base + FROM, from, out, at);
  at = copyAddress(words, base + IP, ip, out, at);
  out.set(peer, at);
  return out;
}

/** A MAC is two octets in the first word and four in the second. */
function copyAddress(
  words: Int32Array,
  word: number,
  octets: number,
  out: Uint8Array,
  at: number,
): number {
  if (octets === 6) {
    writeU16(out, at, words[word]!);
    writeU32(out, at + 2, words[word + 1]!);
  } else {
    for (let i = 0; i < octets; i += 4) writeU32(out, at + i, words[word + (i >> 2)]!);
  }
  return at + octets;
}

export function encodeMark(kind: MarkKind, since: number, count: number): Uint8Array {
  const out = new Uint8Array(HEADER + 8);
  out[0] = kind;
  out[2] = Flag.Since;
  writeU32(out, 7, Math.min(count, 0xffffffff));
  writeU32(out, HEADER, Math.floor(since / HIGH));
  writeU32(out, HEADER + 4, since % HIGH);
  return out;
}

/** The reverse of `decodeRecord`, of an event that is no mark. */
export function encodeRecord(event: Partial<StoredEvent> & Pick<StoredEvent, "kind">): Uint8Array {
  const { kind, sequence = 0, count = 0, label = 0, vni = false, domain } = event;
  const none = new Uint8Array(0);
  const esi = event.esi === undefined ? undefined : parseEsi(event.esi);
  const mac = event.mac === undefined ? undefined : parseMac(event.mac);
  const [to, from, ip] = [event.to, event.from, event.ip].map((text) =>
    text === undefined ? none : (parseIp(text) ?? parseMac(text) ?? none),
  );
  const name = Buffer.from(domain ?? "");
  const isOfMac = mac !== undefined && domain !== undefined;
  const head = new Uint8Array(HEADER);
  head[0] = kind;
  head[1] =
    lengthCode(to!.length) | (lengthCode(from!.length) << 2) | (lengthCode(ip!.length) << 4);
  head[2] =
    (esi === undefined ? 0 : Flag.Esi) | (isOfMac ? Flag.Station : 0) | (vni ? Flag.Vni : 0);
  writeU32(head, 3, sequence);
  writeU32(head, 7, count);
  writeU32(head, 11, label);
  const station = isOfMac ? [mac, Uint8Array.of(name.length), name] : [];
  const peer = Buffer.from(event.peer ?? "");
  return Buffer.concat([head, esi ?? none, ...station, to!, from!, ip!, peer]);
}

export function decodeRecord(bytes: Uint8Array): StoredEvent {
  const lengths = bytes[1]!;
  const flags = bytes[2]!;
  let at = HEADER;
  const address = (code: number): string | undefined => {
    const octets = LENGTHS[code & 3]!;
    if (octets === 0) return undefined;
    const text = octets === 6 ? formatMac(bytes, at) : formatIp(bytes, at, octets);
    at += octets;
    return text;
  };
  let since: number | undefined;
  if ((flags & Flag.Since) !== 0) {
    since = readU32(bytes, at) * HIGH + readU32(bytes, at + 4);
    at += 8;
  }
  let esi: string | undefined;
  if ((flags & Flag.Esi) !== 0) {
    esi = formatEsi(bytes, at);
    at += 10;
  }
  let mac: string | undefined;
  let domain: string | undefined;
  if ((flags & Flag.Station) !== 0) {
    const octets = bytes[at + 6]!;
    mac = formatMac(bytes, at);
    domain = Buffer.from(bytes.subarray(at + 7, at + 7 + octets)).toString();
    at += 7 + octets;
  }
  const to = address(lengths);
  const from = address(lengths >>> 2);
  const ip = address(lengths >>> 4);
  const peer = at < bytes.length ? Buffer.from(bytes.subarray(at)).toString() : undefined;
  return {
    kind: bytes[0]!,
    mac,
    domain,
    to,
    from,
    sequence: readU32(bytes, 3),
    count: readU32(bytes, 7),
    label: readU32(bytes, 11),
    vni: (flags & Flag.Vni) !== 0,
    esi,
    ip,
    peer,
    since,
  };
}

/** The ten octets of a record's ESI; undefined without one. */
export function esiOctets(record: Uint8Array): Uint8Array | undefined {
  if ((record[2]! & Flag.Esi) === 0) return undefined;
  return record.subarray(HEADER, HEADER + 10);
}

/** The octets of the IP address of an event in the ring; none without. */
export function ipOctets(words: Int32Array, base: number): Uint8Array {
  const octets = words[base]! >>> 24;
  const out = new Uint8Array(octets);
  copyAddress(words, base + IP, octets, out, 0);
  return out;
}

/** Kinds by what they say of a MAC: where it is from then on, or that it is gone. */
export function isState(kind: number): boolean {
  return STATES.has(kind);
}

/** The same of an IP address: whose it is. */
export function isOwner(kind: number): boolean {
  return OWNERS.has(kind);
}

export function isSegmentKind(kind: number): boolean {
  return SEGMENT_KINDS.has(kind);
}

const STATES: ReadonlySet<number> = new Set([
  FibEventKind.Learn,
  FibEventKind.Move,
  FibEventKind.Withdraw,
  FibEventKind.Update,
]);
const OWNERS: ReadonlySet<number> = new Set([
  FibEventKind.IpLearn,
  FibEventKind.IpMove,
  FibEventKind.IpWithdraw,
]);
const SEGMENT_KINDS: ReadonlySet<number> = new Set([
  FibEventKind.SegmentUp,
  FibEventKind.SegmentDown,
  FibEventKind.SegmentDrained,
  FibEventKind.SegmentUpdate,
]);
