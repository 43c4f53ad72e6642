/**
 * Keys of the timeline in its store. Events are kept in *chunks*, stretches of time that go as a whole when
 * they are too old or too many; what is about an event stands under its chunk:
 *
 *   "e" chunk place               -> record (`record.ts`): all events, in the order of time
 *   "m" chunk MAC domain 0 place  -> kind: events of a MAC in a domain
 *   "i" chunk address domain 0 place -> kind: whose an IP address is in a domain
 *   "s" chunk ESI place           -> record: events of a segment
 *   "q" chunk ESI MAC domain 0    -> nothing: MACs that were on the segment
 *   "g" chunk place               -> record: marks (start, stop, loss)
 *   "c" chunk                     -> what the chunk holds (`chunks.ts`)
 *   "n" MAC domain 0              -> place, record: the last that was told of every MAC there is
 *   "y" ESI MAC domain 0          -> nothing: those of them on the segment
 *   "w" address domain 0          -> place, record: the last that was told of every IP address there is
 *   "p" ESI PE                   -> place: PEs that are on the segment, by address as text
 *   "h" name                      -> what the next life must know
 *
 * A place is six octets of milliseconds and four of a number that rises within the chunk. A *station* is MAC,
 * domain, 0: what has a history; so has an address, which is the number of its octets and these in the MAC's
 * place. "n", "y", "w" and "p" are void when evpnd starts.
 */
import { formatIp, formatMac } from "../../fast-bgp-codec/index.js";
import type { KvRange } from "../../store/index.js";
import { readU16, readU32, writeU16, writeU32 } from "../../util/bytes.js";

const HIGH = 0x1_0000_0000;

export const Space = {
  Event: 0x65,
  Mac: 0x6d,
  Address: 0x69,
  Segment: 0x73,
  OnSegment: 0x71,
  Mark: 0x67,
  Chunk: 0x63,
  Now: 0x6e,
  NowOnSegment: 0x79,
  NowAddress: 0x77,
  Standing: 0x70,
  Meta: 0x68,
} as const;
export type Space = (typeof Space)[keyof typeof Space];

/** What goes when a chunk goes. */
export const CHUNK_SPACES: readonly Space[] = [
  Space.Event,
  Space.Mac,
  Space.Address,
  Space.Segment,
  Space.OnSegment,
  Space.Mark,
  Space.Chunk,
];

/** Where an event stands. */
export interface Place {
  readonly chunk: number;
  /** Wall-clock milliseconds. */
  readonly time: number;
  readonly n: number;
}

export const PLACE_OCTETS = 10;
const LAST_N = 0xffffffff;
const CHUNK_OCTETS = 5;

export function comparePlaces(a: Place, b: Place): number {
  return a.chunk - b.chunk || a.time - b.time || a.n - b.n;
}

/** Space and chunk. */
export function chunkKey(space: Space, chunk: number): Uint8Array {
  const key = new Uint8Array(CHUNK_OCTETS);
  key[0] = space;
  writeU32(key, 1, chunk);
  return key;
}

export function placedKey(space: Space, place: Place, middle: Uint8Array = NOTHING): Uint8Array {
  const key = new Uint8Array(CHUNK_OCTETS + middle.length + PLACE_OCTETS);
  key[0] = space;
  writeU32(key, 1, place.chunk);
  key.set(middle, CHUNK_OCTETS);
  writePlace(key, CHUNK_OCTETS + middle.length, place);
  return key;
}

export function plainKey(space: Space, ...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat([Uint8Array.of(space), ...parts]);
}

/** Key of a chunk's space with more behind, without a place. */
export function chunkKeyOf(
  space: Space,
  chunk: number,
  ...parts: readonly Uint8Array[]
): Uint8Array {
  return Buffer.concat([chunkKey(space, chunk), ...parts]);
}

export function writePlace(bytes: Uint8Array, at: number, { time, n }: Place): void {
  writeU16(bytes, at, Math.floor(time / HIGH));
  writeU32(bytes, at + 2, time % HIGH);
  writeU32(bytes, at + 6, n);
}

/** The place at the end of a key. */
export function placeOf(key: Uint8Array, chunk = readU32(key, 1)): Place {
  const at = key.length - PLACE_OCTETS;
  return { chunk, ...timeAndNumber(key, at) };
}

/** A place with its chunk, as a value. */
export function packPlace(place: Place): Uint8Array {
  const bytes = new Uint8Array(4 + PLACE_OCTETS);
  writeU32(bytes, 0, place.chunk);
  writePlace(bytes, 4, place);
  return bytes;
}

export function unpackPlace(bytes: Uint8Array): Place {
  return { chunk: readU32(bytes, 0), ...timeAndNumber(bytes, 4) };
}

export function timeAndNumber(bytes: Uint8Array, at: number): { time: number; n: number } {
  return { time: readU16(bytes, at) * HIGH + readU32(bytes, at + 2), n: readU32(bytes, at + 6) };
}

/** The station in a key of "m", "n", "q" or "y"; `at` is where it begins. */
export function stationAt(key: Uint8Array, at: number): Uint8Array {
  const end = key.indexOf(0, at + 6) + 1;
  return key.subarray(at, end);
}

/** The same of an address in a key of "i" or "w". */
export function addressAt(key: Uint8Array, at: number): Uint8Array {
  return key.subarray(at, key.indexOf(0, at + 1 + key[at]!) + 1);
}

/** Where the station begins in keys of "m", "i" and "q". */
export const STATION_IN_MAC = CHUNK_OCTETS;
export const STATION_IN_SEGMENT = CHUNK_OCTETS + 10;

export function station(mac: Uint8Array, domain: string): Uint8Array {
  return Buffer.concat([mac, Buffer.from(domain), Uint8Array.of(0)]);
}

/** @param ip its octets */
export function addressStation(ip: Uint8Array, domain: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(ip.length), ip, domain, Uint8Array.of(0)]);
}

export function addressText(bytes: Uint8Array): { ip: string; domain: string } {
  const octets = bytes[0]!;
  return {
    ip: formatIp(bytes, 1, octets),
    domain: Buffer.from(bytes.subarray(1 + octets, bytes.length - 1)).toString(),
  };
}

export function stationText(bytes: Uint8Array): { mac: string; domain: string } {
  return {
    mac: formatMac(bytes, 0),
    domain: Buffer.from(bytes.subarray(6, bytes.length - 1)).toString(),
  };
}

/** Events of a space and chunk between two places, ends included. */
export function between(
  space: Space,
  chunk: number,
  middle: Uint8Array,
  from: number,
  to: number,
): KvRange {
  const first = placedKey(space, { chunk, time: Math.max(0, from), n: 0 }, middle);
  const last = placedKey(space, { chunk, time: Math.max(0, to), n: LAST_N }, middle);
  return { from: first, to: Buffer.concat([last, Uint8Array.of(0)]) };
}

const NOTHING = new Uint8Array(0);
