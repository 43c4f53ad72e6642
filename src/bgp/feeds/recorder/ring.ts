/**
 * Records of octets in a ring: a new one pushes out the oldest. Memory grows by doubling from a small
 * start up to `most`, as far as `grant` allows. A record stands in one piece or around the end.
 *   8 time (float64 of the machine, wall-clock milliseconds) | 4 tag | 4 length | octets, padded to 8
 */
const FIRST = 4096;
const HEAD = 16;

/** Asks for so many octets more, or gives some back; false when they are not to be had. */
export type Grant = (octets: number) => boolean;

export interface RingRecord {
  readonly time: number;
  readonly tag: number;
  readonly bytes: Uint8Array;
}

export class Ring {
  /** Records in it, and those that were pushed out or were too large for it. */
  records = 0;
  lost = 0;
  private readonly most: number;
  private readonly grant: Grant;
  private bytes = new Uint8Array(0);
  private times = new Float64Array(0);
  private words = new Uint32Array(0);
  /** Octets written and dropped since the beginning, multiples of 8. */
  private head = 0;
  private tail = 0;

  /** @param most a power of two, FIRST at least */
  constructor(most: number, grant: Grant) {
    this.most = most;
    this.grant = grant;
  }

  /** Octets of memory. */
  get capacity(): number {
    return this.bytes.length;
  }

  get usedBytes(): number {
    return this.tail - this.head;
  }

  /** Time of the oldest record, undefined when there is none. */
  get oldest(): number | undefined {
    return this.records === 0 ? undefined : this.times[this.at(this.head) >>> 3];
  }

  /** False when the record is larger than the ring can be. */
  push(time: number, tag: number, from: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    const size = HEAD + ((length + 7) & ~7);
    if (!this.makeRoom(size)) {
      this.lost++;
      return false;
    }
    const at = this.at(this.tail);
    this.times[at >>> 3] = time;
    const second = this.at(this.tail + 8) >>> 2;
    this.words[second] = tag;
    this.words[second + 1] = length;
    this.copyIn(from, start, end, this.at(this.tail + HEAD));
    this.tail += size;
    this.records++;
    return true;
  }

  /** Oldest first; the octets are copies. */
  *read(): Generator<RingRecord> {
    for (let place = this.head; place < this.tail;) {
      const second = this.at(place + 8) >>> 2;
      const length = this.words[second + 1]!;
      const time = this.times[this.at(place) >>> 3]!;
      yield { time, tag: this.words[second]!, bytes: this.copyOut(this.at(place + HEAD), length) };
      place += HEAD + ((length + 7) & ~7);
    }
  }

  /** Drops what is older than `time`. */
  dropBefore(time: number): void {
    while (this.records > 0 && this.times[this.at(this.head) >>> 3]! < time) this.dropOldest();
  }

  private at(place: number): number {
    return place & (this.bytes.length - 1);
  }

  private makeRoom(size: number): boolean {
    while (this.usedBytes + size > this.bytes.length && this.grow()) continue;
    if (size > this.bytes.length) return false;
    while (this.usedBytes + size > this.bytes.length) {
      this.dropOldest();
      this.lost++;
    }
    return true;
  }

  private dropOldest(): void {
    const length = this.words[(this.at(this.head + 8) >>> 2) + 1]!;
    this.head += HEAD + ((length + 7) & ~7);
    this.records--;
  }

  private grow(): boolean {
    const before = this.bytes.length;
    const after = Math.max(FIRST, before * 2);
    if (after > this.most || !this.grant(after - before)) return false;
    const used = this.usedBytes;
    const kept = used === 0 ? this.bytes : this.copyOut(this.at(this.head), used);
    const buffer = new ArrayBuffer(after);
    this.bytes = new Uint8Array(buffer);
    this.times = new Float64Array(buffer);
    this.words = new Uint32Array(buffer);
    this.bytes.set(kept.subarray(0, used));
    this.head = 0;
    this.tail = used;
    return true;
  }

  private copyIn(from: Uint8Array, start: number, end: number, at: number): void {
    const first = Math.min(end - start, this.bytes.length - at);
    this.bytes.set(from.subarray(start, start + first), at);
    if (start + first < end) this.bytes.set(from.subarray(start + first, end), 0);
  }

  private copyOut(at: number, length: number): Uint8Array {
    const copy = new Uint8Array(length);
    const first = Math.min(length, this.bytes.length - at);
    copy.set(this.bytes.subarray(at, at + first));
    if (first < length) copy.set(this.bytes.subarray(0, length - first), first);
    return copy;
  }
}
