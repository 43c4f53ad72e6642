/**
 * Reads what the store has of one station (a MAC in a domain) or one segment: the last event before a time,
 * the first one after it. What stood before the last start, or before the FIB was read anew, does not
 * count for the time after it.
 */
import { firstEntries, prefixRange, type OrderedKv } from "../../store/index.js";
import { FibEventKind } from "../event-record.js";
import type { Chunks } from "./chunks.js";
import {
  addressAt,
  between,
  chunkKeyOf,
  comparePlaces,
  placedKey,
  placeOf,
  plainKey,
  PLACE_OCTETS,
  Space,
  STATION_IN_MAC,
  stationAt,
  unpackPlace,
  type Place,
} from "./layout.js";
import type { Marks } from "./marks.js";
import { decodeRecord, isOwner, isState, type StoredEvent } from "./record.js";

/** Events of a MAC that are looked over for one that says where it is. */
const MOST_LOOKED = 20_000;
const PAGE = 32;
/** Events of a segment that are looked at. */
const MOST_SEGMENT_EVENTS = 2000;
const END = 2 ** 47;

/** What has a history, and which events tell it. */
export interface Track {
  readonly space: Space;
  /** Where the last that was told stands. */
  readonly now: Space;
  readonly tells: (kind: number) => boolean;
  /** The station in a key. */
  readonly stationAt: (key: Uint8Array, at: number) => Uint8Array;
}

/** Where a MAC is. */
export const OF_MAC: Track = { space: Space.Mac, now: Space.Now, tells: isState, stationAt };
/** Whose an IP address is. */
export const OF_ADDRESS: Track = {
  space: Space.Address,
  now: Space.NowAddress,
  tells: isOwner,
  stationAt: addressAt,
};

export interface Found {
  readonly place: Place;
  readonly event: StoredEvent;
}

/** A PE's standing at a segment at a time. */
export interface Standing {
  /** Of its last coming or leaving. */
  readonly place: Place;
  readonly up: boolean;
  /** When all its MACs there had gone without events of their own, and none came back at once. */
  readonly emptied: Place | undefined;
  /** Some of them were still on the segment by another PE's claim. */
  readonly kept: boolean;
  /** When some of them had, nobody knows which. */
  readonly thinned: Place | undefined;
}

export class History {
  readonly kv: OrderedKv;
  readonly chunks: Chunks;
  readonly marks: Marks;

  constructor(kv: OrderedKv, chunks: Chunks, marks: Marks) {
    this.kv = kv;
    this.chunks = chunks;
    this.marks = marks;
  }

  /** The last event at or before `time`, behind `floor`, that says where the station is. */
  async lastState(
    station: Uint8Array,
    time: number,
    floor: Place | undefined,
    track = OF_MAC,
  ): Promise<Found | undefined> {
    for (const chunk of this.chunks.upTo(time)) {
      if (floor !== undefined && chunk.id < floor.chunk) break;
      const found = await this.stateIn(track, chunk.id, station, 0, time, true);
      if (found === undefined) continue;
      return floor === undefined || comparePlaces(found.place, floor) > 0 ? found : undefined;
    }
    return undefined;
  }

  /** The first one after `time`, before `ceiling`. */
  async firstState(
    station: Uint8Array,
    time: number,
    ceiling: Place | undefined,
    track = OF_MAC,
  ): Promise<Found | undefined> {
    for (const chunk of this.chunks.within(time + 1, END)) {
      if (ceiling !== undefined && chunk.id > ceiling.chunk) break;
      const found = await this.stateIn(track, chunk.id, station, time + 1, END, false);
      if (found === undefined) continue;
      return ceiling === undefined || comparePlaces(found.place, ceiling) < 0 ? found : undefined;
    }
    return undefined;
  }

  /** What is told last of a MAC that there is; the event may be older than the history. */
  async present(station: Uint8Array, track = OF_MAC): Promise<Found | undefined> {
    const value = await this.kv.get(plainKey(track.now, station));
    if (value === undefined) return undefined;
    const place = unpackPlace(value);
    return { place, event: decodeRecord(value.subarray(4 + PLACE_OCTETS)) };
  }

  async event(place: Place): Promise<StoredEvent | undefined> {
    const record = await this.kv.get(placedKey(Space.Event, place));
    return record === undefined ? undefined : decodeRecord(record);
  }

  /**
   * How each PE of the segment stood at `time`, by events behind `floor`; without a floor, by what
   * came later, and by those that stand there now.
   */
  async standings(
    esi: Uint8Array,
    time: number,
    floor: Place | undefined,
  ): Promise<Map<string, Standing>> {
    const out = new Map<string, Standing>();
    await this.standingsBefore(esi, time, floor, out);
    if (floor !== undefined) return out;
    const ceiling = this.marks.resetAfter(time)?.place;
    const later = new Set(out.keys());
    for (const chunk of this.chunks.within(time + 1, ceiling?.time ?? END)) {
      const range = between(Space.Segment, chunk.id, esi, time + 1, ceiling?.time ?? END);
      for (const { key, value } of await firstEntries(this.kv, range, MOST_SEGMENT_EVENTS)) {
        const { kind, to, from } = decodeRecord(value);
        const pe = kind === FibEventKind.SegmentUp ? to : from;
        if (kind === FibEventKind.SegmentUpdate || pe === undefined || later.has(pe)) continue;
        later.add(pe);
        if (kind !== FibEventKind.SegmentDown) continue;
        const place = { ...placeOf(key), time: 0 };
        out.set(pe, { place, up: true, emptied: undefined, kept: false, thinned: undefined });
      }
    }
    if (ceiling !== undefined) return out;
    const prefix = plainKey(Space.Standing, esi);
    for (const { key, value } of await firstEntries(this.kv, prefixRange(prefix), 1000)) {
      const pe = Buffer.from(key.subarray(prefix.length)).toString();
      const place = unpackPlace(value);
      if (later.has(pe) || place.time > time) continue;
      out.set(pe, { place, up: true, emptied: undefined, kept: false, thinned: undefined });
    }
    return out;
  }

  private async standingsBefore(
    esi: Uint8Array,
    time: number,
    floor: Place | undefined,
    out: Map<string, Standing>,
  ): Promise<void> {
    /** PEs whose last coming was seen: what was before it shows whether MACs had gone. */
    const came = new Map<string, { place: Place; macs: number }>();
    let looked = 0;
    for (const chunk of this.chunks.upTo(time)) {
      if (floor !== undefined && chunk.id < floor.chunk) break;
      const range = { ...between(Space.Segment, chunk.id, esi, 0, time), reverse: true };
      const rows = await firstEntries(this.kv, range, MOST_SEGMENT_EVENTS - looked);
      looked += rows.length;
      for (const { key, value } of rows) {
        const place = placeOf(key);
        if (floor !== undefined && comparePlaces(place, floor) < 0) return;
        standBy(decodeRecord(value), place, out, came);
      }
      if (looked >= MOST_SEGMENT_EVENTS) break;
    }
  }

  /**
   * Stations of a MAC, or an address, in the domains in which anything was told of it; at most `most`.
   * @param fixed what they begin with
   */
  async domainsOf(fixed: Uint8Array, most: number, track = OF_MAC): Promise<Uint8Array[]> {
    const found = new Map<string, Uint8Array>();
    const add = (station: Uint8Array): void => {
      if (found.size < most) found.set(Buffer.from(station).toString("latin1"), station.slice());
    };
    const now = await firstEntries(this.kv, prefixRange(plainKey(track.now, fixed)), most);
    for (const { key } of now) add(track.stationAt(key, 1));
    for (const chunk of [...this.chunks.list].reverse()) {
      const range = prefixRange(chunkKeyOf(track.space, chunk.id, fixed));
      let from = range.from;
      while (found.size < most) {
        const [row] = await firstEntries(this.kv, { from, to: range.to }, 1);
        if (row === undefined) break;
        const station = track.stationAt(row.key, STATION_IN_MAC);
        add(station);
        from = prefixRange(chunkKeyOf(track.space, chunk.id, station)).to;
      }
    }
    return [...found.values()].sort((a, b) => Buffer.compare(a, b));
  }

  private async stateIn(
    { space, tells }: Track,
    chunk: number,
    station: Uint8Array,
    from: number,
    to: number,
    reverse: boolean,
  ): Promise<Found | undefined> {
    const cursor = this.kv.cursor({ ...between(space, chunk, station, from, to), reverse });
    try {
      for (let looked = 0, page = 1; looked < MOST_LOOKED; page = PAGE) {
        const rows = await cursor.next(page);
        if (rows.length === 0) return undefined;
        looked += rows.length;
        for (const { key, value } of rows) {
          if (!tells(value[0]!)) continue;
          const place = placeOf(key);
          const event = await this.event(place);
          if (event !== undefined) return { place, event };
        }
      }
      return undefined;
    } finally {
      await cursor.close();
    }
  }
}

/** Takes one more event into account, newest first. */
function standBy(
  event: StoredEvent,
  place: Place,
  out: Map<string, Standing>,
  came: Map<string, { place: Place; macs: number }>,
): void {
  const pe = event.kind === FibEventKind.SegmentUp ? event.to : event.from;
  if (pe === undefined || event.kind === FibEventKind.SegmentUpdate) return;
  const known = out.get(pe);
  if (event.kind === FibEventKind.SegmentDrained) {
    const kept = event.sequence > 0;
    const last = came.get(pe);
    if (known === undefined) {
      out.set(pe, { place, up: false, emptied: place, kept, thinned: undefined });
    } else if (last !== undefined && known.emptied === undefined && known.thinned === undefined) {
      const thinned = last.macs > 0 ? place : undefined;
      out.set(pe, { ...known, thinned, kept, emptied: last.macs > 0 ? undefined : place });
    }
    return;
  }
  const up = event.kind === FibEventKind.SegmentUp;
  if (up && known === undefined) came.set(pe, { place, macs: event.count });
  if (known === undefined)
    out.set(pe, { place, up, emptied: undefined, kept: false, thinned: undefined });
}
