/**
 * From the ring into a queue: short looks, often, so that a storm that the store takes seconds to write
 * is not lost from the ring. The queue is bounded; when it is full, events wait in the ring, and what falls out
 * there is counted.
 */
import type { EventReader } from "../event-reader.js";
import { EVENT_WORDS } from "../event-record.js";

/** Events in the queue at most: 57 MB. */
const MOST_QUEUED = 512 * 1024;
/** Events of one piece of it. */
const PIECE = 2048;

export interface Piece {
  readonly words: Int32Array;
  readonly count: number;
  /** Position of its first event. */
  readonly first: number;
}

export class Intake {
  /** Events lost and not told yet. */
  lost = 0;
  private readonly reader: EventReader;
  private readonly pieces: Piece[] = [];
  private position: number;
  private queued = 0;

  /** @param position of the first event wanted */
  constructor(reader: EventReader, position: number) {
    this.reader = reader;
    this.position = position;
  }

  /** Events that wait to be written. */
  get waiting(): number {
    return this.queued;
  }

  /** Takes over what is in the ring, as far as there is room. */
  take(): void {
    while (this.queued < MOST_QUEUED) {
      const { words, count, first, lost, next } = this.reader.readRaw(this.position, PIECE);
      this.lost += lost;
      if (next === this.position) return;
      this.position = next;
      if (count === 0) continue;
      this.pieces.push({ words: words.slice(0, count * EVENT_WORDS), count, first });
      this.queued += count;
    }
  }

  /** The oldest piece, of events below `until`; undefined when there is none. */
  next(until = Infinity): Piece | undefined {
    const piece = this.pieces[0];
    if (piece === undefined || piece.first >= until) return undefined;
    const count = Math.min(piece.count, until - piece.first);
    this.queued -= count;
    if (count === piece.count) {
      this.pieces.shift();
      return piece;
    }
    const { words, first } = piece;
    const rest = words.subarray(count * EVENT_WORDS);
    this.pieces[0] = { words: rest, count: piece.count - count, first: first + count };
    return { words, count, first };
  }
}
