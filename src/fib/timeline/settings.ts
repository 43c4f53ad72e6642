/** What the timeline is told by configuration. */
export interface TimelineSettings {
  readonly directory: string;
  /** Seconds that an event is kept. */
  readonly maxAge: number;
  /** Octets of events kept; on the disk, compressed, it is less, while old ones go it is more for a while. */
  readonly maxSize: number;
}

export const DEFAULT_TIMELINE = {
  enabled: false,
  maxAge: 30 * 86_400,
  maxSize: 1024 * 1024 * 1024,
} as const;

/** Events that the ring of a FIB with a timeline holds: what comes while the store is busy. */
export const TIMELINE_RING = 262_144;
