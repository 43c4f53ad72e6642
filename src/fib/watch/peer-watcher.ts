/**
 * Watchers of peers. Peers tell no events, so what they are is asked for once in a while, once for all
 * watchers, and compared: counters are left out, for they always change.
 */
import { formatCursor } from "./cursor.js";
import { mark, type PeerState, type WatchItem } from "./items.js";
import type { Watcher } from "./watcher.js";

interface Known {
  readonly peer: PeerState;
  readonly text: string;
}

/** What is known of all peers, and who wants to be told. */
export class PeerStates {
  /** Of the last change. */
  revision = 0;
  readonly instance: string;
  readonly known = new Map<string, Known>();
  private readonly watchers = new Set<PeerWatcher>();

  constructor(instance: string) {
    this.instance = instance;
  }

  get watched(): boolean {
    return this.watchers.size > 0;
  }

  add(watcher: PeerWatcher): void {
    this.watchers.add(watcher);
  }

  remove(watcher: PeerWatcher): void {
    this.watchers.delete(watcher);
  }

  /** Compares with what was known; whether anything changed. */
  update(peers: readonly PeerState[]): boolean {
    const before = this.revision;
    const gone = new Set(this.known.keys());
    for (const peer of peers) {
      gone.delete(peer.address);
      const text = JSON.stringify(peer);
      if (this.known.get(peer.address)?.text === text) continue;
      this.revision++;
      this.known.set(peer.address, { peer, text });
      this.changed(peer.address);
    }
    for (const address of gone) {
      this.known.delete(address);
      this.revision++;
      this.changed(address);
    }
    return this.revision !== before;
  }

  private changed(address: string): void {
    for (const watcher of this.watchers) watcher.changed(address);
  }
}

/** Its keys are addresses of peers, so they need no bound of their own. */
export class PeerWatcher implements Watcher {
  private readonly states: PeerStates;
  private readonly query: string;
  private readonly waiting = new Set<string>();
  private begun = false;
  private synced = false;
  private lost: boolean;
  /** It goes on without a snapshot, and is to be told so. */
  private greet = false;

  constructor(states: PeerStates, query: string, resumed: boolean) {
    this.states = states;
    this.query = query;
    this.lost = resumed;
    for (const address of states.known.keys()) this.waiting.add(address);
  }

  get pending(): number {
    return this.waiting.size;
  }

  get hasWork(): boolean {
    return !this.synced || this.greet || this.waiting.size > 0;
  }

  cursor(): string | undefined {
    if (!this.synced || this.waiting.size > 0) return undefined;
    const { instance, revision: position } = this.states;
    return formatCursor({ instance, query: this.query, position });
  }

  /** The watcher has everything up to now. */
  skipSnapshot(): void {
    this.waiting.clear();
    this.begun = true;
    this.synced = true;
    this.lost = false;
    this.greet = true;
  }

  changed(address: string): void {
    this.waiting.add(address);
  }

  take(most: number): Promise<WatchItem[]> {
    const { states } = this;
    const items: WatchItem[] = [];
    if (this.lost) {
      this.lost = false;
      const message = "peers changed since the cursor; everything is told anew";
      items.push(mark("lagged", states.revision, { message, lost: 0 }));
    }
    if (!this.begun) {
      this.begun = true;
      items.push(mark("begin", states.revision));
    }
    for (const key of this.waiting) {
      if (items.length >= most) break;
      this.waiting.delete(key);
      const known = states.known.get(key);
      const { revision } = states;
      items.push(
        known === undefined
          ? { type: "peer", key, revision, state: "gone" }
          : { type: "peer", key, revision, state: "present", peer: known.peer },
      );
    }
    if ((!this.synced || this.greet) && this.waiting.size === 0) {
      this.synced = true;
      this.greet = false;
      items.push(mark("sync", states.revision));
    }
    return Promise.resolve(items);
  }
}
