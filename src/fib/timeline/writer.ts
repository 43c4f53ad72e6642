/**
 * Writes events into the timeline's store, and lets the old ones go.
 *
 * Time in the store never goes back inside a chunk: an event that is a little older than the one before
 * is dated like it; when the clock is set back further, a new chunk begins, and a mark says so. A chunk also
 * ends when it holds its share of the bounds, so that what goes at once is a small part of the whole.
 */
import { prefixRange, type KvWrite, type OrderedKv } from "../../store/index.js";
import { writeU16, writeU32 } from "../../util/bytes.js";
import { EVENT_WORDS, FibEventKind } from "../event-record.js";
import type { RawBatch } from "../event-reader.js";
import type { Chunk, Chunks } from "./chunks.js";
import {
  addressStation,
  CHUNK_SPACES,
  chunkKey,
  chunkKeyOf,
  packPlace,
  placedKey,
  plainKey,
  Space,
  type Place,
} from "./layout.js";
import type { Marks } from "./marks.js";
import {
  decodeRecord,
  encodeEvent,
  encodeMark,
  esiOctets,
  ipOctets,
  isOwner,
  isSegmentKind,
  isState,
  MarkKind,
} from "./record.js";
import type { TimelineSettings } from "./settings.js";

const HIGH = 0x1_0000_0000;
/** Chunks that the bounds are divided into. */
const PARTS = 64;
/** Least octets of a chunk. */
const LEAST_CHUNK = 64 * 1024;
/** A clock that goes back less than this is only dated over. */
const BACK_MS = 1000;
const NOTHING = new Uint8Array(0);

/** Names by the ring's words, as octets. */
export interface Names {
  domain(high: number, low: number, tag: number): Uint8Array;
  peer(number: number): Uint8Array;
}

export class TimelineWriter {
  private readonly kv: OrderedKv;
  private readonly chunks: Chunks;
  private readonly marks: Marks;
  private bounds: Pick<TimelineSettings, "maxAge" | "maxSize">;
  private writes: KvWrite[] = [];
  /** A new chunk that is not written yet belongs to the batch under way. */
  private chunk: Chunk | undefined;

  constructor(kv: OrderedKv, chunks: Chunks, marks: Marks, bounds: TimelineWriter["bounds"]) {
    this.kv = kv;
    this.chunks = chunks;
    this.marks = marks;
    this.bounds = bounds;
  }

  setBounds(bounds: TimelineWriter["bounds"]): void {
    this.bounds = bounds;
  }

  /** Puts events into the batch under way. */
  add({ words, count }: Pick<RawBatch, "words" | "count">, names: Names): void {
    for (let i = 0; i < count; i++) this.addOne(words, i * EVENT_WORDS, names);
  }

  mark(kind: MarkKind, time: number, since: number, count = 0): void {
    const record = encodeMark(kind, since, count);
    const place = this.place(time);
    this.put(placedKey(Space.Event, place), record);
    this.put(placedKey(Space.Mark, place), record);
    this.marks.add({ place, kind, since, count });
  }

  /** What the next life must know. */
  note(name: string, value: number): void {
    this.writes.push({ key: plainKey(Space.Meta, Buffer.from(name)), value: eight(value) });
  }

  get pending(): number {
    return this.writes.length;
  }

  /** Writes the batch. When that fails, its events are gone. */
  async flush(sync: boolean): Promise<void> {
    const { writes, chunk } = this;
    if (writes.length === 0) return;
    this.writes = [];
    if (chunk !== undefined) writes.push(this.chunks.write(chunk));
    await this.kv.batch(writes, sync);
  }

  /** All MACs are to be learnt again: what is known of the present is void. */
  async forgetPresent(): Promise<void> {
    await this.kv.clear(prefixRange(plainKey(Space.Now)));
    await this.kv.clear(prefixRange(plainKey(Space.NowOnSegment)));
    await this.kv.clear(prefixRange(plainKey(Space.NowAddress)));
    await this.kv.clear(prefixRange(plainKey(Space.Standing)));
  }

  /** Lets chunks go that are too old, or too much; their numbers. */
  async trim(now: number): Promise<readonly number[]> {
    const { chunks } = this;
    const { maxAge, maxSize } = this.bounds;
    const gone: number[] = [];
    for (;;) {
      const oldest = chunks.list[0];
      if (oldest === undefined || oldest === this.chunk) break;
      if (chunks.oldestEnd(now) >= now - maxAge * 1000 && chunks.octets <= maxSize) break;
      chunks.drop();
      this.marks.dropChunk(oldest.id);
      for (const space of CHUNK_SPACES) {
        await this.kv.clear(prefixRange(chunkKey(space, oldest.id)));
      }
      gone.push(oldest.id);
    }
    return gone;
  }

  /** Gives the disk space of dropped chunks back. */
  async compact(gone: readonly number[]): Promise<void> {
    const [first, last] = [gone[0], gone.at(-1)];
    if (first === undefined || last === undefined) return;
    for (const space of CHUNK_SPACES) {
      const range = prefixRange(chunkKey(space, last));
      await this.kv.compact({ from: chunkKey(space, first), to: range.to });
    }
  }

  private addOne(words: Int32Array, base: number, names: Names): void {
    const kind = words[base]! & 0xff;
    const time = (words[base + 2]! >>> 0) * HIGH + (words[base + 1]! >>> 0);
    const ofMac = !isSegmentKind(kind) && (words[base + 3]! | words[base + 4]!) !== 0;
    const domain = ofMac
      ? names.domain(words[base + 3]!, words[base + 4]!, words[base + 5]!)
      : undefined;
    const record = encodeEvent(words, base, domain, names.peer(words[base + 27]!));
    if (domain === undefined) {
      this.tell(time, kind, record);
      return;
    }
    const station = new Uint8Array(7 + domain.length);
    writeU16(station, 0, words[base + 6]!);
    writeU32(station, 2, words[base + 7]!);
    station.set(domain, 6);
    const address = isOwner(kind) ? addressStation(ipOctets(words, base), domain) : undefined;
    this.tell(time, kind, record, station, address);
  }

  /**
   * Puts an event into the batch under way.
   * @param time wall-clock milliseconds
   * @param station of events of a MAC
   * @param address of events that say whose it is
   */
  tell(
    time: number,
    kind: number,
    record: Uint8Array,
    station?: Uint8Array,
    address?: Uint8Array,
  ): void {
    const place = this.place(time);
    this.put(placedKey(Space.Event, place), record);
    const esi = esiOctets(record);
    if (station !== undefined) {
      this.put(placedKey(Space.Mac, place, station), Uint8Array.of(kind));
      if (isState(kind)) this.present(kind, station, place, record, esi);
      if (address !== undefined) this.owned(kind, address, place, record);
    } else if (esi !== undefined) {
      this.put(placedKey(Space.Segment, place, esi), record);
      this.standing(kind, place, record, esi);
    }
  }

  private standing(kind: number, place: Place, record: Uint8Array, esi: Uint8Array): void {
    if (kind !== FibEventKind.SegmentUp && kind !== FibEventKind.SegmentDown) return;
    const { to, from } = decodeRecord(record);
    const key = plainKey(Space.Standing, esi, Buffer.from(to ?? from ?? ""));
    const isUp = kind === FibEventKind.SegmentUp;
    this.writes.push({ key, value: isUp ? packPlace(place) : undefined });
  }

  private owned(kind: number, address: Uint8Array, place: Place, record: Uint8Array): void {
    this.put(placedKey(Space.Address, place, address), Uint8Array.of(kind));
    const isGone = kind === FibEventKind.IpWithdraw;
    const value = isGone ? undefined : Buffer.concat([packPlace(place), record]);
    this.writes.push({ key: plainKey(Space.NowAddress, address), value });
  }

  private present(
    kind: number,
    station: Uint8Array,
    place: Place,
    record: Uint8Array,
    esi: Uint8Array | undefined,
  ): void {
    const now = plainKey(Space.Now, station);
    if (kind === FibEventKind.Withdraw) {
      this.writes.push({ key: now, value: undefined });
      if (esi === undefined) return;
      this.writes.push({ key: plainKey(Space.NowOnSegment, esi, station), value: undefined });
      return;
    }
    this.writes.push({ key: now, value: Buffer.concat([packPlace(place), record]) });
    if (esi === undefined) return;
    this.writes.push({ key: plainKey(Space.NowOnSegment, esi, station), value: NOTHING });
    this.put(chunkKeyOf(Space.OnSegment, place.chunk, esi, station), NOTHING);
  }

  private put(key: Uint8Array, value: Uint8Array): void {
    this.writes.push({ key, value });
    this.chunk!.octets += key.length + value.length;
  }

  /** The next place at that time, in a new chunk if need be. */
  private place(time: number): Place {
    let chunk = this.chunk ?? this.resumable(time);
    const back = chunk !== undefined && time < chunk.last - BACK_MS;
    const before = chunk?.last ?? time;
    if (chunk === undefined || back || this.isFull(chunk, time)) {
      if (chunk !== undefined) this.writes.push(this.chunks.write(chunk));
      chunk = this.chunks.open(time);
    }
    this.chunk = chunk;
    if (back) this.mark(MarkKind.ClockBack, time, before);
    chunk.last = Math.max(chunk.last, time);
    return { chunk: chunk.id, time: chunk.last, n: chunk.count++ };
  }

  /** The last chunk of the life before goes on. */
  private resumable(time: number): Chunk | undefined {
    const { newest } = this.chunks;
    return newest !== undefined && newest.last <= time ? newest : undefined;
  }

  private isFull(chunk: Chunk, time: number): boolean {
    const { maxAge, maxSize } = this.bounds;
    return (
      chunk.octets >= Math.max(LEAST_CHUNK, maxSize / PARTS) ||
      time - chunk.first >= (maxAge * 1000) / PARTS
    );
  }
}

function eight(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU32(bytes, 0, Math.floor(value / HIGH));
  writeU32(bytes, 4, value % HIGH);
  return bytes;
}
