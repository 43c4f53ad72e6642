/** What every kind of watcher is to the hub. */
import type { FibEvent } from "../event-record.js";
import type { FibPage, MacQuery } from "../control.js";
import type { MacView } from "../view.js";
import type { WatchItem } from "./items.js";

/** A FIB as watchers see it. Another FIB is another source. */
export interface WatchSource {
  /** Tells two FIBs apart: hexadecimal digits. */
  readonly instance: string;
  readonly events: EventSource;
  macs(query: MacQuery): Promise<FibPage<MacView>>;
  /** As `MacView.domain` names it. */
  domain(key: NonNullable<FibEvent["domain"]>): string;
}

/** `EventReader`, or what stands for it in a test. */
export interface EventSource {
  readonly next: number;
  readonly oldest: number;
  read(
    position: number,
    most: number,
  ): { readonly events: readonly FibEvent[]; readonly lost: number; readonly next: number };
}

/** An event with its domain by name. */
export interface NamedEvent {
  readonly event: FibEvent;
  readonly domain: string | undefined;
}

export interface Watcher {
  /** Changed keys that are not told yet. */
  readonly pending: number;
  /** Whether `take` may have items. */
  readonly hasWork: boolean;
  /** At most `most` items, and a few marks. */
  take(most: number): Promise<WatchItem[]>;
  /** Where a new watch would go on now; undefined in the middle of a snapshot. */
  cursor(): string | undefined;
}

export interface HubLimits {
  readonly watchers: number;
  /** Changed keys kept for one watcher; beyond, it has lagged. */
  readonly changes: number;
  /** A watcher that is not pulled for so long is closed. */
  readonly idleMs: number;
  /** Least time from one snapshot after a lag to the next. */
  readonly snapshotMs: number;
}

export const DEFAULT_LIMITS: HubLimits = {
  watchers: 64,
  changes: 65_536,
  idleMs: 600_000,
  snapshotMs: 1000,
};
