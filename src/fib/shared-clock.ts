/** The few numbers of a FIB that are in none of its tables, for readers in other threads. */
const HIGH = 0x1_0000_0000;

export const CLOCK_WORDS = 5;

export interface SharedClock {
  /** Wall-clock milliseconds of the last batch. */
  readonly wall: number;
  /** The same on the clock that records of moves have. */
  readonly now: number;
  /** MACs that are duplicates. */
  readonly duplicates: number;
}

export function writeClock(words: Int32Array, { wall, now, duplicates }: SharedClock): void {
  words[0] = Math.floor(wall / HIGH);
  words[1] = (wall % HIGH) | 0;
  words[2] = Math.floor(now / HIGH);
  words[3] = (now % HIGH) | 0;
  words[4] = duplicates;
}

export function readClock(words: Int32Array): SharedClock {
  return {
    wall: words[0]! * HIGH + (words[1]! >>> 0),
    now: words[2]! * HIGH + (words[3]! >>> 0),
    duplicates: words[4]!,
  };
}
