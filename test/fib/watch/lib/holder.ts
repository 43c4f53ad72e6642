/** A client of a watch that does as `src/fib/watch/items.ts` says, and nothing else. */
import type { MacView, WatchHub, WatchItem, WatchQuery } from "../../../../src/fib/index.js";

interface Held {
  mac: MacView;
  revision: number;
  doubt: boolean;
}

export class Holder {
  readonly held = new Map<string, Held>();
  readonly items: WatchItem[] = [];
  cursor: string | undefined;
  id = "";
  lags = 0;
  ended = false;
  private readonly hub: WatchHub;
  private readonly query: WatchQuery;

  constructor(hub: WatchHub, query: WatchQuery) {
    this.hub = hub;
    this.query = query;
  }

  /** Opens the watch, or opens it again where it was. */
  async open(cursor: string | undefined = this.cursor ?? this.query.cursor): Promise<this> {
    if (this.id !== "") await this.hub.close(this.id);
    this.id = await this.hub.open({ ...this.query, cursor });
    return this;
  }

  /** The items of one pull, applied. */
  async pull(most = 1000): Promise<readonly WatchItem[]> {
    const { items, ended } = await this.hub.next(this.id, most, 0);
    this.ended ||= ended;
    for (const item of items) {
      this.apply(item);
      this.items.push(item);
    }
    return items;
  }

  /** Pulls until there is nothing more. */
  async drain(): Promise<readonly WatchItem[]> {
    const all: WatchItem[] = [];
    for (let empty = 0; empty < 2;) {
      const items = await this.pull();
      empty = items.length === 0 ? empty + 1 : 0;
      all.push(...items);
    }
    return all;
  }

  apply(item: WatchItem): void {
    if (item.cursor !== undefined) this.cursor = item.cursor;
    switch (item.type) {
      case "begin":
        for (const one of this.held.values()) if (inScope(item, one.mac)) one.doubt = true;
        break;
      case "sync":
        for (const [key, one] of this.held) {
          if (one.doubt && inScope(item, one.mac)) this.held.delete(key);
        }
        break;
      case "mac":
        if (item.state === "gone") this.held.delete(item.key);
        else {
          this.held.set(item.key, { mac: item.mac!, revision: item.revision, doubt: false });
        }
        break;
      case "lagged":
        this.lags++;
        break;
      default:
        break;
    }
  }
}

function inScope({ esi }: WatchItem, mac: MacView): boolean {
  return esi === undefined || mac.esi === esi;
}

/** Without what is told with the MAC that has the address. */
export function plain(view: MacView): unknown {
  return {
    ...view,
    bindings: view.bindings.map((one) =>
      one.lost ? { ...one, moves: 0, firstSeen: 0, lastChange: 0 } : one,
    ),
  };
}
