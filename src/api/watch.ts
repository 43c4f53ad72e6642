/**
 * Watches for the doors: one hub for each backend, in the thread of the API. What changed is read from the
 * ring of events, which is shared memory; states are asked of the FIB's door. So watchers cost the
 * BGP thread nothing but the states that it is asked for.
 */
import type { PeerView } from "../bgp/control.js";
import {
  WatchHub,
  watchSource,
  type HubLimits,
  type PeerState,
  type WatchControl,
  type WatchItem,
  type WatchQuery,
  type WatchSource,
} from "../fib/index.js";
import { systemClock, type Clock, type TimerHandle } from "../util/clock.js";
import type { HttpBackend } from "./backend.js";
import { nextTurn } from "../util/turn-end.js";

/** How often it is looked whether the FIB is another one, while somebody watches. */
const LOOK_MS = 1000;
const BATCH = 128;
/** One wait for news; after so long without any a client is told that evpnd lives. */
const WAIT_MS = 5000;
const ALIVE_MS = 15_000;

const ALIVE: WatchItem = { type: "alive", key: "", revision: 0, state: "" };

const hubs = new WeakMap<HttpBackend, BackendWatch>();

/** The watches of a backend. */
export function watchOf(backend: HttpBackend): BackendWatch {
  const known = hubs.get(backend);
  if (known !== undefined) return known;
  const made = new BackendWatch(backend);
  hubs.set(backend, made);
  return made;
}

export class BackendWatch {
  readonly hub: WatchHub;
  private readonly backend: HttpBackend;
  private readonly clock: Clock;
  private source: WatchSource | undefined;
  private timer: TimerHandle | undefined;

  constructor(backend: HttpBackend, clock: Clock = systemClock, limits: Partial<HubLimits> = {}) {
    this.backend = backend;
    this.clock = clock;
    this.hub = new WatchHub({
      source: () => this.source,
      peers: async () => (await backend.control.peers()).map(peerState),
      clock,
      limits,
    });
  }

  /**
   * Items of a watch as they come, in batches as large as the client takes; until it goes (`signal`), or
   * there is nothing more. Throws `FibQueryError` before the first batch when the watch is refused.
   */
  async *batches(query: WatchQuery, signal: AbortSignal): AsyncGenerator<readonly WatchItem[]> {
    if (query.topic !== "peers") await this.look();
    const watch: WatchControl = this.hub;
    const id = await watch.open(query);
    const close = (): void => void watch.close(id);
    const isOver = (): boolean => signal.aborted;
    signal.addEventListener("abort", close, { once: true });
    try {
      if (isOver()) return;
      this.lookOn();
      let spoke = this.clock.now();
      while (!isOver()) {
        const { items, ended } = await watch.next(id, BATCH, WAIT_MS);
        if (isOver()) return;
        // A turn between batches: however much there is to tell, the ring is read in time.
        await nextTurn();
        const now = this.clock.now();
        if (items.length > 0) yield items;
        else if (now - spoke >= ALIVE_MS) yield [ALIVE];
        else if (!ended) continue;
        spoke = now;
        if (ended) return;
      }
    } finally {
      signal.removeEventListener("abort", close);
      close();
    }
  }

  /** Finds the FIB that answers now. */
  private async look(): Promise<void> {
    const { fib } = this.backend;
    const share = await fib?.events();
    if (fib === undefined || share === undefined) {
      this.source = undefined;
      return;
    }
    const next = watchSource(fib, share);
    // The door may be another object although the FIB is the same.
    this.source =
      this.source?.instance === next.instance
        ? { ...this.source, macs: (query) => fib.macs(query) }
        : next;
  }

  private lookOn(): void {
    if (this.timer !== undefined) return;
    this.timer = this.clock.setTimer(LOOK_MS, () => {
      this.timer = undefined;
      void this.lookAgain();
    });
  }

  private async lookAgain(): Promise<void> {
    const { watchers } = await this.hub.stats();
    if (watchers === 0) return;
    try {
      await this.look();
    } catch {
      // Busy: the FIB that was there is asked on.
    }
    this.lookOn();
  }
}

function peerState(peer: PeerView): PeerState {
  const { address, group, description, as, state, adminDown, lastError, since, slow } = peer;
  return {
    address,
    group,
    description,
    as,
    state,
    adminDown,
    lastError,
    since,
    slow: slow !== undefined,
  };
}
