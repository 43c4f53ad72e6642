/**
 * One reader of the feed: a gate or a gateway. What it has not taken is remembered by name, not by content:
 * one entry for each instance and catalog, whatever happened meanwhile, and what is sent is the state at
 * the time of sending. So a reader that is slow costs little, holds up nobody, and never gets what is old.
 *
 * Order: revocations, then the heartbeat, which must not tell of a revocation that was not sent; then
 * catalogs, other verdicts, and the marker behind the snapshot.
 */
import { feedLink, type FeedMessage } from "../../protocol/index.js";

/** Where its octets go: a TLS connection, or a port to another thread. */
export interface FeedPipe {
  /** False: enough for now, `Subscriber.drained` is called when more may come. */
  send(octets: Uint8Array): boolean;
  close(): void;
}

export interface SubscriberFacts {
  readonly name: string;
  readonly reader: "gate" | "gateway";
  readonly audience: string;
  /** Undefined = all. */
  readonly tenants: readonly string[] | undefined;
  /** Its own, 32 octets: in every heartbeat that it gets. */
  readonly nonce: Uint8Array;
  readonly address: string;
  readonly connectedAt: number;
  /** Of its TLS connection, hex; undefined in the same process. */
  readonly key: string | undefined;
}

/** What is to be sent, asked at the time of sending. */
export interface FeedSource {
  /**
   * An Item, or Gone where there is none any more; undefined = nothing to tell.
   * @param fresh with a serial that this reader has not seen
   */
  item(id: string, facts: SubscriberFacts, fresh: boolean): FeedMessage | undefined;
  /** In parts; none where it is gone. */
  catalog(tenant: string): readonly FeedMessage[];
  heartbeat(facts: SubscriberFacts, sequence: number, revocation: number): FeedMessage;
  keys(): FeedMessage;
}

export class Subscriber {
  readonly facts: SubscriberFacts;
  private readonly pipe: FeedPipe;
  private readonly source: FeedSource;
  private readonly urgent = new Set<string>();
  private readonly items = new Set<string>();
  private readonly catalogs = new Set<string>();
  private readonly others: FeedMessage[] = [];
  /** What the snapshot has shown so far; undefined when it is over. */
  private snapshot: { readonly items: Set<string>; readonly catalogs: Set<string> } | undefined;
  private beats = false;
  private newKeys = false;
  private sequence = 0;
  private full = false;
  private ended = false;
  /** Highest revocation that it was, or is about to be, told of; and the one it says is in force. */
  private revocation: number;
  applied = 0;

  constructor(facts: SubscriberFacts, pipe: FeedPipe, source: FeedSource, revocation: number) {
    this.facts = facts;
    this.pipe = pipe;
    this.source = source;
    this.revocation = revocation;
  }

  get waiting(): number {
    return this.urgent.size + this.items.size + this.catalogs.size + this.others.length;
  }

  wants(tenant: string): boolean {
    return this.facts.tenants?.includes(tenant) ?? true;
  }

  /** The snapshot, and its end. */
  begin(ids: readonly string[], catalogs: readonly string[]): void {
    for (const id of ids) this.items.add(id);
    for (const tenant of catalogs) this.catalogs.add(tenant);
    this.snapshot = { items: new Set(), catalogs: new Set() };
    this.beats = true;
    this.flush();
  }

  /** @param revocation the sequence of the one it tells; 0 = it tells none */
  item(id: string, revocation: number): void {
    if (revocation > 0) {
      this.revocation = Math.max(this.revocation, revocation);
      this.items.delete(id);
      this.urgent.add(id);
    } else if (!this.urgent.has(id)) {
      this.items.add(id);
    }
    this.flush();
  }

  catalog(tenant: string): void {
    this.catalogs.add(tenant);
    this.flush();
  }

  beat(): void {
    this.beats = true;
    this.flush();
  }

  keysChanged(): void {
    this.newKeys = true;
    this.flush();
  }

  /** Few and small: break-glass documents. */
  tell(message: FeedMessage): void {
    this.others.push(message);
    this.flush();
  }

  drained(): void {
    this.full = false;
    this.flush();
  }

  close(): void {
    if (this.ended) return;
    this.ended = true;
    this.pipe.close();
  }

  private flush(): void {
    while (!this.full && !this.ended) {
      const messages = this.next();
      if (messages === undefined) return;
      for (const message of messages) {
        // Parts of one catalog stay together; everything else is one message.
        if (!this.pipe.send(feedLink.encode(message))) this.full = true;
      }
    }
  }

  private next(): readonly FeedMessage[] | undefined {
    if (this.newKeys) {
      this.newKeys = false;
      return [this.source.keys()];
    }
    const urgent = taken(this.urgent);
    if (urgent !== undefined) return this.itemOf(urgent);
    if (this.beats) {
      this.beats = false;
      return [this.source.heartbeat(this.facts, ++this.sequence, this.revocation)];
    }
    const other = this.others.shift();
    if (other !== undefined) return [other];
    const catalog = taken(this.catalogs);
    if (catalog !== undefined) {
      const parts = this.source.catalog(catalog);
      if (parts.length > 0) this.snapshot?.catalogs.add(catalog);
      return parts;
    }
    const item = taken(this.items);
    if (item !== undefined) return this.itemOf(item);
    if (this.snapshot === undefined) return undefined;
    const { items, catalogs } = this.snapshot;
    this.snapshot = undefined;
    const { revocation } = this;
    return [{ kind: "marker", items: items.size, catalogs: catalogs.size, revocation }];
  }

  private itemOf(id: string): readonly FeedMessage[] {
    const message = this.source.item(id, this.facts, this.snapshot !== undefined);
    if (message?.kind === "item") this.snapshot?.items.add(id);
    else this.snapshot?.items.delete(id);
    return message === undefined ? [] : [message];
  }
}

function taken(set: Set<string>): string | undefined {
  for (const one of set) {
    set.delete(one);
    return one;
  }
  return undefined;
}
