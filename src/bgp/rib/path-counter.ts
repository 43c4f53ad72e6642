/** Who keeps count of a source's paths, by more than their number: limits. Called in the middle of the table's work. */
export interface PathCounter {
  /** A path is there, in its present state. */
  arrived(slot: number, path: number): void;
  /** A path goes, or is about to become another: it is still what it was. */
  left(slot: number, path: number): void;
}
