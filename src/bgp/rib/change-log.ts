/**
 * The order in which destinations last changed. An entry is a destination's id at a position;
 * positions only grow. A destination's newest entry is the valid one (the table keeps its position);
 * older ones are passed over. Readers own a position and nothing else.
 *
 * Positions are plain integers (2^53 is beyond reach); tables keep their low 32 bits.
 */
const CHUNK_BITS = 13;
const CHUNK = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK - 1;

export class ChangeLog {
  /** The oldest position still kept. */
  head: number;
  /** Where the next entry goes. */
  tail: number;
  private chunks: Int32Array[] = [];
  /** When each chunk got its first entry, milliseconds of the caller's clock. */
  private times: number[] = [];
  /** Chunk number (position / CHUNK) of chunks[0]. */
  private firstChunk: number;
  private spare: Int32Array | undefined;

  /** @param start the first position */
  constructor(start = 0) {
    this.head = start;
    this.tail = start;
    this.firstChunk = Math.floor(start / CHUNK);
  }

  append(destination: number, now: number): number {
    const position = this.tail++;
    const index = Math.floor(position / CHUNK) - this.firstChunk;
    if (index === this.chunks.length) {
      this.chunks.push(this.spare ?? new Int32Array(CHUNK));
      this.times.push(now);
      this.spare = undefined;
    }
    this.chunks[index]![position & CHUNK_MASK] = destination;
    return position;
  }

  /** `head` ≤ position < `tail`. */
  at(position: number): number {
    return this.chunks[Math.floor(position / CHUNK) - this.firstChunk]![position & CHUNK_MASK]!;
  }

  /** When the chunk of this position was begun: a lower bound of the entry's time, exact to a chunk. */
  timeOf(position: number): number {
    return this.times[Math.floor(position / CHUNK) - this.firstChunk]!;
  }

  /** Forgets everything before `position`. */
  trim(position: number): void {
    this.head = position;
    const keep = Math.floor(position / CHUNK);
    while (this.chunks.length > 0 && this.firstChunk < keep) {
      this.spare = this.chunks.shift();
      this.times.shift();
      this.firstChunk++;
    }
    if (this.chunks.length === 0) this.firstChunk = Math.floor(this.tail / CHUNK);
  }

  /** Octets held. */
  get usedBytes(): number {
    return this.chunks.length * CHUNK * 4;
  }
}
