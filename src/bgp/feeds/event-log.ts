/**
 * What happened, in order, for feeds that read at their own pace: paths that changed, messages that
 * were sent, sessions that came and went. One log for all readers; a reader owns nothing but its
 * position. The log is bounded: when its chunks exceed the limit, `onOverflow` must have the readers
 * of the oldest chunk gone, and it is dropped.
 *
 * A changed path is named, not copied: who reads the event looks the path's present state up. A path
 * that went leaves its NLRI, as nothing else may have it any more.
 *
 * Records are 32-bit words in chunks of 256 KiB, octets padded to words:
 *   kind | slot << 8, then
 *   Time     seconds, microseconds
 *   Changed  destination, path id
 *   Removed  family | length << 8, path id, NLRI
 *   Sent     length, one or more whole messages
 *   Up, Down index into the chunk's objects, of which it has OBJECTS at most: they are not in its octets,
 *            and peers that come and go without end must not outgrow the limit by them
 */
import type { Family } from "../../fast-bgp-codec/family.js";

export const EventKind = {
  /** The chunk ends here. */
  End: 0,
  Time: 1,
  Changed: 2,
  Removed: 3,
  Sent: 4,
  Up: 5,
  Down: 6,
} as const;
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

const CHUNK_WORDS = 65536;
const CHUNK_OCTETS = CHUNK_WORDS * 4;
const OBJECTS = 128;
/** Longest run of messages in one record; longer ones are cut between messages by the caller. */
export const MOST_SENT = 65535;

interface Chunk<T> {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly objects: T[];
}

export class EventLog<T> {
  /** Called with the first position that is kept, before older ones go: their readers must be gone then. */
  onOverflow: (firstKept: number) => void = () => {};
  private readonly chunks: Chunk<T>[] = [];
  /** Number of chunks[0]. */
  private firstChunk = 0;
  private at = CHUNK_WORDS;
  private readonly limit: () => number;
  private seconds = 0;
  private micros = 0;

  /** @param limit octets kept at most */
  constructor(limit: () => number) {
    this.limit = limit;
  }

  /** Where the next record goes. */
  get tail(): number {
    return (this.firstChunk + this.chunks.length - 1) * CHUNK_WORDS + this.at;
  }

  get head(): number {
    return this.firstChunk * CHUNK_WORDS;
  }

  get usedBytes(): number {
    return this.chunks.length * CHUNK_OCTETS;
  }

  /** Time of the records that follow, wall-clock milliseconds. */
  time(wallMs: number): void {
    const seconds = Math.floor(wallMs / 1000);
    const micros = Math.floor((wallMs - seconds * 1000) * 1000);
    if (seconds === this.seconds && micros === this.micros) return;
    this.seconds = seconds;
    this.micros = micros;
    const chunk = this.room(3);
    chunk.words[this.at++] = EventKind.Time;
    chunk.words[this.at++] = seconds;
    chunk.words[this.at++] = micros;
  }

  changed(slot: number, dest: number, pathId: number): void {
    const chunk = this.room(3);
    chunk.words[this.at++] = EventKind.Changed | (slot << 8);
    chunk.words[this.at++] = dest;
    chunk.words[this.at++] = pathId;
  }

  removed(
    slot: number,
    family: Family,
    pathId: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    const chunk = this.room(3 + wordsOf(length));
    chunk.words[this.at++] = EventKind.Removed | (slot << 8);
    chunk.words[this.at++] = family | (length << 8);
    chunk.words[this.at++] = pathId;
    this.copy(chunk, bytes, start, length);
  }

  /** `length` is MOST_SENT at most. */
  sent(slot: number, bytes: Uint8Array, start: number, length: number): void {
    const chunk = this.room(2 + wordsOf(length));
    chunk.words[this.at++] = EventKind.Sent | (slot << 8);
    chunk.words[this.at++] = length;
    this.copy(chunk, bytes, start, length);
  }

  session(kind: typeof EventKind.Up | typeof EventKind.Down, slot: number, object: T): void {
    const last = this.chunks[this.chunks.length - 1];
    const chunk = last?.objects.length === OBJECTS ? this.open() : this.room(2);
    chunk.words[this.at++] = kind | (slot << 8);
    chunk.words[this.at++] = chunk.objects.push(object) - 1;
  }

  /** Forgets all; readers begin at the new tail. */
  clear(): void {
    this.firstChunk += this.chunks.length;
    this.chunks.length = 0;
    this.at = CHUNK_WORDS;
    this.seconds = 0;
  }

  /** Drops the chunks that lie wholly before `position`. */
  trim(position: number): void {
    const keep = Math.min(
      Math.floor(position / CHUNK_WORDS),
      this.firstChunk + this.chunks.length - 1,
    );
    while (this.firstChunk < keep) {
      this.chunks.shift();
      this.firstChunk++;
    }
  }

  chunkAt(position: number): Chunk<T> | undefined {
    return this.chunks[Math.floor(position / CHUNK_WORDS) - this.firstChunk];
  }

  private room(words: number): Chunk<T> {
    const last = this.chunks[this.chunks.length - 1];
    return last !== undefined && this.at + words <= CHUNK_WORDS ? last : this.open();
  }

  /** The next chunk; the one before ends where it is. */
  private open(): Chunk<T> {
    const last = this.chunks[this.chunks.length - 1];
    if (last !== undefined && this.at < CHUNK_WORDS) last.words[this.at] = EventKind.End;
    while (this.chunks.length > 1 && this.usedBytes + CHUNK_OCTETS > this.limit()) {
      this.onOverflow((this.firstChunk + 1) * CHUNK_WORDS);
      this.chunks.shift();
      this.firstChunk++;
    }
    const words32 = new Int32Array(CHUNK_WORDS);
    const chunk = { words: words32, bytes: new Uint8Array(words32.buffer), objects: [] };
    this.chunks.push(chunk);
    this.at = 0;
    return chunk;
  }

  private copy(chunk: Chunk<T>, bytes: Uint8Array, start: number, length: number): void {
    chunk.bytes.set(bytes.subarray(start, start + length), this.at * 4);
    this.at += wordsOf(length);
  }
}

function wordsOf(octets: number): number {
  return (octets + 3) >>> 2;
}

/** A reader's place, and the record it has just read. */
export class EventReader<T> {
  position: number;
  kind: EventKind = EventKind.End;
  slot = 0;
  dest = 0;
  pathId = 0;
  family = 0 as Family;
  /** NLRI or messages: `bytes[start, start + length)`, valid until the next record is written. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  object: T | undefined;
  /** Of the record, since 1970. */
  seconds = 0;
  micros = 0;
  private readonly log: EventLog<T>;

  /** Reads from now on. */
  constructor(log: EventLog<T>) {
    this.log = log;
    this.position = log.tail;
  }

  get atEnd(): boolean {
    return this.position >= this.log.tail;
  }

  /** Reads the next record into the fields; false at the end. */
  next(): boolean {
    const { log } = this;
    while (this.position < log.tail) {
      const offset = this.position % CHUNK_WORDS;
      const base = this.position - offset;
      const chunk = log.chunkAt(this.position);
      if (chunk === undefined) throw new Error("a feed reads events that are gone");
      const { words } = chunk;
      const head = words[offset]!;
      this.kind = (head & 0xff) as EventKind;
      this.slot = head >>> 8;
      const first = words[offset + 1]!;
      const second = words[offset + 2]!;
      switch (this.kind) {
        case EventKind.End:
          this.position = base + CHUNK_WORDS;
          continue;
        case EventKind.Time:
          this.seconds = first >>> 0;
          this.micros = second;
          this.position += 3;
          continue;
        case EventKind.Changed:
          this.dest = first;
          this.pathId = second;
          this.position += 3;
          return true;
        case EventKind.Removed:
          this.family = (first & 0xff) as Family;
          this.length = first >>> 8;
          this.pathId = second;
          this.bytes = chunk.bytes;
          this.start = (offset + 3) * 4;
          this.position += 3 + wordsOf(this.length);
          return true;
        case EventKind.Sent:
          this.length = first;
          this.bytes = chunk.bytes;
          this.start = (offset + 2) * 4;
          this.position += 2 + wordsOf(this.length);
          return true;
        default:
          this.object = chunk.objects[first];
          this.position += 2;
          return true;
      }
    }
    return false;
  }
}
