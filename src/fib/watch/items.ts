/**
 * What a watcher is told, as plain data. A watch is a snapshot, a sync marker, then changes:
 *
 *   begin … items … sync … items …
 *
 * An item has a key, a revision and a state, and applying it twice changes nothing. How to apply them:
 *
 * - `begin`: all that is held is in doubt. With an `esi`: the MACs that are held with this segment.
 * - an item that is `present` replaces what is held of its key, and is not in doubt; one that is `gone`
 *   takes its key away.
 * - `sync`: drop what is still in doubt. From here on what is held is what evpnd has.
 * - `lagged`: changes were lost; what is held may be old until the `sync` of the `begin` that follows.
 * - `cursor`, on whichever item: a watch opened with it goes on behind that item.
 * - `end`: nothing more comes, and why.
 */
import type { MacView } from "../view.js";

export const WATCH_TOPICS = ["macs", "alarms", "events", "peers"] as const;
/** What is watched: MACs, duplicate MACs, events of the FIB one by one, peers. */
export type WatchTopic = (typeof WATCH_TOPICS)[number];

/** All that is given must hold. Text as `MacQuery` takes it. */
export interface WatchQuery {
  readonly topic: WatchTopic;
  /** A MAC, its first digits, or a MAC and a mask: `52:54:00:00:00:00/ff:ff:ff:00:00:00`, or `/24`. */
  readonly mac?: string | undefined;
  readonly ip?: string | undefined;
  readonly domain?: string | undefined;
  readonly vni?: number | undefined;
  readonly pe?: string | undefined;
  readonly esi?: string | undefined;
  /** Names of events, with commas: only changes by these are told. */
  readonly kinds?: string | undefined;
  /** Segment events are told MAC by MAC as well. */
  readonly expand?: boolean | undefined;
  /** False: changes only, from now on. */
  readonly snapshot?: boolean | undefined;
  /** From an item: go on there. */
  readonly cursor?: string | undefined;
}

/** What brought an item about: the last event, and how many there were since the item was last told. */
export interface WatchChange {
  /** Name of the event. */
  readonly kind: string;
  /** Wall-clock milliseconds. */
  readonly time: number;
  /** Where it was before the first of them, empty if unknown or nowhere: a PE. */
  readonly from: string;
  readonly to: string;
  /** Events since it was last told. */
  readonly events: number;
  /** MACs, of segment events; moves, of others. */
  readonly count: number;
}

export interface EventState {
  readonly kind: string;
  /** Wall-clock milliseconds. */
  readonly time: number;
  readonly domain?: string | undefined;
  readonly mac?: string | undefined;
  readonly to?: string | undefined;
  readonly from?: string | undefined;
  readonly sequence: number;
  readonly esi?: string | undefined;
  readonly count: number;
  readonly ip?: string | undefined;
  /** Of whose route it was about. */
  readonly peer?: string | undefined;
  /** Raw 24 bits. */
  readonly label: number;
}

export interface PeerState {
  readonly address: string;
  readonly group: string;
  readonly description: string;
  readonly as?: number | undefined;
  readonly state: string;
  readonly adminDown: boolean;
  readonly lastError?: string | undefined;
  /** Wall-clock milliseconds of the last change to or from Established. */
  readonly since: number;
  readonly slow: boolean;
}

export type WatchItemType =
  "begin" | "sync" | "mac" | "segment" | "event" | "peer" | "lagged" | "alive" | "end";

export interface WatchItem {
  readonly type: WatchItemType;
  /** `DOMAIN MAC`, an ESI and a PE, an event's number, a peer's address; empty of marks. */
  readonly key: string;
  /** Grows with every change, as long as evpnd runs; of one key it never falls. */
  readonly revision: number;
  /** `present` or `gone`; of a segment `up`, `down`, `changed` or `drained`; empty of marks. */
  readonly state: string;
  readonly mac?: MacView | undefined;
  readonly event?: EventState | undefined;
  readonly peer?: PeerState | undefined;
  readonly change?: WatchChange | undefined;
  /** Of `begin` and `sync`: only MACs of this segment. Of a segment item: which. */
  readonly esi?: string | undefined;
  /** Of `lagged` and `end`: what happened and what to do. */
  readonly message?: string | undefined;
  /** Of `lagged`: events that are lost, 0 if unknown. */
  readonly lost?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface WatchBatch {
  /** Empty when nothing came in time. */
  readonly items: readonly WatchItem[];
  /** Nothing more will come. */
  readonly ended: boolean;
}

/** Watches by pulled batches; a watcher that nobody pulls for a while is closed. */
export interface WatchControl {
  /** The watcher's id. Rejects with `invalid`, `not-found`, or `busy` when there are too many. */
  open(query: WatchQuery): Promise<string>;
  /** At most `most` items; waits so many milliseconds for the first. Rejects with `not-found` for a watcher that was closed. */
  next(watcher: string, most: number, waitMs: number): Promise<WatchBatch>;
  close(watcher: string): Promise<void>;
  /** For metrics. */
  stats(): Promise<WatchStats>;
}

export interface WatchStats {
  readonly watchers: number;
  /** Changed keys that watchers have not been told yet, of all of them. */
  readonly pending: number;
  readonly items: number;
  readonly lagged: number;
}

export function mark(
  type: "begin" | "sync" | "lagged" | "alive" | "end",
  revision: number,
  more: Partial<WatchItem> = {},
): WatchItem {
  return { type, key: "", revision, state: "", ...more };
}
