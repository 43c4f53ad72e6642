/**
 * Reads the ring of events in a thread that is not the FIB's: `new EventReader(share)` from what
 * `FibEvents.share` gave. The writer is never waited for and never waits; a record that it overwrote
 * while it was copied counts as lost.
 *
 * One reader has one position in mind at a time, but it is the caller's: several may read in turns.
 */
import {
  decodeEvent,
  domainText,
  EVENT_WORDS,
  type DomainKey,
  type DomainNaming,
  type FibEvent,
} from "./event-record.js";
import { PeerDirectory, RingWord, type EventShare } from "./event-ring.js";

const HIGH = 0x1_0000_0000;
/** Records that a processor may write ahead of saying so. */
const MARGIN = 16;

export interface EventBatch {
  readonly events: readonly FibEvent[];
  /** Events between the position asked for and the first one here that are gone. */
  readonly lost: number;
  /** Where to read on. */
  readonly next: number;
}

/** Records as the ring has them, `EVENT_WORDS` words each; valid until the next read. */
export interface RawBatch {
  readonly words: Int32Array;
  readonly count: number;
  /** Position of the first record. */
  readonly first: number;
  readonly lost: number;
  readonly next: number;
}

export class EventReader {
  readonly capacity: number;
  private readonly words: Int32Array;
  private readonly directory: PeerDirectory;
  private readonly named: readonly DomainNaming[];
  private readonly margin: number;
  private copy = new Int32Array(0);

  constructor(share: EventShare) {
    this.words = new Int32Array(share.buffer);
    this.capacity = this.words[RingWord.Capacity]!;
    this.directory = new PeerDirectory(this.words);
    this.named = share.named;
    this.margin = this.capacity >= 8 * MARGIN ? MARGIN : 0;
  }

  /** Sixteen hexadecimal digits that tell this ring from any other. */
  get instance(): string {
    const digits = (word: number): string =>
      (this.words[RingWord.Instance + word]! >>> 0).toString(16).padStart(8, "0");
    return digits(0) + digits(1);
  }

  /** Position of the next event; what is below has been written. */
  get next(): number {
    const { words } = this;
    for (;;) {
      const last = Atomics.load(words, RingWord.HighLast);
      const low = Atomics.load(words, RingWord.Next) >>> 0;
      if (Atomics.load(words, RingWord.HighFirst) === last) return (last >>> 0) * HIGH + low;
    }
  }

  /** The oldest position that can be read. */
  get oldest(): number {
    const next = this.next;
    const ahead = (Atomics.load(this.words, RingWord.Claimed) - next) | 0;
    const oldest = next + ahead - this.capacity;
    return oldest <= 0 ? 0 : oldest + this.margin;
  }

  /** Up to `most` events from `position` on, as plain data. */
  read(position: number, most: number): EventBatch {
    const { words, count, first, lost, next } = this.readRaw(position, most);
    const events: FibEvent[] = [];
    for (let i = 0; i < count; i++) {
      events.push(decodeEvent(words, i * EVENT_WORDS, first + i, (peer) => this.peer(peer)));
    }
    return { events, lost, next };
  }

  /** The same, not decoded. */
  readRaw(position: number, most: number): RawBatch {
    const start = Math.max(position, this.oldest);
    const end = Math.max(start, Math.min(this.next, start + most));
    if (end === start) {
      // Nothing there, or all of it overwritten meanwhile.
      const at = Math.max(position, Math.min(start, this.next));
      return { words: this.copy, count: 0, first: at, lost: at - position, next: at };
    }
    const size = (end - start) * EVENT_WORDS;
    if (this.copy.length < size) this.copy = new Int32Array(size);
    this.copyOut(start, end);
    const intact = Math.min(end, Math.max(start, this.oldest));
    return {
      words: this.copy.subarray((intact - start) * EVENT_WORDS, size),
      count: end - intact,
      first: intact,
      lost: intact - position,
      next: end,
    };
  }

  /** Address of a peer by its number in a record. */
  peer(number: number): string {
    return this.directory.text(number);
  }

  domain(key: DomainKey): string {
    return domainText(key, this.named);
  }

  private copyOut(start: number, end: number): void {
    const { words, copy, capacity } = this;
    for (let at = start; at < end;) {
      const slot = at % capacity;
      const run = Math.min(end - at, capacity - slot);
      const base = RingWord.Records + slot * EVENT_WORDS;
      copy.set(words.subarray(base, base + run * EVENT_WORDS), (at - start) * EVENT_WORDS);
      at += run;
    }
  }
}
